/** Sorting along an axis, and the largest or smallest few. Gradients go back to the positions the values came from. */
import { sortWgsl } from '@mudpt/shaders';
import type { Device } from '../../device.ts';
import { bytesPerElement, isFloat, wgslType } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { normalizeAxis } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { axisView } from '../../kernels/axis-view.ts';
import { type RandomOptions, randomWords } from '../create/random.ts';
import { nth } from '../../values.ts';

/** Values and their positions (i32) along the axis. */
export type Sorted = { readonly values: Tensor; readonly indices: Tensor };

const sortKernel = kernel({ name: 'sort', source: sortWgsl });

/** The first `count` of every line along `axis` in sorted order. */
function sortLines(
  x: Tensor,
  axis: number,
  { descending = false, count = nth(x.shape, axis) }: { readonly descending?: boolean; readonly count?: number } = {},
): Sorted {
  const { device } = x;
  const shape = x.shape.map((size, at) => (at === axis ? count : size));
  const { lines, length, params } = axisView(x, axis, shape);
  const values = empty(device, shape, x.dtype);
  const indices = empty(device, shape, 'i32');
  if (values.size === 0) return { values, indices };
  const T = wgslType(x.dtype);
  const KIND = isFloat(x.dtype) ? 'f' : x.dtype === 'i32' ? 'i' : 'u';
  const common = { ...params, wanted: count };
  let now = scratch(device, lines * length);
  sortKernel.dispatch(device, {
    buffers: { x, keys_out: now.keys, places_out: now.places },
    params: { ...common, run: 0, kept: 0, kept_next: 0 },
    grid: grid1d(lines * length, 64),
    defines: { T, KIND, PASS: 'keys', DESCENDING: descending ? 1 : 0 },
    bytes: lines * length * (8 + bytesPerElement(x.dtype)),
  });
  let kept = 1;
  for (let run = 1; run < length; run *= 2) {
    const runs = Math.ceil(length / run);
    const keptNext = Math.min(2 * run, count);
    const next = scratch(device, lines * Math.ceil(runs / 2) * keptNext);
    sortKernel.dispatch(device, {
      buffers: { keys: now.keys, places: now.places, keys_out: next.keys, places_out: next.places },
      params: { ...common, run, kept, kept_next: keptNext },
      grid: grid1d(lines * runs * kept, 64),
      defines: { T: 'u32', KIND: 'u', PASS: 'merge', DESCENDING: 0 },
      bytes: 16 * lines * runs * kept,
    });
    now[Symbol.dispose]();
    now = next;
    kept = keptNext;
  }
  sortKernel.dispatch(device, {
    buffers: { x, places: now.places, values, indices },
    params: { ...common, run: 0, kept, kept_next: 0 },
    grid: grid1d(lines * count, 64),
    defines: { T, KIND: 'u', PASS: 'take', DESCENDING: 0 },
    bytes: lines * count * (8 + 2 * bytesPerElement(x.dtype)),
  });
  now[Symbol.dispose]();
  return { values, indices };
}

/** Keys and places of sorted runs. */
function scratch(device: Device, size: number): { readonly keys: Tensor; readonly places: Tensor } & Disposable {
  const [keys, places] = [empty(device, [size], 'u32'), empty(device, [size], 'u32')];
  return {
    keys,
    places,
    [Symbol.dispose]: () => {
      keys.dispose();
      places.dispose();
    },
  };
}

/** Options of {@link sort}. */
export type SortOptions = {
  /** Default the last. */
  readonly axis?: number;
  readonly descending?: boolean;
};

/**
 * Sorted values along an axis and their positions, both of x's shape; equal values keep their order. NaN counts as largest: last, or first
 * when descending. A merge sort: n log2(n) steps a line.
 * @throws ShapeError for an axis out of range
 * @example
 * const { values, indices } = tensor([3, 1, 2]).sort({ descending: true });
 * console.log(await values.data(), await indices.data()); // [3,2,1] [0,2,1]
 */
export const sort = defineOp('sort', (x: Tensor, { axis = -1, descending = false }: SortOptions = {}): Sorted => {
  x.expectLive('sort');
  const along = normalizeAxis('sort', axis, x.shape);
  return sortLines(x, along, { descending });
});

/** The positions (i32) that sort x along an axis: of {@link sort} the indices alone. @throws ShapeError for an axis out of range */
export const argsort = defineOp('argsort', (x: Tensor, { axis = -1, descending = false }: SortOptions = {}): Tensor => {
  x.expectLive('argsort');
  const along = normalizeAxis('argsort', axis, x.shape);
  const { values, indices } = sortLines(x, along, { descending });
  values.dispose();
  return indices;
});

/** Options of {@link topk}. */
export type TopkOptions = {
  /** Default the last. */
  readonly axis?: number;
  /** Default true; false gives the smallest. */
  readonly largest?: boolean;
};

/**
 * The k largest (or smallest) values along an axis, best first, and their positions: x's shape with k in place of the axis. Among equal values
 * the earlier comes first, NaN counts as largest.
 * @throws ShapeError when k is no whole number from 0 to the length of the axis
 * @example
 * console.log(await tensor([3, 1, 2]).topk(2).values.data()); // [3,2]
 */
export const topk = defineOp('topk', (x: Tensor, k: number, { axis = -1, largest = true }: TopkOptions = {}): Sorted => {
  x.expectLive('topk');
  const along = normalizeAxis('topk', axis, x.shape);
  const length = nth(x.shape, along);
  if (!Number.isInteger(k) || k < 0 || k > length)
    throw new ShapeError('topk', `k = ${k} of an axis of ${length}`, `use a whole number from 0 to ${length}`);
  return sortLines(x, along, { descending: largest, count: k });
});

/** The numbers 0 to n - 1 (i32 [n]) in random order: sorted by random words of the key, so the same on every adapter. */
export const randperm = defineOp('randperm', (n: number, options: Omit<RandomOptions, 'dtype'>): Tensor => {
  using words = randomWords([n], options);
  const { values, indices } = sortLines(words, 0);
  values.dispose();
  return indices;
});
