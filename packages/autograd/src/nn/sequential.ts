import { contiguous, type Tensor } from '@mudpt/tensor';
import { Module } from './module.ts';

/** A step of a {@link Sequential}: a module with `forward`, or a function such as `relu`. */
export type Layer = (Module & { forward(x: Tensor): Tensor }) | ((x: Tensor) => Tensor);

/** Applies layers one after another; what lies between is released. */
export class Sequential extends Module {
  readonly layers: readonly Layer[];

  constructor(...layers: readonly Layer[]) {
    super();
    this.layers = layers;
  }

  forward(x: Tensor): Tensor {
    let current: Tensor | undefined;
    for (const layer of this.layers) {
      const before = current;
      const input = before ?? x;
      current = layer instanceof Module ? layer.forward(input) : layer(input);
      before?.dispose();
    }
    return current ?? contiguous(x);
  }
}
