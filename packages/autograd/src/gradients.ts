import type { Tensor } from '@mudpt/tensor';

/** Gradients by the tensor they belong to; one the loss does not depend on is absent. Owns them until disposed. */
export class Gradients extends Map<Tensor, Tensor> {
  /** The gradient of `parameter`. @throws Error when the loss does not depend on it */
  of(parameter: Tensor): Tensor {
    const gradient = this.get(parameter);
    if (!gradient) throw new Error(`the loss does not depend on ${parameter.toString()}: it has no gradient`);
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
