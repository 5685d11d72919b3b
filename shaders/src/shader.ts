/** A WGSL file as data: a bundler keeps those that a program's kernels name, and what they include. */
export type Shader = {
  /** Its path in shaders/wgsl; where messages say an error is. */
  readonly file: string;
  /** Its lines, without comments: line numbers are those of the file. */
  readonly text: string;
  readonly includes: readonly Shader[];
};
