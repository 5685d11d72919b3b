/** Ops that join tensors or repeat them: cat, stack, tile, repeatInterleave, roll. */
import { DTypeError, ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { MAX_RANK, normalizeAxis, showShape, sizeOf } from '../../shape.ts';
import { alias, empty, view } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { copyInto } from '../../kernels/copy.ts';
import { joinRows, type PlacedRows, rowStride } from '../../kernels/join-rows.ts';
import { narrow } from './slices.ts';
import { expand, reshape, unsqueeze } from './views.ts';
import { nth } from '../../values.ts';

/**
 * Joins tensors of one dtype along an axis; the other axes agree. Inputs may be strided; empty ones add nothing.
 * @throws ShapeError when an input does not fit, DTypeError when dtypes differ
 */
export const cat = defineOp('cat', (tensors: readonly Tensor[], axis: number = 0): Tensor => {
  const [first] = tensors;
  if (!first) throw new ShapeError('cat', 'no tensors are given', 'give at least one');
  for (const tensor of tensors) tensor.expectLive('cat');
  const at = normalizeAxis('cat', axis, first.shape);
  tensors.forEach((tensor, i) => expectFits(first, tensor, i, at));
  if (tensors.length === 1) return alias(first);
  const shape = [...first.shape];
  shape[at] = tensors.reduce((sum, tensor) => sum + nth(tensor.shape, at), 0);
  const out = empty(first.device, shape, first.dtype);
  const outer = sizeOf(shape.slice(0, at));
  const inner = sizeOf(shape.slice(at + 1));
  const rows: PlacedRows[] = [];
  let start = 0;
  for (const tensor of tensors) {
    const length = nth(tensor.shape, at);
    if (tensor.size > 0) {
      const stride = rowStride(tensor, at);
      if (stride !== undefined) rows.push({ tensor, column: start * inner, width: length * inner, stride });
      else copyToPlace(out, tensor, at, start);
    }
    start += length;
  }
  joinRows(out, rows, outer, inner * nth(shape, at));
  return out;
});

function expectFits(first: Tensor, tensor: Tensor, index: number, axis: number): void {
  const fits = tensor.rank === first.rank && tensor.shape.every((size, i) => i === axis || size === first.shape[i]);
  if (!fits) {
    throw new ShapeError(
      'cat',
      `tensor ${index} of shape ${showShape(tensor.shape)} does not join ${showShape(first.shape)} along axis ${axis}`,
      'all axes but that one must be equal',
    );
  }
  if (tensor.dtype !== first.dtype)
    throw new DTypeError('cat', `tensor ${index} is ${tensor.dtype}, tensor 0 is ${first.dtype}`, 'cast them to one dtype first');
}

function copyToPlace(out: Tensor, x: Tensor, axis: number, start: number): void {
  using place = view(out, { shape: x.shape, strides: out.strides, offset: out.offset + start * nth(out.strides, axis) });
  copyInto(place, x);
}

/**
 * Joins tensors of equal shape along a new axis at position `axis` of the result.
 * @example
 * console.log(await stack([tensor([1, 2]), tensor([3, 4])], 1).array()); // [[1,3],[2,4]]
 */
export const stack = defineOp('stack', (tensors: readonly Tensor[], axis: number = 0): Tensor => {
  const [first] = tensors;
  if (!first) throw new ShapeError('stack', 'no tensors are given', 'give at least one');
  const at = normalizeAxis('stack', axis, first.shape, 1);
  const odd = tensors.findIndex((tensor) => showShape(tensor.shape) !== showShape(first.shape));
  if (odd >= 0) {
    throw new ShapeError(
      'stack',
      `tensor ${odd} has shape ${showShape(tensors[odd]?.shape ?? [])}, tensor 0 ${showShape(first.shape)}`,
      'stack tensors of equal shape',
    );
  }
  const parts = tensors.map((tensor) => unsqueeze(tensor, at));
  const out = cat(parts, at);
  for (const part of parts) part.dispose();
  return out;
});

/** @throws ShapeError unless `count` is a whole number >= 0 */
function expectCount(op: string, name: string, count: number): void {
  if (Number.isInteger(count) && count >= 0) return;
  throw new ShapeError(op, `${name} is ${count}`, 'give a whole number >= 0');
}

/** `x` with `axis` repeated as a whole `count` times, or (`each`) every position of it. In four axes, whatever the rank of x. */
function repeatAxis(x: Tensor, axis: number, count: number, { each = false } = {}): Tensor {
  const size = nth(x.shape, axis);
  const [lead, rest] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1))];
  const shape = (repeats: number): number[] => (each ? [lead, size, repeats, rest] : [lead, repeats, size, rest]);
  using apart = reshape(x, shape(1));
  using repeated = expand(apart, shape(count));
  return reshape(repeated, [...x.shape.slice(0, axis), size * count, ...x.shape.slice(axis + 1)]);
}

