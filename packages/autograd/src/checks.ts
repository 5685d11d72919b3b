/** Checks of numbers that modules and optimizers are given. */
import { TensorError } from '@mudpt/tensor/functions';

/** @throws TensorError unless `value` is a share, from 0 to 1 */
export function expectShare(op: string, name: string, value: number): void {
  if (!(value >= 0 && value <= 1)) throw new TensorError(op, `${name} is ${value}`, 'give a number from 0 to 1');
}
