/** Arguments of a transformed function, as handles that a tape watches. */
import { alias, ShapeError, Tensor, TensorError } from '@mudpt/tensor/functions';
import { expectThisCopy } from '@mudpt/tensor/internal';
import type { Tape } from '../tape/tape.ts';
import { mapTree } from './tree.ts';

/** Second handles of the tensors to differentiate, so that a tensor that is also passed elsewhere counts as a constant there. */
export type Watched = {
  /** All arguments, with handles in place of the tensors to differentiate. */
  readonly given: readonly unknown[];
  /** The arguments at the requested positions, as handles. */
  readonly trees: readonly unknown[];
  /** The handles in those arguments, in order. */
  readonly handles: readonly Tensor[];
};

/** @throws TensorError for a position without argument, or an argument without tensors; DTypeError for integers */
export function watchArguments(op: string, tape: Tape, args: readonly unknown[], positions: readonly number[]): Watched {
  const given: unknown[] = [...args];
  const handles: Tensor[] = [];
  const trees = positions.map((position) => {
    if (position >= args.length)
      throw new TensorError(op, `there is no argument ${position}`, `the function was called with ${args.length} arguments`);
    const tree = mapTree(op, `argument ${position}`, args[position], (tensor) => {
      const handle = tape.watch(alias(tensor));
      handles.push(handle);
      return handle;
    });
    given[position] = tree;
    return tree;
  });
  return { given, trees, handles };
}

/** The value of a transformed function, a tensor. @throws TensorError for any other value */
export function expectTensor(op: string, value: unknown): Tensor {
  if (value instanceof Tensor) return value;
  expectThisCopy(op, 'what the function returned', value);
  throw new TensorError(op, 'the function returned no tensor', 'return a tensor of f32 or f16');
}

/**
 * The tensors in `vectors`, one for every handle. Positions without a vector are not differentiated.
 * @throws ShapeError or TensorError where they do not fit the arguments
 */
export function vectorsFor(op: string, args: readonly unknown[], vectors: readonly unknown[]) {
  if (vectors.length > args.length)
    throw new TensorError(
      op,
      `${vectors.length} vectors are given for ${args.length} arguments`,
      'give at most one for each argument',
    );
  const positions = vectors.flatMap((vector, position) => (vector === undefined ? [] : [position]));
  if (positions.length === 0) throw new TensorError(op, 'no vector is given', 'give one of the shape of the first argument');
  const leaves = (path: string, tree: unknown): Tensor[] => {
    const found: Tensor[] = [];
    mapTree(op, path, tree, (tensor) => {
      found.push(tensor);
      return tensor;
    });
    return found;
  };
  const flat = positions.flatMap((position) => {
    const primal = leaves(`argument ${position}`, args[position]);
    const vector = leaves(`vector ${position}`, vectors[position]);
    const odd = primal.findIndex(({ shape }, index) => shape.join() !== vector[index]?.shape.join());
    if (odd >= 0 || primal.length !== vector.length)
      throw new ShapeError(
        op,
        `vector ${position} does not have the structure and shapes of argument ${position}`,
        'give it a tensor of the same shape in every place',
      );
    return vector;
  });
  return { positions, vectors: flat };
}
