/** Padding: cells around a tensor, of a constant or of the tensor itself. */
import { expectNumber } from '../../dtype.ts';
import { ShapeError, TensorError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { alias, empty } from '../../definition/views.ts';
import { copyInto } from '../../kernels/copy.ts';
import { scope } from '../../scope.ts';
import { type Shape, showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import { full } from '../create/create.ts';
import { cat } from './join.ts';
import { flip, narrow, type Range, slice } from './slices.ts';
import { expand } from './views.ts';

/** Cells added [before, after] an axis; a negative number crops. */
export type Padding = readonly [before: number, after: number];

/** What stands in the cells that {@link pad} adds, if no constant: the cells next to the edge in reverse, the edge again, or the other end. */
export type PadMode = 'reflect' | 'replicate' | 'circular';
const MODES: readonly string[] = ['reflect', 'replicate', 'circular'];

/** {@link pad} with a constant, which has the gradient rule: `padConstant(grad, negated amounts)`. */
export const padConstant = defineOp('pad', (x: Tensor, amounts: readonly Padding[], value: number = 0): Tensor => {
  x.expectLive('pad');
  expectNumber('pad', 'value', value, x.dtype);
  const shape = x.shape.map((size, axis) => size + (amounts[axis]?.[0] ?? 0) + (amounts[axis]?.[1] ?? 0));
  if (amounts.length > x.rank || shape.some((size) => !(size >= 0) || !Number.isInteger(size))) {
    throw new ShapeError(
      'pad',
      `amounts [${amounts.map(([before, after]) => `[${before}, ${after}]`).join(', ')}] do not fit x of shape ${showShape(x.shape)}`,
      'give [before, after] in whole cells for at most each axis, and crop no more than there is',
    );
  }
  const ranges = (side: Shape, sign: number): Range[] =>
    side.map((size, axis) => {
      const [before = 0, after = 0] = amounts[axis] ?? [];
      return { start: Math.max(0, sign * before), stop: Math.max(0, size - Math.max(0, sign * after)) };
    });
  using kept = slice(x, ranges(x.shape, -1));
  const growing = amounts.some(([before, after]) => before > 0 || after > 0);
  if (!growing) {
    const out = empty(x.device, kept.shape, x.dtype);
    copyInto(out, kept);
    return out;
  }
  const out = full(shape, value, { device: x.device, dtype: x.dtype });
  using place = slice(out, ranges(shape, 1));
  if (kept.size > 0) copyInto(place, kept);
  return out;
});

/** Pads [before, after] of one axis with cells of x. */
function padAxis(x: Tensor, axis: number, [before, after]: Padding, mode: PadMode): Tensor {
  const size = nth(x.shape, axis);
  const most = mode === 'reflect' ? size - 1 : mode === 'circular' ? size : size > 0 ? Infinity : 0;
  if (!(Number.isInteger(before) && Number.isInteger(after) && Math.max(before, after) <= most)) {
    throw new ShapeError(
      'pad',
      `axis ${axis} of ${size} cells cannot be padded with [${before}, ${after}] in mode "${mode}"`,
      `add whole numbers of at most ${most}`,
    );
  }
  const piece = (count: number, start: number): Tensor => {
    if (mode === 'replicate') return expand(narrow(x, axis, start, 1), x.shape.with(axis, count));
    const cells = narrow(x, axis, start, count);
    return mode === 'reflect' ? flip(cells, axis) : cells;
  };
  const starts = { reflect: [1, size - 1 - after], replicate: [0, size - 1], circular: [size - before, 0] } as const;
  const [left, right] = starts[mode];
  return cat([...(before > 0 ? [piece(before, left)] : []), x, ...(after > 0 ? [piece(after, right)] : [])], axis);
}

/**
 * Surrounds `x` with a constant, or with cells of its own: `amounts[axis]` counts cells before and after; axes beyond the list stay. Negative amounts
 * crop (before anything is added).
 * @param value a constant, default 0; or 'reflect' (c b | a b c d | c b), 'replicate' (a a | a b c d | d d) or 'circular' (c d | a b c d | a b)
 * @throws ShapeError when an axis would become shorter than 0 or has too few cells for the mode, DTypeError for a value that an integer x cannot hold
 * @example
 * console.log(await tensor([1, 2, 3]).pad([[1, 2]]).data()); // [0,1,2,3,0,0]
 * console.log(await tensor([1, 2, 3]).pad([[2, 0]], 'reflect').data()); // [3,2,1,2,3]
 */
export const pad = defineOp('pad', (x: Tensor, amounts: readonly Padding[], value: number | PadMode = 0): Tensor => {
  if (typeof value === 'number') return padConstant(x, amounts, value);
  if (!MODES.includes(value))
    throw new TensorError('pad', `value is "${String(value)}"`, `give a number, or one of ${MODES.join(', ')}`);
  return scope(() => {
    let out = cropped(
      x,
      amounts.map(([before, after]) => [Math.min(before, 0), Math.min(after, 0)] as const),
    );
    for (const [axis, [before, after]] of amounts.entries())
      if (before > 0 || after > 0) out = padAxis(out, axis, [Math.max(before, 0), Math.max(after, 0)], value);
    return out;
  });
});

/** x cropped by negative amounts; x itself, under another handle, where there are none. */
function cropped(x: Tensor, amounts: readonly Padding[]): Tensor {
  const isWhole = amounts.length <= x.rank && amounts.flat().every((amount) => amount === 0);
  return isWhole ? alias(x) : padConstant(x, amounts);
}
