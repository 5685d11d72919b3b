/** The kernels of the gemm family. */
import { wgsl } from '@mudpt/shaders';
import { type Kernel, kernel } from '../kernel.ts';
import { BLOCK_NAMES, type BlockName } from './blocks.ts';
import type { Variant } from './plan.ts';

const block = kernel({ name: 'gemm.block', source: wgsl['gemm/block.wgsl'] });
const blocks = Object.fromEntries(BLOCK_NAMES.map((name) => [name, block])) as Record<BlockName, Kernel>;

export const gemmKernels: Readonly<Record<Variant, Kernel>> = {
  broadcast: kernel({ name: 'gemm.broadcast', source: wgsl['gemm/broadcast.wgsl'] }),
  tile: kernel({ name: 'gemm.tile', source: wgsl['gemm/tile.wgsl'] }),
  plain: kernel({ name: 'gemm.plain', source: wgsl['gemm/plain.wgsl'] }),
  dot: kernel({ name: 'gemm.dot', source: wgsl['gemm/dot.wgsl'] }),
  matrix: kernel({ name: 'gemm.matrix', source: wgsl['gemm/matrix.wgsl'] }),
  ...blocks,
};

export const reduceKernel = kernel({ name: 'gemm.reduce', source: wgsl['gemm/reduce.wgsl'] });
export const activationGradKernel = kernel({ name: 'activation.grad', source: wgsl['activation.grad.wgsl'] });