/**
 * Repeats the whole of `x` `counts[axis]` times along each axis; counts for more axes than `x` has add leading axes.
 * @throws ShapeError for a count that is no whole number >= 0, or more than 8 axes
 * @example
 * console.log(await tensor([1, 2]).tile([2]).data()); // [1,2,1,2]
 */
export const tile = defineOp('tile', (x: Tensor, counts: readonly number[]): Tensor => {
  for (const [at, count] of counts.entries()) expectCount('tile', `counts[${at}]`, count);
  const repeats = [...Array.from({ length: Math.max(0, x.rank - counts.length) }, () => 1), ...counts];
  const shape = [...Array.from({ length: repeats.length - x.rank }, () => 1), ...x.shape];
  const isSplit = shape.map((size, axis) => repeats[axis] !== 1 && size !== 1);
  const result = shape.map((size, axis) => size * nth(repeats, axis));
  if (shape.length + isSplit.filter(Boolean).length <= MAX_RANK) {
    using split = reshape(
      x,
      shape.flatMap((size, axis) => (isSplit[axis] ? [1, size] : [size])),
    );
    using repeated = expand(
      split,
      shape.flatMap((size, axis) => (isSplit[axis] ? [nth(repeats, axis), size] : [size * nth(repeats, axis)])),
    );
    return reshape(repeated, result);
  }
  // Too many axes to split at once: one after the other.
  let done = reshape(x, shape);
  for (const [axis, count] of repeats.entries()) {
    if (count === 1) continue;
    using before = done;
    done = repeatAxis(before, axis, count);
  }
  return done;
});

/**
 * Repeats every position of an axis `count` times in a row: [a, b] becomes [a, a, b, b].
 * @throws ShapeError for an axis out of range, or a count that is no whole number >= 0
 * @example
 * console.log(await tensor([1, 2]).repeatInterleave(2).data()); // [1,1,2,2]
 */
export const repeatInterleave = defineOp('repeatInterleave', (x: Tensor, count: number, axis: number = 0): Tensor => {
  const at = normalizeAxis('repeatInterleave', axis, x.shape);
  expectCount('repeatInterleave', 'count', count);
  if (x.rank === MAX_RANK) return repeatAxis(x, at, count, { each: true });
  using apart = unsqueeze(x, at + 1);
  using repeated = expand(apart, [...x.shape.slice(0, at + 1), count, ...x.shape.slice(at + 1)]);
  return reshape(repeated, [...x.shape.slice(0, at), nth(x.shape, at) * count, ...x.shape.slice(at + 1)]);
});

/**
 * Shifts positions along an axis by `shift`; those pushed over the end come in at the start.
 * @example
 * console.log(await tensor([1, 2, 3]).roll(1).data()); // [3,1,2]
 */
export const roll = defineOp('roll', (x: Tensor, shift: number, axis: number = 0): Tensor => {
  const at = normalizeAxis('roll', axis, x.shape);
  const size = nth(x.shape, at);
  const cut = size === 0 ? 0 : ((-shift % size) + size) % size;
  if (cut === 0) return alias(x);
  using head = narrow(x, at, 0, cut);
  using tail = narrow(x, at, cut, size - cut);
  return cat([tail, head], at);
});
