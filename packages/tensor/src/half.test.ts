/** Half precision on the host: numbers are rounded once. */
import { expect, it } from 'vitest';
import { fromHalf, toHalf } from './half.ts';

it('numbers next to a tie of f16 that f32 would round to it go to their own side', () => {
  const tie = 1 + 2 ** -11;
  const cases: readonly (readonly [value: number, rounded: number])[] = [
    [tie, 1],
    [tie + 2 ** -40, 1 + 2 ** -10],
    [-tie - 2 ** -40, -1 - 2 ** -10],
    [1 + 3 * 2 ** -11 - 2 ** -40, 1 + 2 ** -10],
    [1 + 3 * 2 ** -11, 1 + 2 ** -9],
    [2 ** -25 + 2 ** -60, 2 ** -24],
    [65520 - 1e-9, 65504],
    [65520, Infinity],
    [-1e300, -Infinity],
    [1e-300, 0],
  ];
  for (const [value, rounded] of cases) expect(fromHalf(toHalf(value)), String(value)).toBe(rounded);
  expect(fromHalf(toHalf(Number.NaN))).toBeNaN();
});
