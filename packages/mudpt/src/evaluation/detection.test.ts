import { randomFrom } from '@mudpt/autograd';
import { expect, it } from 'vitest';
import { detectionOf } from './detection.ts';

/** By every pair, and by every threshold. */
function byPairs(known: readonly number[], unknown: readonly number[]) {
  let pairs = 0;
  for (const one of known) for (const other of unknown) pairs += one > other ? 1 : one === other ? 0.5 : 0;
  const passing = (scores: readonly number[], threshold: number): number =>
    scores.filter((score) => score >= threshold).length / scores.length;
  const threshold = Math.max(...known.filter((score) => passing(known, score) >= 0.95));
  return { auroc: (100 * pairs) / (known.length * unknown.length), fpr95: 100 * passing(unknown, threshold), threshold };
}

it('by hand: one of four pairs is in the wrong order, one is a tie', () => {
  expect(detectionOf([3, 1], [2, 1])).toEqual({ auroc: 62.5, fpr95: 100, threshold: 1 });
  expect(detectionOf([3, 4], [1, 2])).toEqual({ auroc: 100, fpr95: 0, threshold: 3 });
  expect(detectionOf([1], [2])).toEqual({ auroc: 0, fpr95: 100, threshold: 1 });
  expect(detectionOf([1, 1], [1, 1, 1])).toEqual({ auroc: 50, fpr95: 100, threshold: 1 });
});

it.each([
  [200, 150, 1e6],
  // Many equal scores.
  [137, 211, 12],
  [100, 40, 3],
  [19, 1, 5],
  [20, 7, 8],
  [21, 7, 8],
])('is that of all pairs: %i known and %i unknown images, %i values', (positives, negatives, values) => {
  const random = randomFrom(positives);
  const scores = (count: number, shift: number): number[] =>
    Array.from({ length: count }, () => Math.floor(random() * values) / values + shift);
  for (const shift of [0, 0.5, -2 / values]) {
    const [known, unknown] = [scores(positives, shift), scores(negatives, 0)];
    const [made, wanted] = [detectionOf(known, unknown), byPairs(known, unknown)];
    expect(made.auroc).toBeCloseTo(wanted.auroc, 9);
    expect(made.fpr95).toBeCloseTo(wanted.fpr95, 9);
    expect(made.threshold).toBe(wanted.threshold);
    // Only the order counts: a power of two rounds nothing.
    const risen = (score: number): number => 8 * score;
    expect(detectionOf(known.map(risen), unknown.map(risen)).auroc).toBeCloseTo(wanted.auroc, 9);
  }
});

it('of nothing, and of what is no number, is refused', () => {
  expect(() => detectionOf([], [1])).toThrow(RangeError);
  expect(() => detectionOf([1], [])).toThrow(RangeError);
  expect(() => detectionOf([Number.NaN], [1])).toThrow(/NaN/);
});
