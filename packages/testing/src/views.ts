/** The view recipes of shapes.ts on engine tensors, by strides alone, so that tests of kernels need no view ops. */
import { type Device, type Tensor, tensor } from '@mudpt/tensor';
import { view } from '@mudpt/tensor/kernels';
import { positionsOf, type Ref } from './reference/array.ts';
import type { ViewRecipe, ViewStep } from './shapes.ts';

type Geometry = { shape: readonly number[]; strides: readonly number[]; offset: number };

function step(g: Geometry, s: ViewStep): Geometry {
  if (s.op === 'permute') {
    return { ...g, shape: s.order.map((axis) => g.shape[axis]!), strides: s.order.map((axis) => g.strides[axis]!) };
  }
  if (s.op === 'expand') {
    const skipped = s.shape.length - g.shape.length;
    const repeats = s.shape.map((size, axis) => axis < skipped || (g.shape[axis - skipped] === 1 && size !== 1));
    return { ...g, shape: s.shape, strides: s.shape.map((_, axis) => (repeats[axis] ? 0 : g.strides[axis - skipped]!)) };
  }
  const positions = g.shape.map((size, axis) => positionsOf(s.ranges[axis], size));
  return {
    shape: positions.map((list) => list.length),
    strides: g.strides.map(
      (stride, axis) => stride * (positions[axis]!.length > 1 ? positions[axis]![1]! - positions[axis]![0]! : 1),
    ),
    offset: positions.reduce((sum, list, axis) => sum + list[0]! * g.strides[axis]!, g.offset),
  };
}

/** A tensor of `base` seen through the recipe's steps; it owns its memory. */
export function viewOf(device: Device, base: Ref, recipe: ViewRecipe, dtype: 'f32' | 'f16' = 'f32'): Tensor {
  using whole = tensor(base.data, { device, dtype, shape: base.shape });
  return view(whole, recipe.steps.reduce(step, { shape: whole.shape, strides: whole.strides, offset: whole.offset }));
}

/** A tensor of the oracle's values. */
export function toDevice(device: Device, values: Ref, dtype: 'f32' | 'f16' = 'f32'): Tensor {
  return tensor(values.data, { device, dtype, shape: values.shape });
}
