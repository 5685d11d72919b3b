import { scope, Tensor } from '@mudpt/tensor';
import type { Gradients } from './gradients.ts';
import { Tape } from './tape.ts';

/** A loss, or an object that has it under `loss` beside other tensors worth returning. */
export type Loss = Tensor | { readonly loss: Tensor };

/**
 * Runs `body`, which returns a loss of one element, and its gradients. Intermediates are released as the backward consumes them; the
 * value and the gradients pass to the caller's scope.
 *
 * ```ts
 * const { value, gradients } = valueAndGrad(() => crossEntropy(model.forward(x), labels), model.parameters());
 * ```
 * @param wanted tensors to differentiate with respect to, beside those marked with `parameter`; the result may have more
 */
export function valueAndGrad<T extends Loss>(
  body: () => T,
  wanted: readonly Tensor[] = [],
): { readonly value: T; readonly gradients: Gradients } {
  using tape = new Tape();
  for (const tensor of wanted) tape.watch(tensor);
  const value = scope(body);
  const gradients = tape.backward(value instanceof Tensor ? value : value.loss);
  return { value, gradients };
}
