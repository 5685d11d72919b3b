/** Plain trees of tensors: a tensor, or arrays and plain objects of trees. Undefined leaves stay undefined. */
import { DTypeError, Tensor, TensorError } from '@mudpt/tensor/functions';
import { expectThisCopy } from '@mudpt/tensor/internal';
import { isFloat } from '@mudpt/tensor/kernels';
import { isPlain } from '../rule.ts';

/** A tree with gradients in the places of the tensors. */
export type TreeOfGradients<T> = T extends Tensor ? Tensor : { readonly [K in keyof T]: TreeOfGradients<T[K]> };

/** A copy of `tree` with `change` applied to every tensor. @throws TensorError naming the path of any other value; DTypeError for integers */
export function mapTree<T>(op: string, path: string, tree: T, change: (tensor: Tensor) => Tensor): TreeOfGradients<T> {
  let count = 0;
  const copy = (at: string, node: unknown): unknown => {
    if (node instanceof Tensor) {
      node.expectLive(op);
      if (!isFloat(node.dtype))
        throw new DTypeError(
          op,
          `${at} has dtype ${node.dtype}, which has no gradient`,
          "give it dtype 'f32', or leave it out of argnums",
        );
      count += 1;
      return change(node);
    }
    if (node === undefined && at !== path) return undefined;
    if (Array.isArray(node)) return node.map((item: unknown, index) => copy(`${at}[${index}]`, item));
    if (isPlain(node)) return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, copy(`${at}.${key}`, item)]));
    expectThisCopy(op, at, node);
    throw new TensorError(
      op,
      `${at} is ${describe(node)}`,
      'give a tensor, or arrays and plain objects of tensors; name the argument to differentiate with argnums',
    );
  };
  const copied = copy(path, tree) as TreeOfGradients<T>;
  if (count === 0) throw new TensorError(op, `${path} holds no tensor`, 'name the argument to differentiate with argnums');
  return copied;
}

/** A copy of a tree that {@link mapTree} made, with `change` applied to every tensor. */
export function mapLeaves(tree: unknown, change: (tensor: Tensor) => Tensor): unknown {
  if (tree instanceof Tensor) return change(tree);
  if (Array.isArray(tree)) return tree.map((item: unknown) => mapLeaves(item, change));
  if (!isPlain(tree)) return tree;
  return Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, mapLeaves(item, change)]));
}

function describe(node: unknown): string {
  if (typeof node === 'object' && node !== null) return `an instance of ${node.constructor.name}`;
  return typeof node === 'function' ? 'a function' : String(node);
}
