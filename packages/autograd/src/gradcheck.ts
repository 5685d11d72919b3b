/** Checks gradients against central differences. */
import { type Tensor, tensor } from '@mudpt/tensor';
import { Tape } from './tape.ts';

/** Values in row-major order. */
export type Values = { readonly shape: readonly number[]; readonly data: Float64Array };

export type GradcheckOptions = {
  /**
   * The same function in f64: then every element of every gradient is compared. Without it, the derivative along random directions is
   * compared with differences of the GPU's own f32 results, which tell only the first two or three digits.
   */
  readonly reference?: (...inputs: Values[]) => Values;
  /** Largest |difference| / |expected| of a gradient (norms). Default 1e-4 with a reference, 2e-2 without. */
  readonly tolerance?: number;
  readonly seed?: number;
};

/**
 * Compares the gradients of `fn` with central differences; inputs are f32.
 * @throws Error naming the input, the error and the tolerance
 */
export async function gradcheck(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): Promise<void> {
  const random = generator(options.seed ?? 1);
  const values = await Promise.all(
    inputs.map(async (input): Promise<Values> => ({ shape: input.shape, data: Float64Array.from(await input.data()) })),
  );
  using tape = new Tape();
  for (const input of inputs) tape.watch(input);
  using output = fn(...inputs);
  const cotangent: Values = { shape: output.shape, data: Float64Array.from({ length: output.size }, random) };
  using seed = upload(cotangent, output);
  using gradients = tape.backward(output, seed);
  tape.dispose();
  const actual = await Promise.all(
    inputs.map(async (input) => {
      const gradient = gradients.get(input);
      if (gradient && gradient.shape.join() !== input.shape.join())
        throw new Error(`gradcheck: the gradient of an input [${input.shape.join()}] has shape [${gradient.shape.join()}]`);
      return gradient ? Float64Array.from(await gradient.data()) : new Float64Array(input.size);
    }),
  );
  const { reference } = options;
  if (reference) compareAll(reference, values, actual, cotangent, options.tolerance ?? 1e-4);
  else await compareDirections(fn, inputs, values, actual, cotangent, options.tolerance ?? 2e-2, random);
}

function compareAll(
  reference: (...inputs: Values[]) => Values,
  values: readonly Values[],
  actual: readonly Float64Array[],
  cotangent: Values,
  tolerance: number,
): void {
  values.forEach((value, which) => {
    const expected = value.data.map((at, index) => {
      const step = 1e-5 * Math.max(1, Math.abs(at));
      const moved = (by: number): number => {
        const data = value.data.slice();
        data[index] = at + by;
        return inner(reference(...values.map((own, i) => (i === which ? { shape: own.shape, data } : own))).data, cotangent.data);
      };
      return (moved(step) - moved(-step)) / (2 * step);
    });
    const gap = norm(expected.map((want, index) => want - (actual[which]?.[index] ?? 0)));
    // A gradient that is zero up to rounding has no relative error.
    const error = gap / Math.max(norm(expected), 1e-4 * norm(cotangent.data));
    if (expected.length > 0 && !(error <= tolerance))
      throw new Error(`gradcheck: gradient of input ${which} differs by ${error.toExponential(2)}, more than ${tolerance}`);
  });
}

async function compareDirections(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  values: readonly Values[],
  actual: readonly Float64Array[],
  cotangent: Values,
  tolerance: number,
  random: () => number,
): Promise<void> {
  for (const [which, value] of values.entries()) {
    const direction = value.data.map(random);
    const step = 1e-2;
    const at = async (by: number): Promise<Float64Array> => {
      using moved = upload(
        { shape: value.shape, data: value.data.map((x, i) => x + by * (direction[i] ?? 0)) },
        inputs[which] as Tensor,
      );
      using result = fn(...inputs.map((input, i) => (i === which ? moved : input)));
      return Float64Array.from(await result.data());
    };
    const [plus, minus] = [await at(step), await at(-step)];
    const expected =
      inner(
        plus.map((x, i) => x - (minus[i] ?? 0)),
        cotangent.data,
      ) /
      (2 * step);
    const got = inner(actual[which] ?? new Float64Array(), direction);
    const scale = Math.max(Math.abs(expected), 1e-2 * norm(actual[which] ?? new Float64Array()) * norm(direction), 1e-3);
    if (!(Math.abs(expected - got) / scale <= tolerance))
      throw new Error(`gradcheck: derivative of input ${which} along a direction is ${got}, differences say ${expected}`);
  }
}

function upload(values: Values, like: Tensor): Tensor {
  return tensor(values.data, { shape: values.shape, dtype: like.dtype, device: like.device });
}

function inner(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
}

function norm(a: Float64Array): number {
  return Math.sqrt(inner(a, a));
}

/** Numbers in -1..1 (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}
