import { randomFrom } from '@mudpt/autograd';
import { expect, it } from 'vitest';
import { calibrationOfPredictions } from './predictions.ts';
import { type Confidence, calibrationOf, RELIABILITY_BINS } from './reliability.ts';

const image = (confidence: number, isRight: boolean): Confidence => ({ confidence, isRight });

it('two bins by hand: half the images 20 points too sure, half 10 points too modest', () => {
  // (0.6, 0.667]: 1 of 2 right at 65 and 65 %; (0.8, 0.867]: 2 of 2 right at 85 %.
  const { ece, bins } = calibrationOf([image(0.65, true), image(0.65, false), image(0.85, true), image(0.85, true)]);
  expect(ece).toBeCloseTo((15 + 15) / 2, 10);
  expect(bins).toHaveLength(15);
  expect(bins.flatMap(({ count }, index) => (count > 0 ? [[index, count]] : []))).toEqual([
    [9, 2],
    [12, 2],
  ]);
  expect(bins[9]?.accuracy).toBe(50);
  expect(bins[9]?.confidence).toBeCloseTo(65, 10);
  expect(bins[0]).toEqual({ count: 0, confidence: 0, accuracy: 0 });
});

it('a bin holds its upper bound, and 0 and 1 have their places', () => {
  const binsOf = (confidence: number): number[] =>
    calibrationOf([image(confidence, true)]).bins.flatMap(({ count }, index) => (count > 0 ? [index] : []));
  expect([binsOf(0), binsOf(1 / 15), binsOf(0.0667), binsOf(1)]).toEqual([[0], [0], [1], [14]]);
});

it('is that of the definition, bound by bound, on random images', () => {
  const random = randomFrom(7);
  const images = Array.from({ length: 997 }, () => image(random(), random() < 0.5));
  const distance = (part: readonly Confidence[]): number =>
    Math.abs(part.reduce((sum, { confidence, isRight }) => sum + (isRight ? 1 : 0) - confidence, 0));
  // sum |B| / n * |acc(B) - conf(B)| is sum |right - confidence| / n.
  let [ece, adaptive] = [0, 0];
  for (let bin = 0; bin < 15; bin += 1)
    ece += distance(images.filter(({ confidence }) => confidence > bin / 15 && confidence <= (bin + 1) / 15));
  const sorted = [...images].sort((a, b) => a.confidence - b.confidence);
  for (let bin = 0; bin < 15; bin += 1)
    adaptive += distance(sorted.filter((_, place) => Math.floor(((place + 0.5) * 15) / 997) === bin));
  const made = calibrationOf(images);
  expect(made.ece).toBeCloseTo((100 * ece) / 997, 9);
  expect(made.adaptiveEce).toBeCloseTo((100 * adaptive) / 997, 9);
  expect(made.ece).toBeGreaterThan(10);
});

it('adaptive bins see what one bin of equal width averages away', () => {
  // All in (0.933, 1]: 160 are always wrong at 95.06 % on average (8 bins), 140 always right at 97.06 % (7 bins).
  const images = Array.from({ length: 300 }, (_, index) => image(0.94 + index / 7500, index >= 160));
  const { ece, adaptiveEce } = calibrationOf(images);
  expect(ece).toBeCloseTo((160 * 95.06 - 140 * 2.94) / 300, 9);
  expect(adaptiveEce).toBeCloseTo((160 * 95.06 + 140 * 2.94) / 300, 9);
});

it('no image is an error of 0; what is no probability is refused', () => {
  expect(calibrationOf([])).toMatchObject({ ece: 0, adaptiveEce: 0 });
  expect(calibrationOf([]).bins).toHaveLength(RELIABILITY_BINS);
  for (const bad of [Number.NaN, -0.1, 1.1]) expect(() => calibrationOf([image(bad, true)])).toThrow(RangeError);
});

it('the confidence of a prediction is that of its likeliest label', () => {
  const item = (label: number) => ({ id: '', image: '', label });
  const top = [
    [2, 0.75],
    [0, 0.25],
  ] as const;
  const { ece, bins } = calibrationOfPredictions([
    { item: item(2), top, loss: 0, logit: 0, confidence: 1 },
    { item: item(0), top, loss: 0, logit: 0, confidence: 1 },
  ]);
  expect(ece).toBeCloseTo(25, 12);
  expect(bins[11]).toEqual({ count: 2, confidence: 75, accuracy: 50 });
});
