import { expect, it } from 'vitest';
import { confusionOf } from '../evaluation/index.ts';
import type { Prediction } from '../runs/index.ts';
import { confusedPairs, doubtfulLabels, hardest } from './errors.ts';

it('the most confused pairs, of equal ones those of the smaller class first', () => {
  const labels = [0, 0, 0, 0, 1, 1, 2];
  const guesses = [0, 1, 1, 2, 0, 1, 1];
  const confusion = confusionOf(labels, guesses, 3);
  expect(confusedPairs(confusion)).toEqual([
    { truth: 0, guess: 1, count: 2, share: 0.5 },
    { truth: 2, guess: 1, count: 1, share: 1 },
    { truth: 1, guess: 0, count: 1, share: 0.5 },
    { truth: 0, guess: 2, count: 1, share: 0.25 },
  ]);
  expect(confusedPairs(confusion, 1)).toHaveLength(1);
});

const made = (id: string, zeroShot: number, guess: number, probability: number, loss = 0): Prediction => ({
  id,
  label: 0,
  zeroShot: [[zeroShot, 0.5]],
  tuned: [[guess, probability]],
  loss,
});

it('labels to check are those that both models deny, the tuned one surely', () => {
  const predictions = [
    made('sure', 1, 1, 0.95),
    made('surer', 1, 1, 0.99),
    made('unsure', 1, 1, 0.8),
    made('right', 0, 0, 0.99),
    made('the frozen model agrees with the label', 0, 1, 0.99),
    made('two opinions', 2, 1, 0.99),
  ];
  expect(doubtfulLabels(predictions).map(({ id }) => id)).toEqual(['surer', 'sure']);
});

it('the hardest have the largest loss', () => {
  const predictions = [made('a', 0, 0, 1, 1), made('b', 0, 0, 1, 3), made('c', 0, 0, 1, 2)];
  expect(hardest(predictions, 2).map(({ id }) => id)).toEqual(['b', 'c']);
});
