/** Counts of integers. */
import { wgsl } from '@mudpt/shaders';
import { expectDType, wgslType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { grid1d, kernel } from '../kernels/kernel.ts';
import { defineOp } from '../definition/op.ts';
import type { Tensor } from '../tensor.ts';
import { contiguous } from './copy.ts';
import { zeros } from './create.ts';

const bincountKernel = kernel({ name: 'bincount', source: wgsl['bincount.wgsl'] });

/**
 * How often each of 0 .. bins - 1 occurs in `x`.
 * @param x i32 or u32 of any shape; values outside the range are not counted
 * @returns u32 [bins]
 */
export const bincount = defineOp('bincount', (x: Tensor, bins: number): Tensor => {
  x.expectLive('bincount');
  expectDType('bincount', 'x', x.dtype, ['i32', 'u32']);
  if (!Number.isInteger(bins) || bins < 0) throw new ShapeError('bincount', `bins is ${bins}`, 'give a whole number >= 0');
  using values = contiguous(x);
  const counts = zeros([bins], { dtype: 'u32', device: x.device });
  bincountKernel.dispatch(x.device, {
    buffers: { x: values, counts },
    params: { count: values.size, offset: values.offset, bins },
    grid: grid1d(values.size, 64),
    defines: { T: wgslType(x.dtype) },
    bytes: 4 * values.size,
  });
  return counts;
});
