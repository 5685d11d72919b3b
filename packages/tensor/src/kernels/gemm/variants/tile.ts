/** The tile variant: both operands in workgroup memory, 8 x 8 sums an invocation, one buffer, on every GPU. */
import { gemmTileWgsl } from '@mudpt/shaders';
import { kernel } from '../../kernel.ts';
import { dispatching, type GemmVariant } from './variant.ts';

export const tile: GemmVariant = {
  name: 'tile',
  idea: '64x64 in workgroup memory, 8x8 in registers: each value is read once per 64 uses; on CPUs every barrier costs',
  runsOn: () => true,
  tiling: () => ({ rows: 64, columns: 64 }),
  defines: () => ({}),
  dispatch: dispatching(kernel({ name: 'gemm.tile', source: gemmTileWgsl })),
  // It loads no block ahead, so each block waits for its loads and two barriers, which other workgroups hide only in part.
  model: { rows: 64, columns: 64, sumRows: 8, sumColumns: 8, efficiency: 0.36, waits: 2 },
};
