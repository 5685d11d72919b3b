/** Sorting along an axis, and the largest or smallest few. Not differentiable: gather with the indices is. */
import { wgsl } from '@mudpt/shaders';
import { bytesPerElement, isFloat, wgslType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { grid1d, kernel } from '../kernel.ts';
import { defineOp } from '../op.ts';
import { normalizeAxis } from '../shape.ts';
import { empty, type Tensor } from '../tensor.ts';
import { linesOf } from './lines.ts';
import { type RandomOptions, randomWords } from './random.ts';

/** Values and their positions (i32) along the axis. */
export type Sorted = { readonly values: Tensor; readonly indices: Tensor };

const sortKernel = kernel({ name: 'sort', source: wgsl['sort.wgsl'] });

/** The first `count` of every line along `axis` in sorted order. */
function sortLines(x: Tensor, axis: number, descending: boolean, count: number): Sorted {
  const { device } = x;
  const shape = x.shape.map((size, at) => (at === axis ? count : size));
  const { lines, length, params } = linesOf(x, axis, shape);
  const total = lines * length;
  const values = empty(device, shape, x.dtype);
  const indices = empty(device, shape, 'i32');
  const T = wgslType(x.dtype);
  const KIND = isFloat(x.dtype) ? 'f' : x.dtype === 'i32' ? 'i' : 'u';
  let now = [empty(device, [total], 'u32'), empty(device, [total], 'u32')] as const;
  let next = [empty(device, [total], 'u32'), empty(device, [total], 'u32')] as const;
  sortKernel.dispatch(device, {
    buffers: { x, keys_out: now[0], places_out: now[1] },
    params: { ...params, length_y: count, run: 0 },
    grid: grid1d(total, 64),
    defines: { T, KIND, PASS: 'keys', DESCENDING: descending ? 1 : 0 },
    bytes: total * (8 + bytesPerElement(x.dtype)),
  });
  for (let run = 1; run < length; run *= 2) {
    sortKernel.dispatch(device, {
      buffers: { keys: now[0], places: now[1], keys_out: next[0], places_out: next[1] },
      params: { ...params, length_y: count, run },
      grid: grid1d(total, 64),
      defines: { T: 'u32', KIND: 'u', PASS: 'merge', DESCENDING: 0 },
      bytes: 16 * total,
    });
    [now, next] = [next, now];
  }
  sortKernel.dispatch(device, {
    buffers: { x, places: now[1], values, indices },
    params: { ...params, length_y: count, run: 0 },
    grid: grid1d(lines * count, 64),
    defines: { T, KIND: 'u', PASS: 'take', DESCENDING: 0 },
    bytes: lines * count * (8 + 2 * bytesPerElement(x.dtype)),
  });
  for (const scratch of [...now, ...next]) scratch.dispose();
  return { values, indices };
}

export type SortOptions = {
  /** Default the last. */
  readonly axis?: number;
  readonly descending?: boolean;
};

/** Sorted values and their positions; equal values keep their order. NaN counts as largest: last, or first when descending. */
export const sort = defineOp('sort', (x: Tensor, { axis = -1, descending = false }: SortOptions = {}): Sorted => {
  x.expectLive('sort');
  const along = normalizeAxis('sort', axis, x.shape);
  return sortLines(x, along, descending, x.shape[along] ?? 1);
});

export type TopkOptions = {
  /** Default the last. */
  readonly axis?: number;
  /** Default true; false gives the smallest. */
  readonly largest?: boolean;
};

/** The k largest (or smallest) values, best first, and their positions; among equal values the earlier comes first, NaN counts as largest. */
export const topk = defineOp('topk', (x: Tensor, k: number, { axis = -1, largest = true }: TopkOptions = {}): Sorted => {
  x.expectLive('topk');
  const along = normalizeAxis('topk', axis, x.shape);
  const length = x.shape[along] ?? 1;
  if (!Number.isInteger(k) || k < 0 || k > length)
    throw new ShapeError('topk', `k = ${k} of an axis of ${length}`, `use a whole number from 0 to ${length}`);
  return sortLines(x, along, largest, k);
});

/** The numbers 0 to n - 1 (i32) in random order: sorted by random words. */
export const randperm = defineOp('randperm', (n: number, options: Omit<RandomOptions, 'dtype'>): Tensor => {
  using words = randomWords([n], options);
  const { values, indices } = sortLines(words, 0, false, n);
  values.dispose();
  return indices;
});
