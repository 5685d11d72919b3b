/** The parameters of gemm/params.wgsl. */
import { LimitError } from '../../errors.ts';
import { padFront, sizeOf } from '../../shape.ts';
import { exactAccess } from './problem/access.ts';
import { epilogueParams } from './epilogue.ts';
import { MAX_BATCH_DIMS, type Problem } from './problem/problem.ts';
import { chunkOf } from './problem/estimate.ts';
import type { GemmParams, Tiling } from './variants/index.ts';

/** @param splitStride elements between the partial sums of two splits; 0 where the result itself is written */
export function paramsOf(p: Problem, tiling: Tiling, splits: number, splitStride: number): GemmParams {
  const { batch, m, n, k, a, b, c, epilogue } = p;
  if (batch.length > MAX_BATCH_DIMS)
    throw new LimitError('gemm', `${batch.length} batch dimensions remain`, `merge them to ${MAX_BATCH_DIMS}`);
  const pad = (strides: readonly number[]): number[] => padFront(strides, MAX_BATCH_DIMS, 0);
  return {
    batch_shape: padFront(batch, MAX_BATCH_DIMS, 1),
    a_batch: pad(a.batch),
    b_batch: pad(b.batch),
    c_batch: pad(c.batch),
    m,
    n,
    k,
    k_chunk: chunkOf(k, splits),
    tiles_m: Math.ceil(m / tiling.rows),
    tiles_n: Math.ceil(n / tiling.columns),
    batches: sizeOf(batch),
    splits,
    a_offset: a.offset,
    a_row: a.row,
    a_col: a.col,
    b_offset: b.offset,
    b_row: b.row,
    b_col: b.col,
    c_offset: c.offset,
    c_row: c.row,
    c_col: c.col,
    c_split: splitStride,
    b_along_n: exactAccess(p).VB === 'n' ? 1 : 0,
    ...epilogueParams(epilogue),
  };
}
