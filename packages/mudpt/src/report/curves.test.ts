import { expect, it } from 'vitest';
import type { MetricsLine } from '../train/metrics-line.ts';
import { accuracyCurve, lossCurve } from './curves.ts';

const step = (epoch: number, at: number, loss: number): MetricsLine => ({
  kind: 'step',
  epoch,
  step: at,
  loss,
  accuracy: 50,
  lr: 0.1,
  imagesPerSecond: 1,
  bytes: 1,
});
const epoch = (index: number, loss: number, accuracy: number, valAccuracy?: number): MetricsLine => ({
  kind: 'epoch',
  epoch: index,
  loss,
  accuracy,
  lr: 0.1,
  seconds: 1,
  ...(valAccuracy !== undefined && { valAccuracy }),
});
const pointsIn = (svg = ''): string[] => [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points = '']) => points);

it('the loss has every reading, and the mean of an epoch where it ends', () => {
  const svg = lossCurve([step(0, 1, 4), step(0, 3, 2), epoch(0, 3, 50), step(1, 7, 0), epoch(1, 1, 75)], 4);
  // 498 pixels for 8 steps, 202 for losses from 0 to 4.
  expect(pointsIn(svg)).toEqual(['170.5,24 295,125 544,226', '295,74.5 544,175.5']);
  expect(svg).toContain('>4</text>');
});

it('the accuracy has curves of what was measured', () => {
  const lines = [epoch(0, 3, 0, 50), epoch(1, 1, 100, 75)];
  expect(pointsIn(accuracyCurve(lines, 10))).toEqual(['265,226 484,24', '265,125 484,74.5']);
  expect(accuracyCurve(lines, 10)).toContain('validation');
  expect(accuracyCurve(lines, 10)).not.toContain('new classes');
});

it('nothing logged is no curve, and what is not finite is left out', () => {
  expect(lossCurve([], 4)).toBeUndefined();
  expect(accuracyCurve([step(0, 0, 1)], 4)).toBeUndefined();
  expect(pointsIn(lossCurve([step(0, 0, 1), step(0, 1, Number.NaN)], 2))).toEqual(['544,24']);
});
