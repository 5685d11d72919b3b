import { describe, expect, it } from 'vitest';
import { confusionOf } from './confusion.ts';
import { metricsOf } from './metrics.ts';

describe('metricsOf', () => {
  it('counts, and averages F1 over the classes that occur', () => {
    // scikit-learn 1.x: f1_score([0,0,1,1,1], [0,1,1,1,3], labels=[0,1], average='macro') = (2/3 + 2/3) / 2
    const metrics = metricsOf([0, 0, 1, 1, 1], [0, 1, 1, 1, 3], 4);
    expect(metrics).toMatchObject({ count: 5, correct: 3, accuracy: 60, error: 40 });
    expect(metrics.macroF1).toBeCloseTo(200 / 3, 10);
    expect(confusionOf([0, 0, 1, 1, 1], [0, 1, 1, 1, 3], 4)).toEqual({
      classes: 4,
      cells: [
        { truth: 0, prediction: 0, count: 1 },
        { truth: 0, prediction: 1, count: 1 },
        { truth: 1, prediction: 1, count: 2 },
        { truth: 1, prediction: 3, count: 1 },
      ],
    });
    // (1/2 + 2/3) / 2
    expect(metrics.balancedAccuracy).toBeCloseTo(700 / 12, 10);
    expect(metrics.perClass[1]).toMatchObject({ count: 3, correct: 2 });
    expect(metrics.perClass[2]).toEqual({ label: 2, count: 0, correct: 0, accuracy: 0, f1: 0 });
  });

  it('is defined for no pictures, and refuses labels beyond the classes', () => {
    expect(metricsOf([], [], 2)).toMatchObject({ count: 0, accuracy: 0, error: 0, macroF1: 0 });
    expect(() => metricsOf([2], [0], 2)).toThrow(RangeError);
    expect(() => metricsOf([0], [2], 2)).toThrow(RangeError);
  });
});
