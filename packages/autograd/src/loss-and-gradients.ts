import { eachTensor, scope, Tensor, TensorError } from '@mudpt/tensor';
import { expectSynchronous } from '@mudpt/tensor/internal';
import type { Gradients } from './gradients.ts';
import { Tape } from './tape.ts';

/** A loss, or an object that has it under `loss` beside other tensors worth returning. */
export type Loss = Tensor | { readonly loss: Tensor };

/**
 * Runs `body`, which returns a loss of one element, and its gradients. Intermediates are released as the backward consumes them; the
 * value and the gradients pass to the caller's scope.
 *
 * ```ts
 * const { value, gradients } = lossAndGradients(() => crossEntropy(model.forward(x), labels), model.parameters());
 * ```
 * @throws TensorError for an asynchronous body, or one that returns no loss
 * @param wanted tensors to differentiate with respect to, beside those marked with `parameter`; the result may have more
 */
export function lossAndGradients<T extends Loss>(
  body: () => T,
  wanted: readonly Tensor[] = [],
): { readonly value: T; readonly gradients: Gradients } {
  using tape = new Tape({ listen: false });
  for (const tensor of wanted) tape.watch(tensor);
  const value = tape.record(() => {
    const made = scope(body);
    expectSynchronous('lossAndGradients', made, 'await before it: the body computes a loss and returns it');
    return made;
  });
  try {
    return { value, gradients: tape.backward(lossOf(value)) };
  } catch (error) {
    eachTensor(value, (tensor) => tensor.dispose());
    throw error;
  }
}

function lossOf(value: Loss): Tensor {
  const loss = value instanceof Tensor ? value : (value as { readonly loss?: unknown } | undefined)?.loss;
  if (loss instanceof Tensor) return loss;
  throw new TensorError(
    'lossAndGradients',
    'the body returned no loss',
    'return a tensor of one element, or an object that has it under loss',
  );
}
