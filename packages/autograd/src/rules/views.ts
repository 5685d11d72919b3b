/** Gradient rules of views and copies: the ops that all other views call. */
import {
  alias,
  cast,
  cat,
  contiguous,
  contiguousCopy,
  expand,
  permute,
  reshape,
  slice,
  split,
  stack,
  type Tensor,
  unbind,
  zeros,
} from '@mudpt/tensor/functions';
import { listeningTape, nth } from '@mudpt/tensor/internal';
import { sameShape, view } from '@mudpt/tensor/kernels';
import { ruleFor } from '../rule.ts';
import { sliceBackward } from './adjoints.ts';

export const reshapeRule = ruleFor(reshape, (_, x, shape) => {
  const from = x.shape;
  return { output: reshape(x, shape), takesF32: true, backward: (grad) => [reshape(grad, from)] };
});

export const permuteRule = ruleFor(permute, (_, x, order) => {
  const back = order.map((_axis, axis) => order.findIndex((source) => (source < 0 ? source + x.rank : source) === axis));
  return { output: permute(x, order), takesF32: true, backward: (grad) => [permute(grad, back)] };
});

// The tape sums the gradient to the shape of x.
export const expandRule = ruleFor(expand, (_, x, shape) => ({
  output: expand(x, shape),
  takesF32: true,
  backward: (grad) => [grad],
}));

export const sliceRule = ruleFor(slice, (_, x, ranges) => {
  const from = x.shape;
  return { output: slice(x, ranges), takesF32: true, backward: (grad) => [sliceBackward(grad, from, ranges)] };
});

export const contiguousRule = ruleFor(contiguous, (_, x) => ({
  output: contiguous(x),
  takesF32: true,
  backward: (grad) => [alias(grad)],
}));

export const contiguousCopyRule = ruleFor(contiguousCopy, (_, x) => ({
  output: contiguousCopy(x),
  takesF32: true,
  backward: (grad) => [alias(grad)],
}));

export const aliasRule = ruleFor(alias, (_, x) => ({ output: alias(x), takesF32: true, backward: (grad) => [alias(grad)] }));

// The tape casts the gradient to the dtype of x.
export const castRule = ruleFor(cast, (_, x, dtype) => ({
  output: cast(x, dtype),
  takesF32: true,
  backward: (grad) => [alias(grad)],
}));

/** For the backward of an op that cuts `x` into `pieces`: their gradients in the widest of their dtypes, zeros for pieces the loss does not depend on. */
function complete({ device, dtype }: Tensor, pieces: readonly Tensor[]) {
  const shapes = pieces.map(({ shape }) => shape);
  return (gradients: readonly (Tensor | undefined)[]): Tensor[] => {
    const widest = gradients.some((gradient) => gradient?.dtype === 'f32') ? 'f32' : dtype;
    return gradients.map((gradient, piece) =>
      gradient ? cast(gradient, widest) : zeros(nth(shapes, piece), { device, dtype: widest }),
    );
  };
}

/** A stack of gradients along an axis: where they lie beside each other already, as those of keys and values do, the tensor that they are parts of. */
function joined(gradients: readonly Tensor[], axis: number): Tensor {
  const [first, second] = gradients;
  if (!first || !second || listeningTape()) return stack(gradients, axis);
  const at = axis < 0 ? axis + first.rank + 1 : axis;
  const step = second.offset - first.offset;
  const isPart = ({ storage, dtype, shape, strides, offset }: Tensor, place: number): boolean =>
    storage === first.storage &&
    dtype === first.dtype &&
    sameShape(shape, first.shape) &&
    sameShape(strides, first.strides) &&
    offset === first.offset + place * step;
  if (!(step > 0) || !gradients.every(isPart)) return stack(gradients, axis);
  const insert = (sizes: readonly number[], size: number): number[] => [...sizes.slice(0, at), size, ...sizes.slice(at)];
  return view(first, {
    shape: insert(first.shape, gradients.length),
    strides: insert(first.strides, step),
    offset: first.offset,
  });
}

// As slices, each piece would fill a gradient of the size of x: all pieces together are one join.
export const unbindRule = ruleFor(unbind, (_, x, axis = 0) => {
  const pieces = unbind(x, axis);
  const all = complete(x, pieces);
  return { output: pieces, takesF32: true, backward: (...gradients) => [joined(all(gradients), axis)] };
});

export const splitRule = ruleFor(split, (_, x, sizes, axis = 0) => {
  const pieces = split(x, sizes, axis);
  const all = complete(x, pieces);
  return { output: pieces, takesF32: true, backward: (...gradients) => [cat(all(gradients), axis)] };
});
