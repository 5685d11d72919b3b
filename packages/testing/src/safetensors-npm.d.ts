/** npm `safetensors` 0.0.1 ships no types; under ESM its UMD build shows only a default export. */
declare module 'safetensors' {
  class SafeTensor {
    constructor(bytes: Uint8Array);
    readonly metadata: ReadonlyMap<string, { dtype: string; shape: number[]; data_offsets: number[] }>;
    getTensor(name: string): Uint8Array;
  }
  const exports: { readonly SafeTensor: typeof SafeTensor };
  export default exports;
}
