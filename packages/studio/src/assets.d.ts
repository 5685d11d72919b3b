/** Addresses of built files, and what the build makes. */
declare module '*?url' {
  const address: string;
  export default address;
}
declare module 'virtual:sample' {
  const address: string;
  export default address;
}
declare module 'virtual:peers' {
  /** Milliseconds a run, and the result at the places of the job; undefined: the engine cannot do that. */
  type Run = (job: object) => Promise<{ readonly times: number[]; readonly values: number[] } | undefined>;
  /** @property open absent where the engine was not built in */
  export const peers: readonly { readonly name: string; readonly open?: () => Promise<Run> }[];
}
declare module 'virtual:commit' {
  const commit: string;
  export default commit;
}
declare module '*.css';
