/** Column sums of a matrix, for gradients of parameters that all rows share. */
import { gemmColumnsWgsl } from '@mudpt/shaders';
import { type DType, wgslType } from '../dtype.ts';
import { grid1d, kernel } from './kernel.ts';
import { empty } from '../definition/views.ts';
import type { Tensor } from '../tensor.ts';

const columnsKernel = kernel({ name: 'gemm.columns', source: gemmColumnsWgsl });

/** Sums of `splits` chunks of `chunk` rows each of a matrix: [splits, columns], or [columns] for one; f32 sums, rounded once to `dtype`. */
export function columnSum(rows: Tensor, chunk: number, splits: number, dtype: DType = 'f32'): Tensor {
  const [count = 0, columns = 0] = rows.shape;
  const out = empty(rows.device, splits === 1 ? [columns] : [splits, columns], dtype);
  const [x_row = 0, x_col = 0] = rows.strides;
  const [across, folds] = grid1d(columns, 64);
  columnsKernel.dispatch(rows.device, {
    buffers: { x: rows, y: out },
    params: { rows: count, columns, chunk, x_offset: rows.offset, x_row, x_col },
    grid: [across, splits, folds],
    defines: { TX: wgslType(rows.dtype), TY: wgslType(dtype) },
    flops: rows.size,
    bytes: 4 * rows.size,
  });
  return out;
}
