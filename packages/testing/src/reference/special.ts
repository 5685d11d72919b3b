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
