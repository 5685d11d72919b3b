/** Order statistics and counts by definition. */
import { type Ref, ref, sizeOf } from './array.ts';
import { reduceWith } from './reduce.ts';

/** numpy.quantile with linear interpolation; NaN where one is among the values. */
export function quantile(x: Ref, q: number, axes?: readonly number[], keepdim = false): Ref {
  return reduceWith(x, { axes, keepdim }, (values) => {
    if (values.some(Number.isNaN)) return Number.NaN;
    const sorted = [...values].sort((a, b) => a - b);
    const place = q * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
    return below + (place - Math.floor(place)) * (above - below);
  });
}

/** Counts or weights by bins between edges; the last bin has its upper edge, too. */
export function histogram(values: ArrayLike<number>, edges: readonly number[], weights?: ArrayLike<number>): number[] {
  const counts = Array.from({ length: edges.length - 1 }, () => 0);
  Array.from(values).forEach((value, i) => {
    const bin =
      value === edges.at(-1) ? counts.length - 1 : edges.findIndex((edge, at) => edge <= value && value < edges[at + 1]!);
    if (bin >= 0) counts[bin]! += weights ? weights[i]! : 1;
  });
  return counts;
}

/** Coordinates of what is not zero. */
export function nonzero(x: Ref): Ref {
  const found = Array.from(x.data).flatMap((value, flat) => {
    if (value === 0) return [];
    let rest = flat;
    return [
      x.shape.map((size, axis) => {
        const step = sizeOf(x.shape.slice(axis + 1));
        const at = Math.floor(rest / step) % size;
        rest -= at * step;
        return at;
      }),
    ];
  });
  return ref([found.length, x.shape.length], found.flat());
}
