/** JAX's transforms of a function: its value and its gradient with respect to its arguments. */
import { scope, ShapeError, type Tensor, TensorError, zeros } from '@mudpt/tensor/functions';
import { Tape } from '../tape/tape.ts';
import { watchArguments } from './arguments.ts';
import { type Loss, lossOf } from './loss.ts';
import { runScoped } from './run-scoped.ts';
import { mapTree, type TreeOfGradients } from './tree.ts';

/** Which arguments to differentiate with respect to, counted from 0. */
export type GradOptions<N extends Argnums> = { readonly argnums?: N };

/** One position, or several. */
export type Argnums = number | readonly number[];

/** Gradients in the structure of the argument; of several arguments, an array of them. */
export type GradientsOf<A extends readonly unknown[], N extends Argnums> = N extends number
  ? TreeOfGradients<A[N]>
  : { readonly [I in keyof N]: N[I] extends number ? TreeOfGradients<A[N[I]]> : never };

/**
 * A function of the same arguments as `f` that gives the value of `f` and its gradients. As in JAX, only what the arguments at `argnums` hold is
 * differentiated: other tensors count as constants, parameters too, and a tensor that the loss does not depend on has a gradient of zeros.
 *
 * ```ts
 * const step = valueAndGrad((weights: { w: Tensor; b: Tensor }, x: Tensor, y: Tensor) => mse(linear(x, weights.w, weights.b), y));
 * const { value, gradients } = step({ w, b }, x, y); // gradients.w, gradients.b
 * ```
 * @param f gives a loss of one element, or an object that has it under `loss`; what it creates besides is released
 * @param options.argnums default 0, the first argument; each is a tensor, or arrays and plain objects of tensors (f32 or f16)
 * @throws when called: TensorError for an argument without tensors, an asynchronous function or one without a loss, DTypeError for an argument of
 * integers, ShapeError for a loss of several elements
 * @example
 * const { value, gradients } = valueAndGrad((x: Tensor) => x.square().sum())(tensor([1, 2]));
 * console.log(await value.item(), await gradients.data()); // 5 [2,4]
 */
export function valueAndGrad<A extends readonly unknown[], T extends Loss, const N extends Argnums = 0>(
  f: (...args: A) => T,
  options: GradOptions<N> = {},
): (...args: A) => { readonly value: T; readonly gradients: GradientsOf<A, N> } {
  return transform('valueAndGrad', f, options);
}

/**
 * The gradients that {@link valueAndGrad} gives, without the value.
 * @example
 * const slope = grad((x: Tensor) => x.mul(x).mul(x).sum());
 * console.log(await slope(tensor([1, 2])).data()); // [3,12]
 */
export function grad<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  options: GradOptions<N> = {},
): (...args: A) => GradientsOf<A, N> {
  const run = transform('grad', f, options);
  return (...args) => scope(() => run(...args).gradients);
}

function transform<A extends readonly unknown[], T extends Loss, N extends Argnums>(
  op: string,
  f: (...args: A) => T,
  { argnums }: GradOptions<N>,
): (...args: A) => { readonly value: T; readonly gradients: GradientsOf<A, N> } {
  const wanted: Argnums = argnums ?? 0;
  const positions = positionsOf(op, wanted);
  return (...args) =>
    scope(() => {
      using tape = new Tape({ listen: false, parameters: false });
      const { given, trees } = watchArguments(op, tape, args, positions);
      const run = (): T => f(...(given as unknown as A));
      const value = tape.record(() => runScoped(op, run, 'await before it: the function computes a loss and returns it'));
      const gradientOf = gradientsOf(op, tape, lossOf(op, value));
      const gradients = trees.map((tree, at) => mapTree(op, `argument ${positions[at]}`, tree, gradientOf));
      return { value, gradients: (typeof wanted === 'number' ? gradients[0] : gradients) as GradientsOf<A, N> };
    });
}

/** @throws TensorError for positions that are none */
export function positionsOf(op: string, argnums: Argnums): readonly number[] {
  const positions = typeof argnums === 'number' ? [argnums] : argnums;
  for (const position of positions) {
    if (Number.isInteger(position) && position >= 0) continue;
    throw new TensorError(op, `argnums has ${position}`, 'count the arguments from 0');
  }
  return positions;
}

/** The gradient of `loss` by handle. */
function gradientsOf(op: string, tape: Tape, loss: Tensor): (handle: Tensor) => Tensor {
  if (loss.size !== 1)
    throw new ShapeError(
      op,
      `the function returned a loss of shape [${loss.shape.join(', ')}]`,
      'reduce it to one element, for instance by mean()',
      { shapes: { loss: loss.shape } },
    );
  tape.parts.unrecorded.expectRecorded(loss);
  const gradients = tape.needs(loss) ? tape.backward(loss) : undefined;
  return (handle) => gradients?.get(handle) ?? zeros(handle.shape, { device: handle.device, dtype: handle.dtype });
}
