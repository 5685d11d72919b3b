/** How well a score separates known images from unknown ones: the area under the ROC curve, and the false positive rate at 95 % true positives. */
import { nth } from '@mudpt/tensor/internal';

/** Share of the known images that the threshold keeps. */
const KEPT = 0.95;

/** Known images are the positives: their score should be the higher one. Percentages are 0 to 100. */
export interface Detection {
  /** The chance that a known image has a higher score than an unknown one, equal scores counted half; 50 is guessing. */
  readonly auroc: number;
  /** Share of the unknown images that pass the threshold which at least 95 % of the known ones pass (FPR at 95 % TPR). */
  readonly fpr95: number;
  /** The threshold of that share: the largest score that at least 95 % of the known images reach. */
  readonly threshold: number;
}

/**
 * Compares the scores of known and of unknown images (Hendrycks and Gimpel, 2017). Only the order of scores counts, so any increasing function of them
 * gives the same.
 * @throws RangeError without scores of both, and for a NaN
 */
export function detectionOf(known: readonly number[], unknown: readonly number[]): Detection {
  if (known.length === 0 || unknown.length === 0)
    throw new RangeError(`${known.length} known and ${unknown.length} unknown images cannot be told apart`);
  if (known.some(Number.isNaN) || unknown.some(Number.isNaN)) throw new RangeError('a score is NaN');
  const [positives, negatives] = [Float64Array.from(known).sort(), Float64Array.from(unknown).sort()];
  // The Mann-Whitney statistic: negatives below each positive, and half of those that are equal.
  let [below, until, pairs] = [0, 0, 0];
  for (const score of positives) {
    while (below < negatives.length && nth(negatives, below) < score) below += 1;
    until = Math.max(until, below);
    while (until < negatives.length && nth(negatives, until) === score) until += 1;
    pairs += (below + until) / 2;
  }
  const kept = Math.ceil(KEPT * positives.length - 1e-9);
  const threshold = nth(positives, positives.length - kept);
  return {
    auroc: (100 * pairs) / (positives.length * negatives.length),
    fpr95: (100 * negatives.filter((score) => score >= threshold).length) / negatives.length,
    threshold,
  };
}
