import { expect, it } from 'vitest';
import { lgamma, normalCumulative } from '@mudpt/testing/reference/special';
import { eachDevice } from '@mudpt/testing/support';
import * as ops from '../../index.ts';
import { scope, type Tensor, tensor } from '../../index.ts';

const COUNT = 4000;
const read = async (t: Tensor): Promise<number[]> => Array.from(await t.data());

/** The largest distance between the distribution of the values and a distribution function (Kolmogorov and Smirnov), times the root of their number. */
function distance(values: readonly number[], cumulative: (x: number) => number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  const gaps = sorted.map((value, i) => Math.max((i + 1) / n - cumulative(value), cumulative(value) - i / n));
  return Math.max(...gaps) * Math.sqrt(n);
}

/** Cumulative gamma distribution by its power series. */
function gammaCumulative(shape: number, x: number): number {
  let term = 1 / shape;
  let sum = term;
  for (let n = 1; term > 1e-16 * sum; n += 1) sum += term *= x / (shape + n);
  return Math.exp(shape * Math.log(x) - x - lgamma(shape)) * sum;
}

/** Keys are fixed, so a distance of 1.6, which one key in a hundred exceeds, fails on a wrong distribution alone. */
const SMALL = 1.6;

eachDevice('distributions', (ctx) => {
  it('continuous ones follow their distribution functions', () =>
    scope(async () => {
      const options = { key: 11, device: ctx.device };
      const shape = [COUNT];
      const phi = normalCumulative;
      const check = async (drawn: Tensor, cumulative: (x: number) => number, what: string): Promise<void> => {
        const values = await read(drawn);
        expect(values.every(Number.isFinite), what).toBe(true);
        expect(distance(values, cumulative), what).toBeLessThan(SMALL);
      };
      await check(ops.randExponential(shape, { ...options, rate: 2 }), (x) => 1 - Math.exp(-2 * x), 'exponential');
      await check(
        ops.randLaplace(shape, { ...options, mean: 1, scale: 0.5 }),
        (x) => (x < 1 ? 0.5 * Math.exp((x - 1) / 0.5) : 1 - 0.5 * Math.exp((1 - x) / 0.5)),
        'laplace',
      );
      await check(ops.randGumbel(shape, options), (x) => Math.exp(-Math.exp(-x)), 'gumbel');
      const truncated = ops.truncatedNormal(shape, { ...options, mean: 1, std: 2, low: 0, high: 4 });
      await check(truncated, (x) => (phi((x - 1) / 2) - phi(-0.5)) / (phi(1.5) - phi(-0.5)), 'truncated normal');
      const values = await read(truncated);
      expect(Math.min(...values) >= 0 && Math.max(...values) <= 4).toBe(true);
      for (const concentration of [0.3, 1, 4.5, 40])
        await check(
          ops.randGamma(shape, concentration, { ...options, rate: 2 }),
          (x) => gammaCumulative(concentration, 2 * x),
          `gamma ${concentration}`,
        );
      // Beta(a, 1) has the distribution function x^a, Beta(1, b) 1 - (1 - x)^b.
      await check(ops.randBeta(shape, 2.5, 1, options), (x) => x ** 2.5, 'beta');
      await check(ops.randBeta(shape, 1, 0.7, options), (x) => 1 - (1 - x) ** 0.7, 'beta');
      // Both gamma numbers of many of these underflow.
      const rare = await read(ops.randBeta(shape, 0.01, 0.01, options));
      expect(rare.every((value) => value >= 0 && value <= 1)).toBe(true);
      expect(Math.abs(rare.reduce((total, value) => total + value, 0) / COUNT - 0.5)).toBeLessThan(0.04);
      const few = await read(ops.randDirichlet([COUNT / 4, 3], 0.01, options).sum(-1));
      expect(few.every((total) => Math.abs(total - 1) < 1e-5)).toBe(true);
      const shares = ops.randDirichlet([COUNT / 4, 3], tensor([1, 2, 3], { device: ctx.device }), options);
      for (const total of await read(ops.sum(shares, 1))) expect(total).toBeCloseTo(1, 5);
      const means = await read(ops.mean(shares, 0));
      for (const [i, mean] of means.entries()) expect(Math.abs(mean - (i + 1) / 6)).toBeLessThan(0.02);
    }));

  it('Poisson numbers have the frequencies of their rate, small and large', () =>
    scope(async () => {
      for (const rate of [0, 0.7, 11, 30, 1e5]) {
        const counts = await read(ops.randPoisson([COUNT], rate, { key: 5, device: ctx.device }));
        const mean = counts.reduce((a, b) => a + b, 0) / COUNT;
        const spread = counts.reduce((a, b) => a + (b - mean) ** 2, 0) / COUNT;
        expect(Math.abs(mean - rate), `mean of ${rate}`).toBeLessThanOrEqual(3 * Math.sqrt(rate / COUNT));
        expect(Math.abs(spread - rate), `variance of ${rate}`).toBeLessThanOrEqual(0.1 * rate);
        if (rate === 0 || rate > 100) continue;
        // Chi squared over classes with at least 5 expected; its mean is the number of classes less 1.
        let [chi, classes] = [0, 0];
        for (let k = 0; k < 60; k += 1) {
          const wanted = COUNT * Math.exp(k * Math.log(rate) - rate - lgamma(k + 1));
          if (wanted < 5) continue;
          chi += (counts.filter((count) => count === k).length - wanted) ** 2 / wanted;
          classes += 1;
        }
        expect(chi, `frequencies of ${rate}`).toBeLessThan(classes + 3 * Math.sqrt(2 * classes));
      }
      const rates = tensor([[1], [50]], { device: ctx.device });
      const counts = ops.randPoisson([2, 500], rates, { key: 3, dtype: 'f32' });
      const [low, high] = await read(ops.mean(counts, 1));
      expect(Math.abs(low! - 1) < 0.15 && Math.abs(high! - 50) < 1).toBe(true);
    }));

  it('classes come by their probabilities, distinct ones without replacement', () =>
    scope(async () => {
      const logits = tensor(
        [
          [0, Math.log(3), -Infinity, Math.log(2)],
          [0, 0, 0, 0],
        ],
        { device: ctx.device },
      );
      const drawn = logits.categorical({ key: 8, count: COUNT });
      expect([drawn.shape, drawn.dtype]).toEqual([[2, COUNT], 'i32']);
      const frequencies = await Promise.all(
        [0, 1].map((row) => read(ops.div(ops.bincount(ops.select(drawn, 0, row), 4), COUNT))),
      );
      for (const [row, wanted] of [
        [1 / 6, 1 / 2, 0, 1 / 3],
        [0.25, 0.25, 0.25, 0.25],
      ].entries())
        for (const [at, share] of wanted.entries()) expect(Math.abs(frequencies[row]![at]! - share)).toBeLessThan(0.03);
      expect(logits.categorical({ key: 8 }).shape).toEqual([2]);
      const weights = tensor([1, 0, 5, 2], { device: ctx.device });
      const picks = await read(weights.multinomial(3, { key: 2 }));
      expect([...picks].sort()).toEqual([0, 2, 3]);
      expect(() => weights.multinomial(5, { key: 2 })).toThrow(/count is 5, of 4 classes/);
      expect((await read(weights.multinomial(50, { key: 2, replacement: true }))).every((pick) => pick !== 1)).toBe(true);
      const order = await read(ops.arange(40, { device: ctx.device }).permutation({ key: 4 }));
      expect(order).not.toEqual([...order].sort((a, b) => a - b));
      expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    }));

  it('a key gives the same numbers, as a tensor too; others are refused', () =>
    scope(async () => {
      const key = tensor([9, 0], { dtype: 'u32', device: ctx.device });
      const first = await read(ops.randGamma([50], 2, { key: 9, device: ctx.device }));
      expect(await read(ops.randGamma([50], 2, { key }))).toEqual(first);
      // An element does not depend on how many there are.
      expect((await read(ops.randGamma([70], 2, { key }))).slice(0, 50)).toEqual(first);
      expect(await read(ops.randGamma([50], 2, { key, stream: 1 }))).not.toEqual(first);
      const odd = tensor([-1, 0, NaN], { device: ctx.device });
      expect(await read(ops.randGamma([3], odd, { key }))).toEqual([NaN, NaN, NaN]);
      expect(() => ops.randGamma([2], -1, { key })).toThrow(/concentration is -1/);
      expect(() => ops.randPoisson([2], NaN, { key })).toThrow(/rate is NaN/);
      expect(() => ops.truncatedNormal([2], { key, low: 3, high: 1 })).toThrow(/bounds are 3 and 1/);
    }));
});
