/** Gradient checks against central differences. */
import type { Tensor } from '@mudpt/tensor/functions';
import { nth } from '@mudpt/tensor/internal';
import { randomFrom } from '../random.ts';
import { Tape } from '../tape/tape.ts';
import { compareSecond, compareSecondDirections } from './gradcheck-second.ts';
import { inner, norm, type Reference, upload, type Values, valuesOf } from './values.ts';

/** Options of {@link gradcheck}. */
export type GradcheckOptions = {
  /** The same function in f64: then its result and every element of every gradient are compared, too. */
  readonly reference?: Reference;
  /**
   * Largest |difference| / |expected| of a result or gradient (norms). Default 1e-4 with a reference (5e-3 when a result or an input is f16),
   * 2e-2 without.
   */
  readonly tolerance?: number;
  readonly seed?: number;
  /** 2: second derivatives are compared too, each with ten times the tolerance. f32 only. Default 1. */
  readonly order?: 1 | 2;
};

/** Differences of f32 results are accurate to two or three digits. */
const DIRECTION_TOLERANCE = 2e-2;

/**
 * Compares the gradients of `fn` with central differences: those of the GPU's own results along random directions (f32 only: f16 has too
 * few digits for differences), and those of an f64 reference element by element where there is one.
 * @throws Error naming the input, the error and the tolerance
 * @example
 * await gradcheck((x: Tensor) => x.sin(), [tensor([1, 2])]); // throws where gradient and differences differ
 */
export async function gradcheck(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): Promise<void> {
  const random = generator(options.seed ?? 1);
  const values = await Promise.all(inputs.map(valuesOf));
  using tape = new Tape();
  for (const input of inputs) tape.watch(input);
  using output = fn(...inputs);
  using seed = upload({ shape: output.shape, data: Float64Array.from({ length: output.size }, random) }, output);
  using gradients = tape.backward(output, seed);
  tape.dispose();
  const cotangent = await valuesOf(seed);
  const actual = await Promise.all(
    inputs.map(async (input) => {
      const gradient = gradients.get(input);
      if (gradient && (gradient.shape.join() !== input.shape.join() || gradient.dtype !== input.dtype))
        throw new Error(`gradcheck: the gradient of ${input.toString()} is ${gradient.toString()}`);
      return gradient ? (await valuesOf(gradient)).data : new Float64Array(input.size);
    }),
  );
  const { reference } = options;
  const isHalf = [...inputs, output].some(({ dtype }) => dtype === 'f16');
  if (reference) {
    const tolerance = options.tolerance ?? (isHalf ? 5e-3 : 1e-4);
    compareResult(reference(...values), await valuesOf(output), tolerance);
    compareAll(reference, values, actual, cotangent, tolerance);
  }
  const tolerance = reference ? DIRECTION_TOLERANCE : (options.tolerance ?? DIRECTION_TOLERANCE);
  if (!isHalf) await compareDirections({ fn, inputs, values, actual, cotangent, tolerance, random });
  else if (!reference) throw new Error('gradcheck: f16 has too few digits for differences: give a reference, or f32 inputs');
  if (options.order !== 2 || isHalf) return;
  const directions = values.map(({ data }) => data.map(random));
  const problem = { fn, inputs, values, cotangent, directions };
  if (reference) await compareSecond(problem, output, reference, 10 * (options.tolerance ?? 1e-4));
  else await compareSecondDirections(problem, output, 2 * tolerance);
}

function compareResult(expected: Values, actual: Values, tolerance: number): void {
  if (expected.shape.join() !== actual.shape.join())
    throw new Error(`gradcheck: the result has shape [${actual.shape.join()}], that of the reference [${expected.shape.join()}]`);
  const gap = norm(expected.data.map((want, index) => want - actual.data[index]!));
  const error = gap / Math.max(norm(expected.data), 1e-6);
  if (actual.data.length > 0 && !(error <= tolerance))
    throw new Error(`gradcheck: the result differs by ${error.toExponential(2)} from the reference, more than ${tolerance}`);
}

function compareAll(
  reference: Reference,
  values: readonly Values[],
  actual: readonly Float64Array[],
  cotangent: Values,
  tolerance: number,
): void {
  values.forEach((value, which) => {
    const expected = value.data.map((x, index) => {
      const step = 1e-5 * Math.max(1, Math.abs(x));
      const moved = (by: number): number => {
        const data = value.data.slice();
        data[index] = x + by;
        return inner(
          reference(...values.map((input, i) => (i === which ? { shape: value.shape, data } : input))).data,
          cotangent.data,
        );
      };
      return (moved(step) - moved(-step)) / (2 * step);
    });
    const found = nth(actual, which);
    const gap = norm(expected.map((want, index) => want - found[index]!));
    // A gradient that is zero up to rounding has no relative error.
    const error = gap / Math.max(norm(expected), 1e-4 * norm(cotangent.data));
    if (expected.length > 0 && !(error <= tolerance))
      throw new Error(`gradcheck: gradient of input ${which} differs by ${error.toExponential(2)}, more than ${tolerance}`);
  });
}

type DirectionCheck = {
  readonly fn: (...inputs: Tensor[]) => Tensor;
  readonly inputs: readonly Tensor[];
  /** The inputs on the host. */
  readonly values: readonly Values[];
  /** Gradients of the inputs, from the tape. */
  readonly actual: readonly Float64Array[];
  readonly cotangent: Values;
  readonly tolerance: number;
  readonly random: () => number;
};

/** Compares each gradient with central differences of the result along a random direction. @throws Error naming both */
async function compareDirections({ fn, inputs, values, actual, cotangent, tolerance, random }: DirectionCheck): Promise<void> {
  for (const [which, value] of values.entries()) {
    const direction = value.data.map(random);
    const step = 1e-2;
    const resultAt = async (by: number): Promise<Float64Array> => {
      using moved = upload({ shape: value.shape, data: value.data.map((x, i) => x + by * direction[i]!) }, nth(inputs, which));
      using result = fn(...inputs.map((input, i) => (i === which ? moved : input)));
      return Float64Array.from(await result.data());
    };
    const [plus, minus] = [await resultAt(step), await resultAt(-step)];
    const expected =
      inner(
        plus.map((x, i) => x - minus[i]!),
        cotangent.data,
      ) /
      (2 * step);
    const gradient = nth(actual, which);
    const got = inner(gradient, direction);
    const scale = Math.max(Math.abs(expected), 1e-2 * norm(gradient) * norm(direction), 1e-3);
    if (!(Math.abs(expected - got) / scale <= tolerance))
      throw new Error(`gradcheck: derivative of input ${which} along a direction is ${got}, differences say ${expected}`);
  }
}

/** Numbers in -1..1. */
function generator(seed: number): () => number {
  const draw = randomFrom(seed);
  return () => 2 * draw() - 1;
}
