/** Comparison of the engine's results with the oracle's, including NaN and infinities. */

/** Values with a shape: an oracle's array, or `{ shape: t.shape, data: await t.data() }`. */
export type Values = { readonly shape: readonly number[]; readonly data: ArrayLike<number> };

/** An element passes when |actual - expected| <= abs + rel * |expected|. */
export type Tolerance = { rel: number; abs: number };

/**
 * Usual tolerances by the type the engine stores, for values of order 1: a few rounding steps for f32 (a GPU's exp, log and division
 * are allowed some units in the last place), one or two for f16. Long sums need more: say so in the test, with the reason.
 */
export const tolerances = {
  f32: { rel: 1e-5, abs: 1e-6 },
  f16: { rel: 2e-3, abs: 1e-3 },
  i32: { rel: 0, abs: 0 },
  u32: { rel: 0, abs: 0 },
  bool: { rel: 0, abs: 0 },
} satisfies Record<string, Tolerance>;

/** |a - b|, 0 when both are NaN or the same infinity, infinite when only one is not finite or the infinities differ. */
function difference(a: number, b: number): number {
  if (Object.is(a, b) || a === b) return 0;
  const gap = Math.abs(a - b);
  return Number.isNaN(gap) ? Infinity : gap;
}

/**
 * Norm of the difference over the norm of the expected values, ‖a-b‖/‖b‖. Places where both are the same infinity or NaN count as
 * equal and leave the norms alone. When the expected norm is 0, the norm of the difference itself.
 */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} values against ${expected.length} expected`);
  let gap = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    gap += difference(actual[i]!, expected[i]!) ** 2;
    if (Number.isFinite(expected[i]!)) size += expected[i]! ** 2;
  }
  return size === 0 ? Math.sqrt(gap) : Math.sqrt(gap / size);
}

/** Index of the element at a flat position. */
function indexAt(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]!);
    rest = Math.floor(rest / shape[axis]!);
  }
  return index;
}

function requireShape(actual: ArrayLike<number> | Values, expected: Values, label: string): ArrayLike<number> {
  if ('data' in actual) {
    if (String(actual.shape) !== String(expected.shape) || actual.shape.length !== expected.shape.length)
      throw new Error(`${label}: shape [${actual.shape}], expected [${expected.shape}]`);
    return requireShape(actual.data, expected, label);
  }
  if (actual.length !== expected.data.length)
    throw new Error(`${label}: ${actual.length} values, expected ${expected.data.length}`);
  return actual;
}

/** Throws, naming the worst element and its index, unless every element is within the tolerance and the shapes agree. */
export function expectClose(
  actual: ArrayLike<number> | Values,
  expected: Values,
  tolerance: Tolerance = tolerances.f32,
  label = 'result',
): void {
  const values = requireShape(actual, expected, label);
  let worst = -1;
  let worstExcess = 1;
  let failures = 0;
  for (let i = 0; i < values.length; i++) {
    const wanted = expected.data[i]!;
    const gap = difference(values[i]!, wanted);
    if (gap === 0) continue;
    const allowed = tolerance.abs + tolerance.rel * Math.abs(wanted);
    // An infinite expected value allows an infinite gap, so a gap that is not finite never passes.
    if (gap <= allowed && Number.isFinite(gap)) continue;
    failures++;
    const excess = Number.isFinite(gap) ? gap / allowed : Infinity;
    if (worst < 0 || excess > worstExcess) {
      worst = i;
      worstExcess = excess;
    }
  }
  if (failures === 0) return;
  throw new Error(
    `${label}: ${failures} of ${values.length} elements differ (shape [${expected.shape}], tolerance ${tolerance.rel} relative + ` +
      `${tolerance.abs} absolute); worst at [${indexAt(worst, expected.shape)}]: ${values[worst]}, expected ${expected.data[worst]}, ` +
      `${worstExcess.toPrecision(3)} times the tolerance; relative norm ${relativeError(values, expected.data).toExponential(2)}`,
  );
}

/** Throws unless ‖actual - expected‖ / ‖expected‖ <= limit: the measure for gradients, where single elements may cancel to nothing. */
export function expectNormClose(actual: ArrayLike<number> | Values, expected: Values, limit: number, label = 'result'): void {
  const error = relativeError(requireShape(actual, expected, label), expected.data);
  if (!(error <= limit))
    throw new Error(`${label}: relative norm ${error.toExponential(3)} exceeds ${limit} (shape [${expected.shape}])`);
}
