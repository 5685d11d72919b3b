/** Copies between any two strided views of equal shape, with conversion of dtype. */
import { wgsl } from '@mudpt/shaders';
import { type DType, wgslType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { grid1d, kernel } from '../kernel.ts';
import { defineOp } from '../op.ts';
import { collapse, MAX_RANK, padFront, sameShape, showShape } from '../shape.ts';
import { alias, empty, type Tensor } from '../tensor.ts';

const copyKernel = kernel({ name: 'copy', source: wgsl['copy.wgsl'] });

/** Writes the elements of `source` into `target` (any views of equal shape), converting to its dtype; in place, so not differentiable. */
export function copyInto(target: Tensor, source: Tensor): void {
  source.expectLive('copyInto');
  target.expectLive('copyInto');
  if (!sameShape(target.shape, source.shape)) {
    throw new ShapeError(
      'copyInto',
      `target ${showShape(target.shape)} and source ${showShape(source.shape)} differ`,
      'give both the same shape',
    );
  }
  const { device } = target;
  const { shape, strides } = collapse(source.shape, [source.strides, target.strides]);
  const wrap = (list: readonly number[] | undefined): number[] => padFront(list ?? [], MAX_RANK, 0).map((stride) => stride >>> 0);
  copyKernel.dispatch(device, {
    buffers: { x: source, y: target },
    params: {
      count: source.size,
      x_offset: source.offset,
      y_offset: target.offset,
      shape: padFront(shape, MAX_RANK, 1),
      x_strides: wrap(strides[0]),
      y_strides: wrap(strides[1]),
    },
    grid: grid1d(source.size, 64),
    defines: { TX: wgslType(source.dtype), TY: wgslType(target.dtype), TO_BOOL: target.dtype === 'bool' ? 1 : 0 },
    bytes: 8 * source.size,
  });
}

/** `x` itself (a second handle) if its elements lie in row-major order, else a contiguous copy. */
export const contiguous = defineOp('contiguous', (x: Tensor): Tensor => {
  x.expectLive('contiguous');
  return x.isContiguous ? alias(x) : contiguousCopy(x);
});

/** A contiguous copy, always. */
export function contiguousCopy(x: Tensor): Tensor {
  const out = empty(x.device, x.shape, x.dtype);
  copyInto(out, x);
  return out;
}

/** `x` converted to `dtype`; a second handle of `x` if it has it already. f32 to i32 truncates; to bool is "not zero". */
export const cast = defineOp('cast', (x: Tensor, dtype: DType): Tensor => {
  x.expectLive('cast');
  if (x.dtype === dtype) return alias(x);
  const out = empty(x.device, x.shape, dtype);
  copyInto(out, x);
  return out;
});
