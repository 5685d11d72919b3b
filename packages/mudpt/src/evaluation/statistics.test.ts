import { expect, it } from 'vitest';
import { bootstrapPaired, holm, logGamma, mcNemar, quantile, sampleStd, spreadOf, studentQuantile } from './statistics.ts';

it('spreads of 70, 72 and 77 over three seeds, by hand', () => {
  // mean 73; squares 9 + 1 + 16 = 26; sample variance 13, population's 26 / 3.
  const seeds = [70, 72, 77];
  expect(sampleStd(seeds)).toBeCloseTo(Math.sqrt(13), 12);
  expect(spreadOf(seeds, 'std')).toBeCloseTo(3.605551275, 9);
  expect(spreadOf(seeds, 't95')).toBeCloseTo((4.302652729911275 * Math.sqrt(13)) / Math.sqrt(3), 9);
  expect(spreadOf(seeds, 'dassl95')).toBeCloseTo((1.96 * Math.sqrt(26 / 3)) / Math.sqrt(3), 12);
  expect(spreadOf([1, 2, 3], 'dassl95')).toBeCloseTo((1.96 * Math.sqrt(2 / 3)) / Math.sqrt(3), 12);
  expect([spreadOf([70], 'std'), spreadOf([], 't95')]).toEqual([undefined, undefined]);
});

it("Student's t as tables have it", () => {
  // R: qt(0.975, c(1, 2, 4, 30)), qt(0.95, 5)
  const table = [1, 2, 4, 30].map((freedom) => studentQuantile(0.975, freedom));
  for (const [index, value] of [12.706204736, 4.30265273, 2.776445105, 2.042272456].entries())
    expect(table[index]).toBeCloseTo(value, 7);
  expect(studentQuantile(0.95, 5)).toBeCloseTo(2.015048373, 8);
  expect(logGamma(5)).toBeCloseTo(Math.log(24), 12);
  expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 12);
});

it('McNemar exactly: 1 against 8 of 9 is 2 * 10 / 512', () => {
  const first = [true, ...Array.from({ length: 8 }, () => false), true, false];
  const second = [false, ...Array.from({ length: 8 }, () => true), true, false];
  const { onlyFirst, onlySecond, p } = mcNemar(first, second);
  expect([onlyFirst, onlySecond]).toEqual([1, 8]);
  expect(p).toBeCloseTo(20 / 512, 12);
  expect(mcNemar([true, false], [true, false]).p).toBe(1);
  expect(mcNemar([true, false], [false, true]).p).toBe(1);
  expect(() => mcNemar([true], [])).toThrow(RangeError);
});

it('the bootstrap holds the mean, repeats itself, and has no width where nothing varies', () => {
  expect(bootstrapPaired([1, 1, 1])).toEqual({ difference: 1, low: 1, high: 1 });
  const differences = Array.from({ length: 400 }, (_, index) => (index % 4 === 0 ? 1 : 0));
  const { difference, low, high } = bootstrapPaired(differences);
  // The normal interval is 0.25 ± 1.96 sqrt(0.25 * 0.75 / 400) = 0.25 ± 0.0424.
  expect(difference).toBe(0.25);
  expect(Math.abs(low - 0.2076)).toBeLessThan(0.006);
  expect(Math.abs(high - 0.2924)).toBeLessThan(0.006);
  expect(bootstrapPaired(differences)).toEqual({ difference, low, high });
  expect(bootstrapPaired(differences, { seed: 2 })).not.toEqual({ difference, low, high });
  expect(() => bootstrapPaired([])).toThrow(RangeError);
});

it('quantiles interpolate, and Holm steps down', () => {
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
  expect(quantile([1, 2, 3, 4], 0.1)).toBeCloseTo(1.3, 12);
  // 3 * 0.01, max(0.03, 2 * 0.03), max(0.06, 1 * 0.04)
  for (const [index, value] of holm([0.01, 0.04, 0.03]).entries()) expect(value).toBeCloseTo([0.03, 0.06, 0.06][index] ?? 0, 12);
  expect(holm([0.9, 0.8])).toEqual([1, 1]);
});
