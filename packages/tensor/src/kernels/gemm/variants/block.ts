/** The block variants: register tiles over double-buffered blocks in workgroup memory, for GPUs; one WGSL template, an object for each tile size. */
import { gemmBlockWgsl } from '@mudpt/shaders';
import { kernel } from '../../kernel.ts';
import { buffersOf, bytesOfBuffer, threadsOf, type TileModel, type TileSize } from '../problem/estimate.ts';
import { dispatching, type GemmVariant } from './variant.ts';

const dispatch = dispatching(kernel({ name: 'gemm.block', source: gemmBlockWgsl }));

/** The variant of a tile size. */
export function block(name: string, size: TileSize & Pick<TileModel, 'efficiency'>): GemmVariant {
  const { rows, columns, sumRows, sumColumns, slices = 1 } = size;
  const threads = threadsOf(size);
  return {
    name,
    idea: `${rows}x${columns} in workgroup memory, ${sumRows}x${sumColumns} in registers: the next block is on its way while this one is summed`,
    runsOn: ({ workgroupBytes, invocations }) => threads <= invocations && bytesOfBuffer(size) <= workgroupBytes,
    tiling: () => ({ rows, columns }),
    defines: (_, { workgroupBytes }) => ({
      BM: rows,
      BN: columns,
      TM: sumRows,
      TN: sumColumns,
      SLICES: slices,
      THREADS: threads,
      BUFFERS: buffersOf(size, workgroupBytes),
    }),
    dispatch,
    model: { ...size, waits: 1 },
    madeFor: 'gpu',
  };
}
