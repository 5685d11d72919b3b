/** Addresses of built files. */
declare module '*?url' {
  const address: string;
  export default address;
}
declare module 'virtual:sample' {
  const address: string;
  export default address;
}
declare module '*.css';
