/** Special functions in f64 that JavaScript lacks, to about 1e-15 relative. */

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** erf by its series with positive terms only, 2/sqrt(pi) exp(-x^2) sum 2^n x^(2n+1) / (2n+1)!!; for |x| < 3. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return TWO_OVER_SQRT_PI * Math.exp(-x * x) * sum;
}

/** erfc by its continued fraction, evaluated from the tail; for x >= 2, where 200 levels are far more than enough. */
function erfcFraction(x: number): number {
  let tail = 0;
  for (let level = 200; level >= 1; level--) tail = level / 2 / (x + tail);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + tail);
}

/** The error function. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x === 0) return x;
  if (Math.abs(x) < 2) return erfSeries(x);
  return x > 0 ? 1 - erfcFraction(x) : erfcFraction(-x) - 1;
}

/** 1 - erf(x) without cancellation for positive x. */
export function erfc(x: number): number {
  return x < 2 ? 1 - erf(x) : erfcFraction(x);
}

/** Density of the standard normal distribution. */
export function normalDensity(x: number): number {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
}

/** Cumulative standard normal distribution, accurate in the lower tail too. */
export function normalCumulative(x: number): number {
  return 0.5 * erfc(-x / Math.SQRT2);
}

/** Inverse of erf, by halving: of erf where it is small, of erfc where erf is near 1. */
export function erfinv(x: number): number {
  const a = Math.abs(x);
  if (!(a < 1)) return a === 1 ? x * Infinity : Number.NaN;
  let [low, high] = [0, 1];
  while (erf(high) < a && high < 7) high += 1;
  if (a < 1e-9) return (x * Math.sqrt(Math.PI)) / 2;
  for (let step = 0; step < 100; step += 1) {
    const middle = (low + high) / 2;
    const isBelow = a < 0.5 ? erf(middle) < a : erfc(middle) > 1 - a;
    if (isBelow) low = middle;
    else high = middle;
  }
  return (Math.sign(x) * (low + high)) / 2;
}

/** sin(pi x), 0 at whole numbers. */
const sinPi = (x: number): number => (Number.isInteger(x) ? 0 : Math.sin(Math.PI * (x % 2)));

/** log |gamma(x)|: Stirling's series from 20 upwards, steps of 1 below, reflection for x < 0. To about 1e-14 absolute. */
export function lgamma(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x === 0 || Math.abs(x) === Infinity || (x < 0 && Number.isInteger(x))) return Infinity;
  if (x < 0) return Math.log(Math.PI) - Math.log(Math.abs(sinPi(x))) - Math.log(-x) - lgamma(-x);
  if (x === 1 || x === 2) return 0;
  let product = 0;
  let at = x;
  for (; at < 20; at += 1) product += Math.log(at);
  const z = 1 / (at * at);
  const series = (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z / 1680))) / at;
  return (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series - product;
}

/** Derivative of lgamma. */
export function digamma(x: number): number {
  if (x === 0) return Object.is(x, -0) ? Infinity : -Infinity;
  if (x === Infinity || Number.isNaN(x)) return x;
  if (x < 0) return Number.isInteger(x) || x === -Infinity ? Number.NaN : digamma(1 - x) - (Math.PI * sinPi(x + 0.5)) / sinPi(x);
  let sum = 0;
  let at = x;
  for (; at < 20; at += 1) sum += 1 / at;
  const z = 1 / (at * at);
  return Math.log(at) - 0.5 / at - z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z / 240))) - sum;
}

/** sin(pi x) / (pi x). */
export function sinc(x: number): number {
  if (x === 0) return 1;
  return Number.isFinite(x) ? sinPi(x) / (Math.PI * x) : Number.NaN;
}
