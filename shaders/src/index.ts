export { type Defines, preprocess, type Resolve } from './preprocess.ts';
export { type ShaderName, wgsl } from './generated.ts';
export { sampleVariants } from './variants.ts';
