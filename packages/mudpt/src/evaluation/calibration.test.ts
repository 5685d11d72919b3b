import { expect, it } from 'vitest';
import { fitTemperature, meanLoss, scaledProbabilities } from './calibration.ts';
import type { ImagePrediction } from './predictions.ts';

const ranked = (probabilities: readonly number[]): ImagePrediction['top'] =>
  probabilities.map((probability, label) => [label, probability] as const).sort((a, b) => b[1] - a[1]);

const prediction = (label: number, probabilities: readonly number[]): ImagePrediction => ({
  item: { id: '', image: '', label },
  top: ranked(probabilities),
  loss: 0,
  logit: 0,
  confidence: Math.max(...probabilities),
});

it('probabilities are those of logits divided by the temperature', () => {
  const logits = [2, 0.5, -1];
  const at = (temperature: number): number[] => {
    const powers = logits.map((logit) => Math.exp(logit / temperature));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => power / total);
  };
  for (const temperature of [0.5, 1, 3]) {
    const scaled = scaledProbabilities(ranked(at(1)), temperature);
    for (const [index, [label, probability]] of scaled.entries()) {
      expect(label).toBe(index);
      expect(probability).toBeCloseTo(at(temperature)[label] ?? 0, 10);
    }
  }
});

it('a model that is right in 3 of 4 and says 99 % is cooled to 3 of 4', () => {
  const predictions = Array.from({ length: 40 }, (_, index) => prediction(index % 4 === 0 ? 1 : 0, [0.99, 0.01]));
  const temperature = fitTemperature(predictions) ?? 0;
  expect(scaledProbabilities(ranked([0.99, 0.01]), temperature)[0]?.[1]).toBeCloseTo(0.75, 4);
  for (const other of [0.8, 1.25])
    expect(meanLoss(predictions, temperature)).toBeLessThan(meanLoss(predictions, temperature * other));
});

it('few pictures tell no temperature; certain errors leave it finite', () => {
  expect(fitTemperature([prediction(0, [1, 0])])).toBeUndefined();
  const wrong = Array.from({ length: 20 }, () => prediction(1, [1, 0]));
  expect(fitTemperature(wrong)).toBeGreaterThan(10);
  expect(fitTemperature(wrong)).toBeLessThan(25);
});
