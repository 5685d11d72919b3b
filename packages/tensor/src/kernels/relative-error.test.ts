import { expect, it } from 'vitest';
import { relativeError } from './relative-error.ts';

it('is the norm of the difference relative to that of the reference', () => {
  expect(relativeError([3, 4], [3, 4])).toBe(0);
  expect(relativeError([0, 0], [0, 0])).toBe(0);
  expect(relativeError([3, 4.5], [3, 4])).toBeCloseTo(0.1, 12);
  expect(relativeError([1], [0])).toBe(Infinity);
  expect(relativeError([Number.NaN, 4], [3, 4]) <= 1).toBe(false);
  expect(relativeError([3], [3, 4]) <= 1).toBe(false);
});
