import { expect, it } from 'vitest';
import { alphaRate, initialAlpha, largestEigenvalue } from './lp-rates.ts';

it('finds the largest eigenvalue of a symmetric matrix', () => {
  expect(largestEigenvalue([2, 1, 1, 2], 2)).toBeCloseTo(3, 10);
  expect(largestEigenvalue([1, 0, 0, 0, 5, 0, 0, 0, 4.9], 3)).toBeCloseTo(5, 8);
  expect(largestEigenvalue([0, 0, 0, 0], 2)).toBe(0);
});

it('has a rate and a start of the factors from cosines of images with texts', () => {
  const cosines = [0.5, 0.1, 0.4, 0.2, 0.1, 0.3];
  expect(alphaRate(cosines, 2)).toBeCloseTo(3 / (4 * (0.25 + 0.16 + 0.01)), 12);
  expect(initialAlpha(cosines, Int32Array.of(0, 0, 1), 2)).toBeCloseTo((0.45 + 0.3) / 2, 12);
  // A class without images says nothing of its cosine.
  expect(initialAlpha(cosines, Int32Array.of(0, 0, 0), 2)).toBeCloseTo((0.5 + 0.4 + 0.1) / 3, 12);
});
