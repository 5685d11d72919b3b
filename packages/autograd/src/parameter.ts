/** Parameters: marks the tensors that are learnt. The mark is on the handle, so views and copies are not parameters. */
import { alias, DTypeError, keep, type Tensor } from '@mudpt/tensor/functions';
import { withHook } from '@mudpt/tensor/internal';
import { defineOp, isFloat } from '@mudpt/tensor/kernels';
import { constantOp } from './rule.ts';

const trainable = new WeakSet<Tensor>();
const names = new WeakMap<Tensor, string>();

/** Marks `tensor` as a parameter and takes it out of its scope: it lives until it is disposed. Returns it. */
export function parameter<T extends Tensor>(tensor: T, options: { readonly name?: string } = {}): T {
  if (options.name !== undefined) names.set(tensor, options.name);
  return requiresGrad(keep(tensor));
}

const buffers = new WeakSet<Tensor>();

/**
 * Marks `tensor` as a module's state that is saved with it and not learnt, such as running statistics: `freeze` and `unfreeze` leave it alone. Takes it out
 * of its scope: it lives until it is disposed. Returns it.
 */
export function buffer<T extends Tensor>(tensor: T): T {
  buffers.add(tensor);
  return keep(tensor);
}

/** Whether `tensor` was made by {@link buffer}. */
export function isBuffer(tensor: Tensor): boolean {
  return buffers.has(tensor);
}

/** Switches on (or off) that tapes compute a gradient for `tensor`. Returns it. @throws DTypeError for integers */
export function requiresGrad<T extends Tensor>(tensor: T, on = true): T {
  if (!on) trainable.delete(tensor);
  else if (isFloat(tensor.dtype)) trainable.add(tensor);
  else {
    throw new DTypeError(
      'requiresGrad',
      `a tensor of dtype ${tensor.dtype} has no gradient`,
      "use dtype 'f32', or leave it out of the parameters",
    );
  }
  return tensor;
}

/** Whether tapes compute a gradient for this handle: see {@link requiresGrad}. */
export function isTrainable(tensor: Tensor): boolean {
  return trainable.has(tensor);
}

/** The name given to {@link parameter}, for messages. */
export function nameOf(tensor: Tensor): string | undefined {
  return names.get(tensor);
}

/**
 * Runs `body`, and in Node what it awaits, without recording: its results count as constants.
 * @throws TensorError for an asynchronous body in a page
 */
export function noGrad<T>(body: () => T): T {
  return withHook(undefined, body, { op: 'noGrad' });
}

/**
 * A second handle of `x` that counts as a constant.
 * @example
 * console.log(await grad((x: Tensor) => x.mul(detach(x)).sum())(tensor([3])).data()); // [3]
 */
export const detach = constantOp(defineOp('detach', (x: Tensor): Tensor => alias(x)));
