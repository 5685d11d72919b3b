/** Random numbers, rows and distances of plain arrays. */
import { randomFrom } from '@mudpt/autograd';

/** Numbers in -1..1. */
export function numbers(count: number, seed: number): Float32Array {
  const random = randomFrom(seed);
  return Float32Array.from({ length: count }, () => 2 * random() - 1);
}

/** Row `index` of values with rows of `width`. */
export function rowOf(values: ArrayLike<number>, index: number, width: number): Float64Array {
  return Float64Array.from({ length: width }, (_, i) => values[index * width + i]!);
}

/** ||a - b|| / ||b|| */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const { length } = expected;
  if (actual.length !== length) throw new Error(`${actual.length} values are compared with ${length}`);
  const gaps = Array.from(expected, (value, i) => value - actual[i]!);
  return Math.hypot(...gaps) / Math.max(Math.hypot(...Array.from(expected)), 1e-30);
}
