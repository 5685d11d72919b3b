import { type Tensor, TensorError } from '@mudpt/tensor/functions';

/** Gradients by tensor; tensors that the loss does not depend on are absent. Owns them until disposed. */
export class Gradients extends Map<Tensor, Tensor> {
  /** The gradient of `parameter`. @throws TensorError when the loss does not depend on it */
  of(parameter: Tensor): Tensor {
    const gradient = this.get(parameter);
    if (!gradient)
      throw new TensorError(
        'gradients',
        `${parameter.toString()} has none: the loss does not depend on it`,
        'mark it with parameter() or tape.watch() before the loss is computed from it',
      );
    return gradient;
  }

  dispose(): void {
    for (const gradient of this.values()) gradient.dispose();
    this.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
