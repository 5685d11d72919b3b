import { expect, it } from 'vitest';
import type { ImagePrediction } from './predictions.ts';
import { harmonicMean, isClearlyBetter } from './comparison.ts';

/** Predictions of images of class 0 that are right where `right` says so. */
const predictions = (right: readonly boolean[]): ImagePrediction[] =>
  right.map((isRight, index) => ({
    item: { id: `${index}`, image: '', label: 0 },
    top: [[isRight ? 0 : 1, 1]],
    loss: 0,
    logit: 0,
    confidence: 1,
  }));

const of = (count: number, total: number): boolean[] => Array.from({ length: total }, (_, index) => index < count);

it.each([
  [of(36, 40), of(12, 40), true],
  [of(21, 40), of(20, 40), false],
  // Four more and none less is what chance has in one of 16 cases.
  [of(24, 40), of(20, 40), false],
  [of(25, 40), of(20, 40), true],
  [of(12, 40), of(36, 40), false],
  [of(20, 40), of(20, 40), false],
])('clearly better is what chance does not explain: %#', (one, other, expected) => {
  expect(isClearlyBetter(predictions(one), predictions(other))).toBe(expected);
});

it('compares the same images only', () => {
  const others = predictions(of(0, 10)).map((one) => ({ ...one, item: { ...one.item, id: `other ${one.item.id}` } }));
  expect(isClearlyBetter(predictions(of(10, 10)), others)).toBe(false);
});

it('combines base and new as the papers do: 69.34 and 74.22 give 71.70', () => {
  expect(harmonicMean(69.34, 74.22).toFixed(2)).toBe('71.70');
  expect(harmonicMean(0, 0)).toBe(0);
});
