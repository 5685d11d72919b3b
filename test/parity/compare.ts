/**
 * The rule by which a tensor passes.
 *
 * The measure is ||actual - expected|| / ||expected||, over the whole tensor: outputs and optimizer states 1e-5, gradients 1e-4.
 * - Where `expected` is all zeros, ||actual|| itself stands for it.
 * - Where torch's own float32 was far from float64 (layer norm of width 1, of mean 1000), the expected values are no better than that
 *   measured error: a tensor passes as well when no element differs by more than 4 times it.
 * - Infinities and NaN must be equal, element by element.
 */
import type { HostTensor } from './golden.ts';

export const OUTPUT_TOLERANCE = 1e-5;
export const GRADIENT_TOLERANCE = 1e-4;
const MEASURED_FACTOR = 4;

/** One tensor's verdict. */
export interface Comparison {
  readonly tensor: string;
  /** Relative error; undefined when nothing was computed. */
  readonly error: number | undefined;
  /** Why it failed, or by which other rule it passed. */
  readonly note: string | undefined;
  readonly passed: boolean;
}

/** @param measured torch's largest float32 error for this tensor, 0 when unknown */
export function compare(tensor: string, actual: HostTensor, expected: HostTensor, tolerance: number, measured = 0): Comparison {
  if (actual.shape.join() !== expected.shape.join()) {
    return {
      tensor,
      error: undefined,
      passed: false,
      note: `has shape [${actual.shape.join(', ')}], [${expected.shape.join(', ')}] is expected`,
    };
  }
  const { error, largest, at } = difference(actual.values, expected.values);
  if (error <= tolerance) return { tensor, error, passed: true, note: undefined };
  if (largest <= MEASURED_FACTOR * measured) {
    return {
      tensor,
      error,
      passed: true,
      note: `largest difference ${scientific(largest)} is within ${MEASURED_FACTOR} x torch's own error ${scientific(measured)}`,
    };
  }
  return {
    tensor,
    error,
    passed: false,
    note: `above ${scientific(tolerance)}; element ${at} is ${actual.values[at]}, ${expected.values[at]} is expected`,
  };
}

/** A tensor that was not computed: failed, and named. */
export function missing(tensor: string, why: string): Comparison {
  return { tensor, error: undefined, passed: false, note: why };
}

export function scientific(value: number): string {
  return value === 0 ? '0' : value.toExponential(1);
}

type Values = HostTensor['values'];

/** Relative error, and the largest difference of one element with its index. All infinite when a non-finite element differs. */
function difference(actual: Values, expected: Values): { error: number; largest: number; at: number } {
  let squares = 0;
  let norm = 0;
  let largest = 0;
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    const want = expected[i]!;
    const got = actual[i]!;
    if (Object.is(want, got)) {
      if (Number.isFinite(want)) norm += want * want;
      continue;
    }
    const gap = Math.abs(got - want);
    if (!Number.isFinite(gap)) return { error: Infinity, largest: Infinity, at: i };
    squares += gap * gap;
    norm += want * want;
    if (gap > largest) {
      largest = gap;
      at = i;
    }
  }
  return { error: Math.sqrt(norm > 0 ? squares / norm : squares), largest, at };
}
