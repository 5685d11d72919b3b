import { expect, it } from 'vitest';
import { alternativesText, betterMethod } from '../cli/train.ts';
import { isClearlyBetter } from './alternatives.ts';
import type { Score } from '../evaluation/scoring.ts';

/** Scores of images of class 0 that are right where `right` says so. */
const scores = (right: readonly boolean[]): Score[] =>
  right.map((isRight, index) => ({
    item: { id: `${index}`, image: '', label: 0 },
    top: [[isRight ? 0 : 1, 1]],
    loss: 0,
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
  expect(isClearlyBetter(scores(one), scores(other))).toBe(expected);
});

it('compares the same images only', () => {
  const others = scores(of(0, 10)).map((score) => ({ ...score, item: { ...score.item, id: `other ${score.item.id}` } }));
  expect(isClearlyBetter(scores(of(10, 10)), others)).toBe(false);
});

const probe = { method: 'linear-probe', title: 'Linear probe', validation: 90, test: 88, count: 40, isClearlyBetter: true };
const tip = { method: 'tip-adapter', title: 'Tip-Adapter', validation: 92, test: 91, count: 40, isClearlyBetter: false };

it('the best on validation is chosen; of equal ones the run keeps its own', () => {
  expect(betterMethod({ validation: 30, alternatives: [probe, tip] })).toBe('tip-adapter');
  expect(betterMethod({ validation: 92, alternatives: [probe, tip] })).toBeUndefined();
  expect(betterMethod({ alternatives: [probe] })).toBeUndefined();
  expect(betterMethod({ validation: 30 })).toBeUndefined();
});

it('a person is told what is clearly better, and only that', () => {
  const text = alternativesText([probe, tip], 30, 'mudpt').join('\n');
  expect(text).toMatch(/on 40 validation pictures: MuDPT 30\.0 %; .*Linear probe 90\.0 % \(test 88\.0 %\), Tip-Adapter 92\.0 %/);
  expect(text).toMatch(/\nLinear probe is clearly better here: .*train --method linear-probe/);
  expect(alternativesText([tip], 91, 'mudpt')).toHaveLength(1);
});
