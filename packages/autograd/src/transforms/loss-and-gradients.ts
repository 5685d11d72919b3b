/** The loss that a body computes, and its gradients with respect to parameters. */
import { eachTensor, type Tensor } from '@mudpt/tensor/functions';
import type { Gradients } from '../tape/gradients.ts';
import { Tape } from '../tape/tape.ts';
import { type Loss, lossOf } from './loss.ts';
import { runScoped } from './run-scoped.ts';

/**
 * Runs `body`, which takes nothing and returns a loss of one element, and the backward of that loss: a training step over modules, whose parameters the
 * body reads from outside. For the gradients of a function with respect to its arguments see {@link valueAndGrad}.
 *
 * ```ts
 * const { value, gradients } = lossAndGradients(() => crossEntropy(model.forward(x), labels));
 * optimizer.step(gradients);
 * ```
 * Intermediates are released as the backward consumes them; the value and the gradients pass to the caller's scope.
 * @param wanted tensors to differentiate with respect to, in addition to those marked with `parameter`
 * @returns `value`, what the body returned, and `gradients` by tensor: of all parameters and wanted tensors that the loss depends on
 * @throws TensorError for an asynchronous body, one that returns no loss, or a loss that depends on no parameter
 * @example
 * const w = parameter(tensor([1, 2]));
 * const { value, gradients } = lossAndGradients(() => w.square().sum());
 * console.log(await value.item(), await gradients.of(w).data()); // 5 [2,4]
 */
export function lossAndGradients<T extends Loss>(
  body: () => T,
  wanted: readonly Tensor[] = [],
): { readonly value: T; readonly gradients: Gradients } {
  using tape = new Tape({ listen: false });
  for (const tensor of wanted) tape.watch(tensor);
  const fix = 'await before it: the body computes a loss and returns it';
  const value = tape.record(() => runScoped('lossAndGradients', body, fix));
  try {
    return { value, gradients: tape.backward(lossOf('lossAndGradients', value)) };
  } catch (error) {
    eachTensor(value, (tensor) => tensor.dispose());
    throw error;
  }
}
