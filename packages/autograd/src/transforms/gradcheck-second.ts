/** Checks of second derivatives: of the gradient's own derivative by the inputs and by the cotangent. */
import { add, mul, sum, type Tensor, zeros } from '@mudpt/tensor/functions';
import { nth } from '@mudpt/tensor/internal';
import { Tape } from '../tape/tape.ts';
import type { Gradients } from '../tape/gradients.ts';
import { differs, inner, type Reference, upload, type Values, valuesOf } from './values.ts';

/** Gradients of s(x, u) = <gradient of <f(x), u>, v>: by x a Hessian-vector product, by u a Jacobian-vector product. */
type Second = {
  /** Gradients by each input. */
  readonly products: readonly Float64Array[];
  /** Gradient by the cotangent. */
  readonly tangent: Float64Array;
};

type Problem = {
  readonly fn: (...inputs: Tensor[]) => Tensor;
  readonly inputs: readonly Tensor[];
  readonly values: readonly Values[];
  readonly cotangent: Values;
  readonly directions: readonly Float64Array[];
};

/** The gradient of f along the directions, by all inputs and the cotangent. */
async function secondOf({ fn, inputs, cotangent, directions }: Problem, output: Tensor): Promise<Second> {
  using outer = new Tape({ listen: false });
  for (const input of inputs) outer.watch(input);
  using seed = outer.watch(upload(cotangent, output));
  const made: Disposable[] = [];
  const along = outer.record(() => {
    using tape = new Tape({ listen: false });
    for (const input of inputs) tape.watch(input);
    const value = tape.record(() => fn(...inputs));
    made.push(value);
    if (!tape.needs(value)) return undefined;
    const gradients = tape.backward(value, seed);
    made.push(gradients);
    const products = inputs.flatMap((input, which) => {
      const gradient = gradients.get(input);
      if (!gradient) return [];
      using direction = upload({ shape: input.shape, data: nth(directions, which) }, input);
      using product = mul(gradient, direction);
      return [sum(product)];
    });
    made.push(...products);
    return products.reduce<Tensor | undefined>((total, product) => {
      if (!total) return product;
      const next = add(total, product);
      made.push(next);
      return next;
    }, undefined);
  });
  const gradients = along && outer.needs(along) ? outer.backward(along) : undefined;
  const read = async (x: Tensor): Promise<Float64Array> => {
    using found = gradients?.get(x) ?? zeros(x.shape, { device: x.device });
    return (await valuesOf(found)).data;
  };
  const products: Float64Array[] = [];
  for (const input of inputs) products.push(await read(input));
  const tangent = await read(seed);
  for (const one of made) one[Symbol.dispose]();
  (gradients as Gradients | undefined)?.dispose();
  return { products, tangent };
}

/** Compares with differences of `reference`, an f64 function. @throws Error naming the input, the error and the tolerance */
export async function compareSecond(problem: Problem, output: Tensor, reference: Reference, tolerance: number): Promise<void> {
  const found = await secondOf(problem, output);
  const { values, cotangent, directions } = problem;
  const size = Math.sqrt(inner(cotangent.data, cotangent.data));
  const step = 1e-4;
  /** f at the inputs moved along the directions, and one element of one input moved besides. */
  const at = (along: number, which = -1, index = 0, by = 0): Float64Array =>
    reference(
      ...values.map(({ shape, data }, input) => {
        const moved = data.map((x, i) => x + along * nth(nth(directions, input), i));
        if (input === which) moved[index] = nth(moved, index) + by;
        return { shape, data: moved };
      }),
    ).data;
  const [plus, minus] = [at(step), at(-step)];
  const tangent = plus.map((y, i) => (y - nth(minus, i)) / (2 * step));
  if (differs(tangent, found.tangent, tolerance, 1e-4))
    throw mismatch('the derivative along a direction', tangent, found.tangent, tolerance);
  values.forEach(({ data }, which) => {
    const wanted = data.map((_, index) => {
      const mixed = (along: number, by: number): number => inner(at(along, which, index, by), cotangent.data);
      return (mixed(step, step) - mixed(step, -step) - mixed(-step, step) + mixed(-step, -step)) / (4 * step * step);
    });
    const products = nth(found.products, which);
    if (differs(wanted, products, tolerance, 1e-3 * size))
      throw mismatch(`the second derivative of input ${which}`, wanted, products, tolerance);
  });
}

function mismatch(what: string, wanted: Float64Array, found: Float64Array, tolerance: number): Error {
  const list = (values: Float64Array): string => Array.from(values.subarray(0, 12), (x) => Number(x.toPrecision(6))).join(', ');
  return new Error(`gradcheck: ${what} differs by more than ${tolerance}: [${list(found)}] instead of [${list(wanted)}]`);
}

/** Compares with differences of the first gradient along a random direction. @throws Error naming both */
export async function compareSecondDirections(problem: Problem, output: Tensor, tolerance: number): Promise<void> {
  const { inputs, values, directions } = problem;
  const { products } = await secondOf(problem, output);
  const got = products.reduce((total, product, which) => total + inner(product, nth(directions, which)), 0);
  const step = 1e-2;
  const slope = async (by: number): Promise<number> => {
    const moved = values.map(({ shape, data }, which) =>
      upload({ shape, data: data.map((x, i) => x + by * nth(nth(directions, which), i)) }, nth(inputs, which)),
    );
    const { tangent } = await secondOf({ ...problem, inputs: moved }, output);
    for (const one of moved) one.dispose();
    return inner(tangent, problem.cotangent.data);
  };
  const expected = ((await slope(step)) - (await slope(-step))) / (2 * step);
  if (Math.abs(expected - got) > tolerance * Math.max(Math.abs(expected), 0.1))
    throw new Error(`gradcheck: the second derivative along a direction is ${got}, differences of the first say ${expected}`);
}
