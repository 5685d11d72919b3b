/**
 * Views that reorder, merge, split or repeat axes. They share the memory of their input and record nothing; only {@link reshape} copies,
 * and only when no strides can express its result. Views that pick positions are in slices.ts.
 *
 * `reshape`, `permute` and `expand` are what all others call, so these three (and `slice`) have the gradient rules.
 */
import { ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import {
  broadcastStrides,
  collapse,
  contiguousStrides,
  expectShape,
  normalizeAxes,
  normalizeAxis,
  type Shape,
  showShape,
  sizeOf,
} from '../../shape.ts';
import { alias, view } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { contiguousCopy } from './copy.ts';
import { nth } from '../../values.ts';

/** Replaces the -1 in `shape` by the size that makes it hold `x`'s elements. */
function completeShape(x: Tensor, shape: Shape): number[] {
  const unknown = shape.indexOf(-1);
  const known = sizeOf(shape.filter((size) => size !== -1));
  const complete = [...shape];
  if (unknown >= 0 && shape.indexOf(-1, unknown + 1) < 0 && known > 0 && x.size % known === 0) complete[unknown] = x.size / known;
  const open = complete.includes(-1);
  if (!open) expectShape('reshape', complete);
  if (open || sizeOf(complete) !== x.size) {
    throw new ShapeError(
      'reshape',
      `x of shape ${showShape(x.shape)} (${x.size} elements) does not fit shape ${showShape(shape)}`,
      'keep the number of elements; at most one size may be -1, and the others must divide it',
    );
  }
  return complete;
}

/**
 * Strides that show a view of `from` as `to`, or undefined when there are none. Neighbouring axes of `from` that are walked as one form
 * a block; every block must be cut by whole axes of `to`. Neither shape holds a 0.
 */
export function reshapeStrides(from: Shape, strides: readonly number[], to: Shape): number[] | undefined {
  const blocks = collapse(from, [strides]);
  const blockStrides = blocks.strides[0] ?? [];
  const out = to.map(() => 1);
  let axis = to.length - 1;
  for (let block = blocks.shape.length - 1; block >= 0; block -= 1) {
    const size = nth(blocks.shape, block);
    let filled = 1;
    for (; axis >= 0 && filled < size; axis -= 1) {
      out[axis] = filled * nth(blockStrides, block);
      filled *= nth(to, axis);
    }
    if (filled !== size) return undefined;
  }
  return out;
}

/**
 * The same elements in row-major order under another shape; one size may be -1. A view where strides allow it, else a copy.
 * @throws ShapeError when the numbers of elements differ
 */
export const reshape = defineOp('reshape', (x: Tensor, shape: Shape): Tensor => {
  x.expectLive('reshape');
  const to = completeShape(x, shape);
  const strides = x.size === 0 ? contiguousStrides(to) : reshapeStrides(x.shape, x.strides, to);
  if (strides) return view(x, { shape: to, strides });
  using copy = contiguousCopy(x);
  return view(copy, { shape: to, strides: contiguousStrides(to) });
});

/** Axis `i` of the result is axis `order[i]` of `x`. @throws ShapeError unless `order` names every axis once */
export const permute = defineOp('permute', (x: Tensor, order: readonly number[]): Tensor => {
  x.expectLive('permute');
  const axes = order.map((axis) => normalizeAxis('permute', axis, x.shape));
  if (axes.length !== x.rank || new Set(axes).size !== x.rank) {
    throw new ShapeError(
      'permute',
      `order [${order.join(', ')}] does not name each axis of shape ${showShape(x.shape)} once`,
      `give the numbers 0 to ${x.rank - 1} in some order`,
    );
  }
  return view(x, { shape: axes.map((axis) => nth(x.shape, axis)), strides: axes.map((axis) => nth(x.strides, axis)) });
});

/** Swaps two axes, by default the last two. */
export const transpose = defineOp('transpose', (x: Tensor, a: number = -2, b: number = -1): Tensor => {
  const [first, second] = [normalizeAxis('transpose', a, x.shape), normalizeAxis('transpose', b, x.shape)];
  return permute(
    x,
    x.shape.map((_, axis) => (axis === first ? second : axis === second ? first : axis)),
  );
});

/**
 * Moves the axes `source` to the positions `destination`; the others keep their order.
 * @example
 * console.log(zeros([2, 3, 4]).movedim(0, -1).shape); // [3,4,2]
 */
export const movedim = defineOp(
  'movedim',
  (x: Tensor, source: number | readonly number[], destination: number | readonly number[]): Tensor => {
    const normal = (axes: number | readonly number[]): number[] =>
      (typeof axes === 'number' ? [axes] : axes).map((axis) => normalizeAxis('movedim', axis, x.shape));
    const [sources, destinations] = [normal(source), normal(destination)];
    const distinct = new Set(sources).size === sources.length && new Set(destinations).size === destinations.length;
    if (sources.length !== destinations.length || !distinct) {
      throw new ShapeError(
        'movedim',
        `axes [${sources.join(', ')}] cannot move to [${destinations.join(', ')}]`,
        'give as many destinations as sources, each once',
      );
    }
    const order = x.shape.map((_, axis) => axis).filter((axis) => !sources.includes(axis));
    const moves = destinations.map((axis, at) => ({ axis, source: nth(sources, at) })).sort((a, b) => a.axis - b.axis);
    for (const { axis, source: moved } of moves) order.splice(axis, 0, moved);
    return permute(x, order);
  },
);

/**
 * Repeats axes of size 1, and new leading axes, up to `shape` without copying (stride 0); -1 keeps a size. Exported as `broadcastTo` too.
 * @throws ShapeError when an axis of another size would have to change
 */
export const expand = defineOp('expand', (x: Tensor, shape: Shape): Tensor => {
  x.expectLive('expand');
  const shift = shape.length - x.rank;
  const to = shape.map((size, axis) => (size === -1 && axis >= shift ? nth(x.shape, axis - shift) : size));
  const fits = shift >= 0 && x.shape.every((size, axis) => size === 1 || size === to[axis + shift]);
  if (!fits) {
    throw new ShapeError(
      'expand',
      `shape ${showShape(x.shape)} does not expand to ${showShape(shape)}`,
      'only axes of size 1 and new leading axes can be repeated',
    );
  }
  expectShape('expand', to);
  return view(x, { shape: to, strides: broadcastStrides(x.shape, x.strides, to) });
});

/** Drops the named axes, which must have size 1; by default every axis of size 1. */
export const squeeze = defineOp('squeeze', (x: Tensor, axes?: number | readonly number[]): Tensor => {
  const dropped =
    axes === undefined ? x.shape.flatMap((size, axis) => (size === 1 ? [axis] : [])) : normalizeAxes('squeeze', axes, x.shape);
  const wide = dropped.find((axis) => x.shape[axis] !== 1);
  if (wide !== undefined)
    throw new ShapeError(
      'squeeze',
      `axis ${wide} of shape ${showShape(x.shape)} has size ${x.shape[wide]}`,
      'squeeze axes of size 1',
    );
  return dropped.length === 0
    ? alias(x)
    : reshape(
        x,
        x.shape.filter((_, axis) => !dropped.includes(axis)),
      );
});

/** A new axis of size 1 at position `axis` of the result. */
export const unsqueeze = defineOp('unsqueeze', (x: Tensor, axis: number): Tensor => {
  const at = normalizeAxis('unsqueeze', axis, x.shape, 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
});

/** Merges the axes from `start` to `end` (included) into one; a scalar becomes [1]. */
export const flatten = defineOp('flatten', (x: Tensor, start: number = 0, end: number = -1): Tensor => {
  if (x.rank === 0) return reshape(x, [1]);
  const [first, last] = [normalizeAxis('flatten', start, x.shape), normalizeAxis('flatten', end, x.shape)];
  if (first > last)
    throw new ShapeError(
      'flatten',
      `axis ${start} comes after axis ${end} in shape ${showShape(x.shape)}`,
      'give start before end',
    );
  return reshape(x, [...x.shape.slice(0, first), sizeOf(x.shape.slice(first, last + 1)), ...x.shape.slice(last + 1)]);
});

export { expand as broadcastTo };
