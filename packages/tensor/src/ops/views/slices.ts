/** Views that pick positions along axes by Python's slice rules. All call {@link slice}, which has the gradient rule. */
import { ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { normalizeAxes, normalizeAxis, type Shape, showShape, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { empty, view } from '../../definition/views.ts';
import { copyInto } from '../../kernels/copy.ts';
import { placeRows, rowStride } from '../../kernels/join-rows.ts';
import { zeros } from '../create/create.ts';
import { squeeze } from './views.ts';
import { nth } from '../../values.ts';

/** Half-open range: negative positions count from the end, a negative step walks backwards, positions beyond the ends are clamped. */
export type Range = { readonly start?: number; readonly stop?: number; readonly step?: number };

type Positions = { readonly first: number; readonly step: number; readonly count: number };

const RANGE_KEYS: readonly string[] = ['start', 'stop', 'step'];

/** @throws for a list [from, to] or a number from JavaScript, which would otherwise count as a range without start and stop */
function expectRange(op: string, range: Range | null | undefined): void {
  if (range === null || range === undefined) return;
  if (typeof range === 'object' && Object.keys(range).every((key) => RANGE_KEYS.includes(key))) return;
  throw new ShapeError(
    op,
    `${JSON.stringify(range)} is no range`,
    'give null, or { start, stop, step } with any of these left out',
  );
}

function positionsOf(op: string, range: Range | null | undefined, size: number): Positions {
  expectRange(op, range);
  const { start, stop, step = 1 } = range ?? {};
  for (const [name, value] of Object.entries({ start, stop, step })) {
    if (value !== undefined && (!Number.isInteger(value) || (name === 'step' && value === 0)))
      throw new ShapeError(
        op,
        `${name} ${value} is not a whole number${name === 'step' ? ' other than 0' : ''}`,
        'give whole numbers',
      );
  }
  const [lowest, highest] = step > 0 ? [0, size] : [-1, size - 1];
  const place = (position: number | undefined, missing: number): number =>
    position === undefined ? missing : Math.min(Math.max(position < 0 ? position + size : position, lowest), highest);
  const first = place(start, step > 0 ? 0 : size - 1);
  const end = place(stop, step > 0 ? size : -1);
  return { first, step, count: Math.max(0, Math.ceil((end - first) / step)) };
}

/**
 * Takes a range on each leading axis; null, or no range, takes the whole axis: `slice(x, [null, { start: -3 }, { step: -1 }])`.
 * @throws ShapeError for more ranges than axes, a step of 0 or positions that are not whole
 * @example
 * console.log(await tensor([[1, 2, 3], [4, 5, 6]]).slice([null, { start: 1 }]).array()); // [[2,3],[5,6]]
 */
export const slice = defineOp('slice', (x: Tensor, ranges: readonly (Range | null)[]): Tensor => {
  x.expectLive('slice');
  if (ranges.length > x.rank) {
    throw new ShapeError(
      'slice',
      `${ranges.length} ranges are given for x of shape ${showShape(x.shape)}`,
      'give at most one range per axis',
    );
  }
  const axes = x.shape.map((size, axis) => positionsOf('slice', ranges[axis], size));
  const shape = axes.map(({ count }) => count);
  const empty = shape.includes(0);
  return view(x, {
    shape,
    strides: axes.map(({ step }, axis) => step * nth(x.strides, axis)),
    offset: empty ? x.offset : axes.reduce((offset, { first }, axis) => offset + first * nth(x.strides, axis), x.offset),
  });
});

/** Gradient of {@link slice}: `grad` at the positions the ranges picked from a tensor of shape `inputShape`, 0 elsewhere. */
export function sliceBackward(grad: Tensor, inputShape: Shape, ranges: readonly (Range | null)[]): Tensor {
  const positions = inputShape.map((size, axis) => positionsOf('sliceBackward', ranges[axis], size));
  const cut = positions.flatMap(({ first, step, count }, axis) =>
    first === 0 && step === 1 && count === inputShape[axis] ? [] : [axis],
  );
  if (cut.length === 0) return view(grad, grad);
  const [axis = 0] = cut;
  const { first, step, count } = nth(positions, axis);
  const stride = rowStride(grad, axis);
  // Rows cut along one axis are copied in one dispatch with the zeros around them.
  if (cut.length === 1 && step === 1 && grad.size > 0 && stride !== undefined) {
    const whole = empty(grad.device, inputShape, grad.dtype);
    const inner = sizeOf(inputShape.slice(axis + 1));
    const placed = { tensor: grad, column: first * inner, width: count * inner, stride };
    placeRows(whole, placed, sizeOf(inputShape.slice(0, axis)), inner * nth(inputShape, axis));
    return whole;
  }
  const out = zeros(inputShape, { device: grad.device, dtype: grad.dtype });
  using picked = slice.run(out, ranges);
  copyInto(picked, grad);
  return out;
}

/** One range for `axis` among whole axes. */
function along(axis: number, range: Range): (Range | null)[] {
  return [...Array.from({ length: axis }, () => null), range];
}

/** `length` positions of one axis from `start` (negative: from the end). @throws ShapeError when they are not all inside */
export const narrow = defineOp('narrow', (x: Tensor, axis: number, start: number, length: number): Tensor => {
  const at = normalizeAxis('narrow', axis, x.shape);
  const size = nth(x.shape, at);
  const first = start < 0 ? start + size : start;
  if (!Number.isInteger(first) || !Number.isInteger(length) || first < 0 || length < 0 || first + length > size) {
    throw new ShapeError(
      'narrow',
      `${length} positions from ${start} are not inside axis ${at} of shape ${showShape(x.shape)}`,
      `keep start and start + length within 0 and ${size}`,
    );
  }
  return slice(x, along(at, { start: first, stop: first + length }));
});

/** One position of an axis, which disappears: `select(x, 0, -1)` is the last row. */
export const select = defineOp('select', (x: Tensor, axis: number, index: number): Tensor => {
  const at = normalizeAxis('select', axis, x.shape);
  const size = nth(x.shape, at);
  const position = index < 0 ? index + size : index;
  if (!Number.isInteger(position) || position < 0 || position >= size) {
    throw new ShapeError(
      'select',
      `index ${index} is outside axis ${at} of shape ${showShape(x.shape)}`,
      size === 0 ? 'the axis is empty' : `use an index from ${-size} to ${size - 1}`,
    );
  }
  using line = slice(x, along(at, { start: position, stop: position + 1 }));
  return squeeze(line, at);
});

/** Reverses axes (default: all) with negative strides. */
export const flip = defineOp('flip', (x: Tensor, axes?: number | readonly number[]): Tensor => {
  const reversed = normalizeAxes('flip', axes, x.shape);
  return slice(
    x,
    x.shape.map((_, axis) => (reversed.includes(axis) ? { step: -1 } : null)),
  );
});

/**
 * Cuts an axis into pieces of one size (the last may be smaller) or of the given sizes.
 * @throws ShapeError when the sizes do not add up to the axis
 * @example
 * console.log(tensor([1, 2, 3]).split([1, 2]).map(({ shape }) => shape)); // [[1],[2]]
 */
export const split = defineOp('split', (x: Tensor, sizes: number | readonly number[], axis: number = 0): Tensor[] => {
  x.expectLive('split');
  const at = normalizeAxis('split', axis, x.shape);
  const size = nth(x.shape, at);
  const lengths = typeof sizes === 'number' ? equalPieces(size, sizes) : sizes;
  if (
    lengths.some((length) => !Number.isInteger(length) || length < 0) ||
    lengths.reduce((sum, length) => sum + length, 0) !== size
  ) {
    throw new ShapeError(
      'split',
      `sizes ${typeof sizes === 'number' ? sizes : showShape(sizes)} do not cut axis ${at} of shape ${showShape(x.shape)}`,
      `give whole sizes that add up to ${size}, or one size of at least 1`,
    );
  }
  let start = 0;
  return lengths.map((length) => {
    start += length;
    return narrow(x, at, start - length, length);
  });
});

function equalPieces(size: number, piece: number): number[] {
  if (!(piece >= 1)) return [-1];
  if (size === 0) return [0];
  return Array.from({ length: Math.ceil(size / piece) }, (_, i) => Math.min(piece, size - i * piece));
}

/** Cuts an axis into at most `count` pieces of equal size; the last may be smaller. An empty axis gives `count` empty pieces. (PyTorch's rule.) */
export const chunk = defineOp('chunk', (x: Tensor, count: number, axis: number = 0): Tensor[] => {
  const at = normalizeAxis('chunk', axis, x.shape);
  if (!Number.isInteger(count) || count < 1)
    throw new ShapeError('chunk', `count ${count} is not a whole number of at least 1`, 'ask for at least one piece');
  const size = nth(x.shape, at);
  return split(x, size === 0 ? Array.from({ length: count }, () => 0) : Math.ceil(size / count), at);
});

/** The slices along an axis, without it. */
export const unbind = defineOp('unbind', (x: Tensor, axis: number = 0): Tensor[] => {
  const at = normalizeAxis('unbind', axis, x.shape);
  return Array.from({ length: nth(x.shape, at) }, (_, index) => select(x, at, index));
});
