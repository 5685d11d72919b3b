/**
 * A tensor engine on WebGPU: eager operations outside, recorded and replayable command lists inside. This entry is for users;
 * `@mudpt/tensor/kernels` is for those who write ops and kernels.
 */
/* oxlint-disable-next-line import/no-unassigned-import -- it gives Tensor its methods */
import './methods.ts';

export type { TensorMethods } from './methods.ts';
export * from './functions.ts';
