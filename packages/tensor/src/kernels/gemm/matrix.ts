/** The subgroup matrix variant: which products it can take, its dispatch, and the check it must pass before it is ever chosen. */
import type { SubgroupMatrixConfig } from '../../engine/adapter.ts';
import type { Device } from '../../device.ts';
import { wgslType } from '../../dtype.ts';
import { grid1d } from '../kernel.ts';
import { padFront, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { gemmKernels } from './kernels.ts';
import { MAX_BATCH_DIMS, type Product } from './problem.ts';
import { chunkOf } from './splits.ts';

const passed = new WeakSet<Device>();

/** Lets the tuner choose the subgroup matrix variant on `device`; for {@link checkMatrix}. */
export function allowMatrix(device: Device): void {
  passed.add(device);
}

export function forbidMatrix(device: Device): void {
  passed.delete(device);
}

export type MatrixPlan = { readonly config: SubgroupMatrixConfig; readonly layout: Layout };

/** How the variant would take `p`; undefined if it was not allowed or shapes or strides do not fit. */
export function planMatrix(p: Product): MatrixPlan | undefined {
  const { device } = p.c.tensor;
  const { dtype } = p.a.tensor;
  const layout = layoutOf(p);
  if (!passed.has(device) || device.subgroupSize === 0 || dtype !== p.b.tensor.dtype || !layout) return undefined;
  const config = device.adapter.subgroupMatrix.find(
    ({ componentType, resultComponentType, M, N, K }) =>
      componentType === dtype &&
      resultComponentType === 'f32' &&
      p.m % (2 * M) === 0 &&
      p.n % (2 * N) === 0 &&
      p.k % K === 0 &&
      16 % K === 0,
  );
  return config && { config, layout };
}

type Layout = { readonly aColumn: number; readonly aStride: number; readonly bColumn: number; readonly bStride: number };

/** How each operand is contiguous, undefined if one is not. */
function layoutOf({ a, b }: Product): Layout | undefined {
  if ((a.col !== 1 && a.row !== 1) || (b.row !== 1 && b.col !== 1)) return undefined;
  const [aColumn, aStride] = a.col === 1 ? [0, a.row] : [1, a.col];
  const [bColumn, bStride] = b.col === 1 ? [0, b.row] : [1, b.col];
  return aStride > 0 && bStride > 0 ? { aColumn, aStride, bColumn, bStride } : undefined;
}

/** Writes sums of `p` to `partial` [splits, batches, m, n]. */
export function dispatchMatrix(p: Product, { config, layout }: MatrixPlan, partial: Tensor, splits: number): void {
  const { device } = partial;
  const batches = sizeOf(p.batch);
  const [tilesM, tilesN] = [p.m / (2 * config.M), p.n / (2 * config.N)];
  gemmKernels.matrix.dispatch(device, {
    buffers: { a: p.a.tensor, b: p.b.tensor, c: partial },
    params: {
      batch_shape: padFront(p.batch, MAX_BATCH_DIMS, 1),
      a_batch: padFront(p.a.batch, MAX_BATCH_DIMS, 0),
      b_batch: padFront(p.b.batch, MAX_BATCH_DIMS, 0),
      m: p.m,
      n: p.n,
      k: p.k,
      k_chunk: chunkOf(p.k, splits),
      tiles_m: tilesM,
      tiles_n: tilesN,
      batches,
      splits,
      a_offset: p.a.offset,
      a_stride: layout.aStride,
      b_offset: p.b.offset,
      b_stride: layout.bStride,
    },
    grid: grid1d(tilesM * tilesN * batches * splits, 1),
    defines: {
      T: wgslType(p.a.tensor.dtype),
      CM: config.M,
      CN: config.N,
      CK: config.K,
      A_COL: layout.aColumn,
      B_COL: layout.bColumn,
    },
    flops: 2 * batches * p.m * p.n * p.k,
    bytes: 4 * batches * (p.m * p.n * splits + p.k * (p.m + p.n)),
  });
}
