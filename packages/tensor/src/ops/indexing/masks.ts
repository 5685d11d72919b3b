/** Ops that keep, replace or create elements by their position: tril, triu, maskedFill, oneHot. */
import { masksWgsl } from '@mudpt/shaders';
import { bitsType, bytesPerElement, type DType, expectDType, expectNumber, isFloat } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { broadcastShapes, broadcastStrides, collapse, sameShape, showShape } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { sizesParam, stridesParam } from '../../kernels/axes.ts';
import { contiguous } from '../views/copy.ts';
import { lastOf } from '../../values.ts';

const masks = kernel({ name: 'masks', source: masksWgsl });

/** A number as a parameter of kernels that move bits: as f32 for floats (f16 converts it), else as the integer itself. */
function bitsOf(value: number, dtype: DType): number {
  if (isFloat(dtype)) return new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
  return dtype === 'bool' ? Number(value !== 0) : value >>> 0;
}

function triangle(op: string, x: Tensor, diagonal: number, sign: 1 | -1): Tensor {
  x.expectLive(op);
  if (x.rank < 2 || !Number.isInteger(diagonal))
    throw new ShapeError(
      op,
      `x has shape ${showShape(x.shape)}, diagonal is ${diagonal}`,
      'give two axes or more and a whole diagonal',
    );
  using rows = contiguous.run(x);
  const out = empty(x.device, x.shape, x.dtype);
  masks.dispatch(x.device, {
    buffers: { x: rows, y: out },
    params: { count: x.size, rows: x.shape.at(-2) ?? 1, columns: lastOf(x.shape), x_offset: rows.offset, diagonal, sign },
    grid: grid1d(x.size, 64),
    defines: { T: bitsType(x.dtype), MODE: 'triangle' },
    bytes: 2 * x.size * bytesPerElement(x.dtype),
  });
  return out;
}

/** Keeps the last two axes' elements with column - row <= diagonal, 0 elsewhere. The gradient is tril of the cotangent. */
export const tril = defineOp('tril', (x: Tensor, diagonal: number = 0): Tensor => triangle('tril', x, diagonal, 1));

/** Keeps the last two axes' elements with column - row >= diagonal, 0 elsewhere. The gradient is triu of the cotangent. */
export const triu = defineOp('triu', (x: Tensor, diagonal: number = 0): Tensor => triangle('triu', x, diagonal, -1));

/**
 * `value` where `mask` (bool, broadcast to x) holds, else `x`. The gradient is maskedFill of the cotangent with 0.
 * @throws ShapeError when the mask does not broadcast to the shape of x, DTypeError for a value that an integer x cannot hold
 */
export const maskedFill = defineOp('maskedFill', (x: Tensor, mask: Tensor, value: number): Tensor => {
  x.expectLive('maskedFill');
  mask.expectLive('maskedFill');
  expectDType('maskedFill', 'mask', mask.dtype, ['bool']);
  expectNumber('maskedFill', 'value', value, x.dtype);
  if (!sameShape(broadcastShapes('maskedFill', x.shape, mask.shape), x.shape)) {
    throw new ShapeError(
      'maskedFill',
      `mask of shape ${showShape(mask.shape)} does not broadcast to x of shape ${showShape(x.shape)}`,
      'expand x first',
    );
  }
  const out = empty(x.device, x.shape, x.dtype);
  const { shape, strides } = collapse(x.shape, [x.strides, broadcastStrides(mask.shape, mask.strides, x.shape)]);
  masks.dispatch(x.device, {
    buffers: { x, mask, y: out },
    params: {
      count: x.size,
      x_offset: x.offset,
      mask_offset: mask.offset,
      value: bitsOf(value, x.dtype),
      shape: sizesParam(shape),
      x_strides: stridesParam(strides[0]),
      mask_strides: stridesParam(strides[1]),
    },
    grid: grid1d(x.size, 64),
    defines: { T: bitsType(x.dtype), MODE: 'fill' },
    bytes: 3 * x.size * bytesPerElement(x.dtype),
  });
  return out;
});

/**
 * 1 at the class each id names, else 0: ids [...] gives [..., classes]. An id outside the classes gives a row of zeros.
 * @example
 * console.log(await oneHot(tensor(Int32Array.of(1, 0)), 3).array()); // [[0,1,0],[1,0,0]]
 */
export const oneHot = defineOp('oneHot', (ids: Tensor, classes: number, dtype: DType = 'f32'): Tensor => {
  ids.expectLive('oneHot');
  expectDType('oneHot', 'ids', ids.dtype, ['i32', 'u32']);
  if (!Number.isInteger(classes) || classes < 0)
    throw new ShapeError('oneHot', `classes ${classes} is not a whole number >= 0`, 'give the number of classes');
  using list = contiguous.run(ids);
  const out = empty(ids.device, [...ids.shape, classes], dtype);
  masks.dispatch(ids.device, {
    buffers: { x: list, y: out },
    params: { count: out.size, classes, x_offset: list.offset, value: bitsOf(1, dtype) },
    grid: grid1d(out.size, 64),
    defines: { T: bitsType(dtype), MODE: 'one_hot' },
    bytes: out.size * bytesPerElement(dtype),
  });
  return out;
});
