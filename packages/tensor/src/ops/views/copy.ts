/** Copies of tensors: contiguous ones, and conversions of dtype. */
import { defineOp } from '../../definition/op.ts';
import type { DType } from '../../dtype.ts';
import * as launch from '../../kernels/copy.ts';
import { alias, empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';

/** `x` itself (a second handle) if its elements lie in row-major order, else a contiguous copy. */
export const contiguous = defineOp('contiguous', (x: Tensor): Tensor => launch.contiguous(x));

/** A contiguous copy, always. */
export const contiguousCopy = defineOp('contiguousCopy', (x: Tensor): Tensor => launch.contiguousCopy(x));

/**
 * `x` converted to `dtype`; a second handle of `x` if it has it already. Floats to integers lose their fraction; what lies beyond the integers becomes the
 * nearest one that f32 holds, NaN 0. To bool is "not zero".
 */
export const cast = defineOp('cast', (x: Tensor, dtype: DType): Tensor => {
  x.expectLive('cast');
  if (x.dtype === dtype) return alias(x);
  const out = empty(x.device, x.shape, dtype);
  launch.copyInto(out, x);
  return out;
});
