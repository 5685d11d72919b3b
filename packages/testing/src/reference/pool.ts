/** Pooling over any number of axes, by definition. */
import { build, forEachIndex, get, type Ref } from './array.ts';

export type PoolOptions = {
  mode: 'max' | 'mean';
  stride?: readonly number[];
  before?: readonly number[];
  after?: readonly number[];
  dilation?: readonly number[];
  ceilMode?: boolean;
  countsPadding?: boolean;
};

/** The largest of values, NaN if there is one; or their sum over `divisor`. */
function combined(values: readonly number[], mode: 'max' | 'mean', divisor: number): number {
  if (mode === 'mean') return values.reduce((sum, value) => sum + value, 0) / divisor;
  return values.some(Number.isNaN) ? NaN : Math.max(...values);
}

/** x [N, C, ...] pooled in windows of `kernel`; the stride is the kernel by default. */
export function poolNd(x: Ref, kernel: readonly number[], options: PoolOptions): Ref {
  const { mode, ceilMode = false, countsPadding = true } = options;
  const size = x.shape.slice(2);
  const of = (list: readonly number[] | undefined, axis: number, missing: number): number => list?.[axis] ?? missing;
  const startOf = (place: number, axis: number): number =>
    place * of(options.stride, axis, kernel[axis]!) - of(options.before, axis, 0);
  const places = size.map((cells, axis) => {
    const last = (place: number): number => startOf(place, axis) + (kernel[axis]! - 1) * of(options.dilation, axis, 1);
    const end = cells + of(options.after, axis, 0);
    let count = 0;
    while (last(count) < end) count += 1;
    // One more that reaches over the end, if it begins within and there is something left for it.
    const isLeft = count === 0 || last(count - 1) < end - 1;
    return ceilMode && isLeft && startOf(count, axis) < cells ? count + 1 : count;
  });
  return build([...x.shape.slice(0, 2), ...places], ([image, channel, ...place]) => {
    const values: number[] = [];
    let counted = 0;
    forEachIndex(kernel, (tap) => {
      const at = tap.map((t, axis) => startOf(place[axis]!, axis) + t * of(options.dilation, axis, 1));
      const isInside = at.every((cell, axis) => cell >= 0 && cell < size[axis]!);
      const isPadded = at.every((cell, axis) => cell < size[axis]! + of(options.after, axis, 0));
      if (isInside) values.push(get(x, [image!, channel!, ...at]));
      if (isInside || (countsPadding && isPadded)) counted += 1;
    });
    return combined(values, mode, counted);
  });
}

/** x [N, C, ...] in `places` windows that cover it: window i of n has the cells from floor(i size / n) to ceil((i + 1) size / n) - 1. */
export function adaptivePoolNd(x: Ref, places: readonly number[], mode: 'max' | 'mean'): Ref {
  const size = x.shape.slice(2);
  return build([...x.shape.slice(0, 2), ...places], ([image, channel, ...place]) => {
    const first = place.map((p, axis) => Math.floor((p * size[axis]!) / places[axis]!));
    const cells = place.map((p, axis) => Math.ceil(((p + 1) * size[axis]!) / places[axis]!) - first[axis]!);
    const values: number[] = [];
    forEachIndex(cells, (at) => values.push(get(x, [image!, channel!, ...at.map((cell, axis) => first[axis]! + cell)])));
    return combined(values, mode, values.length);
  });
}
