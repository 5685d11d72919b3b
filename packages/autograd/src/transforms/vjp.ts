/** Vector-Jacobian products (reverse mode) of a function of tensors, and its whole Jacobian row by row. */
import { alias, eachTensor, eye, keep, reshape, scope, type Tensor, zeros } from '@mudpt/tensor/functions';
import { select, stack } from '../ops.ts';
import { nth } from '@mudpt/tensor/internal';
import { Tape } from '../tape/tape.ts';
import { expectTensor, watchArguments } from './arguments.ts';
import { runScoped } from './run-scoped.ts';
import { mapLeaves } from './tree.ts';
import { type Argnums, grad, type GradientsOf, type GradOptions, positionsOf } from './value-and-grad.ts';

/** The value of a function, and its pullback from cotangents to gradients of the arguments. Holds memory until disposed. */
export type Pullback<G> = Disposable & {
  readonly value: Tensor;
  /** The gradients of sum(cotangent * value); as often as one likes. @throws ShapeError for a cotangent of another shape than the value */
  pullback(cotangent: Tensor): G;
  dispose(): void;
};

/**
 * A function of the same arguments as `f` that gives its value, a tensor of any shape, and a function from a cotangent of that shape to the gradients
 * of the arguments at `argnums`, in their structure. As in {@link valueAndGrad} everything else counts as a constant.
 *
 * ```ts
 * using at = vjp((x: Tensor) => sin(x))(x);
 * const gradient = at.pullback(cotangent);
 * ```
 * @throws when called: TensorError for an argument without tensors, an asynchronous function or one that returns no tensor; DTypeError for integers
 * @example
 * const at = vjp((x: Tensor) => x.mul(3))(tensor([1, 2]));
 * console.log(await at.pullback(tensor([1, 10])).data()); // [3,30]
 * at.dispose();
 */
export function vjp<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  { argnums }: GradOptions<N> = {},
): (...args: A) => Pullback<GradientsOf<A, N>> {
  return (...args) => pullbackOf('vjp', f, args, argnums ?? 0) as Pullback<GradientsOf<A, N>>;
}

function pullbackOf<A extends readonly unknown[]>(
  op: string,
  f: (...args: A) => Tensor,
  args: A,
  argnums: Argnums,
): Pullback<unknown> {
  const positions = positionsOf(op, argnums);
  const tape = new Tape({ listen: false, parameters: false });
  try {
    let trees: readonly unknown[] = [];
    const inner = keep(
      scope(() => {
        const watched = watchArguments(op, tape, args, positions);
        trees = watched.trees;
        const run = (): Tensor => f(...(watched.given as unknown as A));
        const made = tape.record(() => runScoped(op, run, 'await before it: the function computes a tensor and returns it'));
        return expectTensor(op, made);
      }),
    );
    const pullback = (cotangent: Tensor): unknown =>
      scope(() => {
        const gradients = tape.needs(inner) ? tape.backwardAndKeep(inner, cotangent) : undefined;
        const of = (handle: Tensor): Tensor =>
          gradients?.get(handle) ?? zeros(handle.shape, { device: handle.device, dtype: handle.dtype });
        const results = trees.map((tree) => mapLeaves(tree, of));
        return typeof argnums === 'number' ? results[0] : results;
      });
    const dispose = (): void => {
      tape.dispose();
      inner.dispose();
    };
    return { value: alias(inner), pullback, dispose, [Symbol.dispose]: dispose };
  } catch (error) {
    tape.dispose();
    throw error;
  }
}

/**
 * The Jacobian of `f`, a tensor of any shape, by the arguments at `argnums`: for each tensor in them one of shape [...value, ...tensor]. A forward
 * pass and one backward pass for every element of the value; a value with more elements than the argument is cheaper column by column, with {@link jvp}.
 * @throws when called: as {@link vjp}
 * @example
 * console.log(await jacobian((x: Tensor) => x.square())(tensor([1, 2])).array()); // [[2,0],[0,4]]
 */
export function jacobian<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  { argnums }: GradOptions<N> = {},
): (...args: A) => GradientsOf<A, N> {
  return (...args) => scope(() => rowsOf('jacobian', f, args, argnums ?? 0) as GradientsOf<A, N>);
}

function rowsOf<A extends readonly unknown[]>(op: string, f: (...args: A) => Tensor, args: A, argnums: Argnums): unknown {
  using at = pullbackOf(op, f, args, argnums);
  const { size, shape, device, dtype } = at.value;
  if (size === 0) {
    const none = at.pullback(zeros(shape, { device, dtype }));
    return mapLeaves(none, (like) => zeros([...shape, ...like.shape], { device, dtype: like.dtype }));
  }
  const units = eye(size, size, { device, dtype });
  const rows = Array.from({ length: size }, (_, row) => at.pullback(reshape(select(units, 0, row), shape)));
  const leaves = rows.map((row) => {
    const found: Tensor[] = [];
    eachTensor(row, (tensor) => found.push(tensor));
    return found;
  });
  let place = 0;
  return mapLeaves(rows[0], (like) => {
    const column = leaves.map((row) => nth(row, place));
    place += 1;
    return reshape(stack(column), [...shape, ...like.shape]);
  });
}

/**
 * The Hessian of `f`, a loss of one element, by the argument at `argnums`, a tensor: [...tensor, ...tensor]. The Jacobian of the gradient: one
 * backward pass through forward and backward for every element; {@link hessianVector} gives a product with it for the cost of one.
 * @example
 * console.log(await hessian((x: Tensor) => x.square().sum())(tensor([1, 2])).array()); // [[2,0],[0,2]]
 */
export function hessian<A extends readonly unknown[], const N extends number = 0>(
  f: (...args: A) => Tensor,
  { argnums }: GradOptions<N> = {},
): (...args: A) => Tensor {
  const at: number = argnums ?? 0;
  const slope = grad(f, { argnums: at }) as (...args: A) => unknown;
  return (...args) =>
    scope(() => rowsOf('hessian', (...given: A) => expectTensor('hessian', slope(...given)), args, at) as Tensor);
}
