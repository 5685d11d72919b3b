/** Statistics of accuracies over seeds, and of two classifiers on the same images. Pure functions; sources at each. */
import { PythonRandom } from '../data/mt19937.ts';

/** The mean of numbers; NaN of none. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation of a sample, with n - 1 in the denominator; undefined for fewer than two values. */
export function sampleStd(values: readonly number[]): number | undefined {
  if (values.length < 2) return undefined;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/** Measures of spread over seeds. `dassl95` is what Dassl's parse_test_res.py --ci95 prints: 1.96 population std / sqrt(n). */
export const SPREADS = ['std', 't95', 'dassl95'] as const;
/** The name of a measure of spread. */
export type Spread = (typeof SPREADS)[number];

/** What a spread is called under a table. */
export const SPREAD_NAMES: Readonly<Record<Spread, string>> = {
  std: 'sample standard deviation over seeds',
  t95: "half the 95 % interval of the mean over seeds, by Student's t",
  dassl95: "what Dassl prints as a 95 % interval: 1.96 times the population's standard deviation over the root of the seeds",
};

/** The spread of values about their mean; undefined for fewer than two. */
export function spreadOf(values: readonly number[], spread: Spread): number | undefined {
  const std = sampleStd(values);
  if (std === undefined) return undefined;
  const count = values.length;
  if (spread === 'std') return std;
  if (spread === 't95') return (studentQuantile(0.975, count - 1) * std) / Math.sqrt(count);
  const population = std * Math.sqrt((count - 1) / count);
  return (1.96 * population) / Math.sqrt(count);
}

/**
 * The quantile of Student's t distribution, by bisection of its distribution function.
 * @param probability in (0.5, 1)
 * @param freedom degrees of freedom, 1 or more
 */
export function studentQuantile(probability: number, freedom: number): number {
  let [low, high] = [0, 1];
  while (studentCdf(high, freedom) < probability) high *= 2;
  for (let step = 0; step < 200 && high - low > 1e-13 * high; step++) {
    const middle = (low + high) / 2;
    if (studentCdf(middle, freedom) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(T <= t) for t >= 0: 1 - I(v / (v + t²); v/2, 1/2) / 2. */
function studentCdf(t: number, freedom: number): number {
  return 1 - incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2;
}

/** The regularised incomplete beta function, by Lentz's continued fraction (Numerical Recipes 6.4). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b)) / a;
  let [c, d] = [1, 0];
  let fraction = 1;
  for (let index = 0; index < 500; index++) {
    const half = Math.floor(index / 2);
    const even = (half * (b - half) * x) / ((a + 2 * half - 1) * (a + 2 * half));
    const odd = (-(a + half) * (a + b + half) * x) / ((a + 2 * half) * (a + 2 * half + 1));
    const term = index === 0 ? 1 : index % 2 === 0 ? even : odd;
    d = 1 / (1 + term * d || 1e-300);
    c = 1 + term / c || 1e-300;
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return front * (fraction - 1);
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** Lanczos's approximation with g = 7 and nine terms, to about 15 digits. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const [first = 0, ...rest] = LANCZOS;
  const sum = rest.reduce((total, coefficient, index) => total + coefficient / (x + index), first);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

export interface McNemar {
  /** Images that only the first classifier has right. */
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Two-sided, exact. */
  readonly p: number;
}

/**
 * McNemar's exact test: of the images on which two classifiers differ, each classifier should be right on half. The p-value is that of the binomial
 * distribution with probability 1/2, both tails.
 */
export function mcNemar(first: readonly boolean[], second: readonly boolean[]): McNemar {
  if (first.length !== second.length) throw new RangeError(`${first.length} and ${second.length} images are no pairs`);
  let [onlyFirst, onlySecond] = [0, 0];
  for (const [index, isRight] of first.entries()) {
    if (isRight && !second[index]) onlyFirst += 1;
    if (!isRight && second[index]) onlySecond += 1;
  }
  const count = onlyFirst + onlySecond;
  const least = Math.min(onlyFirst, onlySecond);
  const logChoose = (k: number): number => logGamma(count + 1) - logGamma(k + 1) - logGamma(count - k + 1);
  let tail = 0;
  for (let k = 0; k <= least; k++) tail += Math.exp(logChoose(k) - count * Math.LN2);
  return { onlyFirst, onlySecond, p: count === 0 ? 1 : Math.min(1, 2 * tail) };
}

export interface PairedInterval {
  /** Mean of the differences. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The percentile bootstrap of a mean of paired differences, images drawn with replacement (Efron and Tibshirani 1993, chapter 13). The same
 * numbers for the same seed.
 * @param differences one per image
 */
export function bootstrapPaired(
  differences: readonly number[],
  { draws = 2000, seed = 1, level = 0.95 }: { draws?: number; seed?: number; level?: number } = {},
): PairedInterval {
  if (differences.length === 0) throw new RangeError('no image was classified by both');
  const random = new PythonRandom(seed);
  const means = Array.from({ length: draws }, () => {
    let sum = 0;
    for (let index = 0; index < differences.length; index++) sum += differences[random.below(differences.length)] ?? 0;
    return sum / differences.length;
  }).sort((a, b) => a - b);
  const tail = (1 - level) / 2;
  return { difference: mean(differences), low: quantile(means, tail), high: quantile(means, 1 - tail) };
}

/** A quantile of sorted values, with linear interpolation between neighbours (numpy's default). */
export function quantile(sorted: readonly number[], probability: number): number {
  const at = probability * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Holm's step-down adjustment of p-values for several tests at once (Holm 1979), in the order they were given. */
export function holm(values: readonly number[]): number[] {
  const order = values.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  const adjusted = values.map(() => 1);
  let most = 0;
  for (const [rank, { p, index }] of order.entries()) {
    most = Math.max(most, Math.min(1, (values.length - rank) * p));
    adjusted[index] = most;
  }
  return adjusted;
}
