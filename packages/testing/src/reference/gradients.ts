/** Gradients by central differences, the reference of every analytic gradient, and gradients of matrix products. */
import { type Ref, forEachIndex, map, sumTo, zeros } from './array.ts';
import { matmul, type MatmulOptions } from './matmul.ts';

/** A function of arrays, such as `(x, w) => layerNorm(x, { weight: w }).out`. */
export type ArrayFunction = (...inputs: Ref[]) => Ref;

/** Distance of the two evaluations around x: truncation and rounding both stay near 1e-10 of values of order 1. */
const stepAt = (x: number, step: number): number => step * Math.max(1, Math.abs(x));

/** Inner product of two arrays of one shape. */
export function inner(a: Ref, b: Ref): number {
  if (String(a.shape) !== String(b.shape)) throw new Error(`inner product of [${a.shape}] and [${b.shape}]`);
  return a.data.reduce((total, value, i) => total + value * b.data[i]!, 0);
}

/** <cotangent, plus - minus>, summed by element so that parts that did not move add no rounding error. */
const movement = (plus: Ref, minus: Ref, cotangent: Ref): number =>
  inner(
    map(plus, (value, i) => (value === minus.data[i] ? 0 : value - minus.data[i]!)),
    cotangent,
  );

const replaceAt = (inputs: readonly Ref[], which: number, input: Ref): Ref[] =>
  inputs.map((other, i) => (i === which ? input : other));

/** The gradient of <fn(inputs), cotangent> with respect to every element of every input, two evaluations per element. */
export function numericGradient(fn: ArrayFunction, inputs: readonly Ref[], cotangent: Ref, step = 1e-5): Ref[] {
  return inputs.map((input, which) => {
    const gradient = zeros(input.shape);
    forEachIndex(input.shape, (_, flat) => {
      const distance = stepAt(input.data[flat]!, step);
      const moved = (by: number): Ref =>
        fn(
          ...replaceAt(
            inputs,
            which,
            map(input, (value, i) => (i === flat ? value + by : value)),
          ),
        );
      gradient.data[flat] = movement(moved(distance), moved(-distance), cotangent) / (2 * distance);
    });
    return gradient;
  });
}

/**
 * The derivative of <fn(inputs), cotangent> when all inputs move along `directions`: equals the sum of <gradient, direction> over the
 * inputs. Two evaluations whatever the sizes, so it checks gradients of large arrays.
 */
export function directionalDerivative(
  fn: ArrayFunction,
  inputs: readonly Ref[],
  directions: readonly Ref[],
  cotangent: Ref,
  step = 1e-5,
): number {
  const moved = (by: number): Ref =>
    fn(...inputs.map((input, which) => map(input, (value, flat) => value + by * directions[which]!.data[flat]!)));
  return movement(moved(step), moved(-step), cotangent) / (2 * step);
}

/** Gradients of matmul, in the layout of its operands and summed over broadcast batch axes. */
export function matmulVjp(a: Ref, b: Ref, cotangent: Ref, options: MatmulOptions = {}): { a: Ref; b: Ref } {
  const { transposeA = false, transposeB = false } = options;
  const gradA = transposeA
    ? matmul(b, cotangent, { transposeA: transposeB, transposeB: true })
    : matmul(cotangent, b, { transposeB: !transposeB });
  const gradB = transposeB
    ? matmul(cotangent, a, { transposeA: true, transposeB: transposeA })
    : matmul(a, cotangent, { transposeA: !transposeA });
  return { a: sumTo(gradA, a.shape), b: sumTo(gradB, b.shape) };
}
