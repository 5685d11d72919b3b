/** The plain variant: 4 x 4 sums an invocation, on every adapter. */
import { gemmPlainWgsl } from '@mudpt/shaders';
import { kernel } from '../../kernel.ts';
import { dispatching, type GemmVariant } from './variant.ts';

export const plain: GemmVariant = {
  name: 'plain',
  idea: 'a 4x4 register tile: 8 loads serve 16 multiply-adds, no barriers',
  runsOn: () => true,
  tiling: () => ({ rows: 32, columns: 32 }),
  defines: () => ({}),
  dispatch: dispatching(kernel({ name: 'gemm.plain', source: gemmPlainWgsl })),
  gpuRank: () => 1,
};
