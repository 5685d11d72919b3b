/** The loss in the result of a differentiated function. */
import { Tensor, TensorError } from '@mudpt/tensor/functions';
import { expectThisCopy } from '@mudpt/tensor/internal';

/** A loss, or an object with it under `loss` and other tensors under other names. */
export type Loss = Tensor | { readonly loss: Tensor };

/** The loss in what a body returned. @throws TensorError in the name of `op` when there is none */
export function lossOf(op: string, value: Loss): Tensor {
  const loss = value instanceof Tensor ? value : (value as { readonly loss?: unknown } | undefined)?.loss;
  if (loss instanceof Tensor) return loss;
  expectThisCopy(op, 'the loss', loss);
  throw new TensorError(op, 'the body returned no loss', 'return a tensor of one element, or an object that has it under loss');
}
