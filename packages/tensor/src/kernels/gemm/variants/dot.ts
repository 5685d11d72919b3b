/** The dot variant: invocations along k, for a vector or a few rows times a matrix on GPUs. */
import { gemmDotWgsl } from '@mudpt/shaders';
import { kernel } from '../../kernel.ts';
import { isFewRows } from '../problem/problem.ts';
import { dispatching, type GemmVariant } from './variant.ts';

export const dot: GemmVariant = {
  name: 'dot',
  idea: 'a group of invocations shares the k of 4x4 sums: few rows fill a GPU, and reads of b are contiguous',
  runsOn: () => true,
  tiling: (_, { subgroupSize }) => ({ rows: 4, columns: subgroupSize > 0 ? 256 / subgroupSize : 4 }),
  defines: () => ({}),
  dispatch: dispatching(kernel({ name: 'gemm.dot', source: gemmDotWgsl })),
  gpuRank: ({ m }) => (isFewRows(m) ? -1 : 2),
};
