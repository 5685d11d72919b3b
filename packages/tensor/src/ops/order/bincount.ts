/** Counts of integers. */
import { bincountWgsl } from '@mudpt/shaders';
import { expectDType, wgslType } from '../../dtype.ts';
import { DTypeError, ShapeError } from '../../errors.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { sameShape, showShape } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { contiguous } from '../views/copy.ts';
import { zeros } from '../create/create.ts';

const bincountKernel = kernel({ name: 'bincount', source: bincountWgsl });

/**
 * How often each of 0 .. bins - 1 occurs in `x`.
 * @param x i32 or u32 of any shape; values outside the range are not counted
 * @param weights f32 of x's shape: what each element counts. Sums run in one order, so they are bitwise repeatable; work grows with elements times bins
 * @returns u32 [bins], with weights f32
 * @throws ShapeError, DTypeError
 * @example
 * console.log(await tensor(Int32Array.of(0, 2, 2)).bincount(4).data()); // [1,0,2,0]
 */
export const bincount = defineOp('bincount', (x: Tensor, bins: number, weights?: Tensor): Tensor => {
  x.expectLive('bincount');
  expectDType('bincount', 'x', x.dtype, ['i32', 'u32']);
  if (!Number.isInteger(bins) || bins < 0) throw new ShapeError('bincount', `bins is ${bins}`, 'give a whole number >= 0');
  using values = contiguous(x);
  if (weights) return weighted(values, bins, weights);
  const counts = zeros([bins], { dtype: 'u32', device: x.device });
  bincountKernel.dispatch(x.device, {
    buffers: { x: values, counts },
    params: { count: values.size, offset: values.offset, bins },
    grid: grid1d(values.size, 64),
    defines: { T: wgslType(x.dtype), WEIGHTED: 0 },
    bytes: 4 * values.size,
  });
  return counts;
});

function weighted(values: Tensor, bins: number, weights: Tensor): Tensor {
  weights.expectLive('bincount');
  if (weights.dtype !== 'f32') throw new DTypeError('bincount', `weights have dtype ${weights.dtype}`, "use f32: .cast('f32')");
  if (!sameShape(weights.shape, values.shape))
    throw new ShapeError(
      'bincount',
      `weights have shape ${showShape(weights.shape)}, x ${showShape(values.shape)}`,
      'give one weight for each element',
    );
  using shares = contiguous(weights);
  const sums = empty(values.device, [bins], 'f32');
  bincountKernel.dispatch(values.device, {
    buffers: { x: values, weights: shares, sums },
    params: { count: values.size, offset: values.offset, bins, weights_offset: shares.offset },
    grid: grid1d(bins, 1),
    defines: { T: wgslType(values.dtype), WEIGHTED: 1 },
    bytes: 4 * values.size * bins,
  });
  return sums;
}
