/** Matrix products of integers, modulo 2^32. */
import { integerMatmulWgsl } from '@mudpt/shaders';
import { wgslType } from '../../dtype.ts';
import { sizesParam, stridesParam } from '../axes.ts';
import { grid1d, kernel } from '../kernel.ts';
import type { Product } from './problem/problem.ts';

const integerKernel = kernel({ name: 'integer_matmul', source: integerMatmulWgsl });

/** Writes the contiguous `c`; of the epilogue only alpha, a whole number. */
export function integerProduct({ batch, m, n, k, a, b, c, epilogue }: Product): void {
  const out = c.tensor;
  integerKernel.dispatch(out.device, {
    buffers: { a: a.tensor, b: b.tensor, y: out },
    params: {
      ...{ count: out.size, m, n, k },
      ...{ a_offset: a.offset, a_row: a.row >>> 0, a_column: a.col >>> 0 },
      ...{ b_offset: b.offset, b_row: b.row >>> 0, b_column: b.col >>> 0 },
      alpha: epilogue.alpha ?? 1,
      shape: sizesParam(batch),
      a_strides: stridesParam(a.batch),
      b_strides: stridesParam(b.batch),
    },
    grid: grid1d(out.size, 64),
    defines: { T: wgslType(out.dtype) },
    flops: 2 * out.size * k,
    bytes: 4 * (a.tensor.size + b.tensor.size + out.size),
  });
}
