export { type Defines, preprocess } from './preprocess.ts';
export * from './generated.ts';
export type { Shader } from './shader.ts';
export { sampleVariants } from './variants.ts';
