import { type Activation, linear, type Tensor } from '@mudpt/tensor';
import { type InitOptions, uniform } from './init.ts';
import { Module } from './module.ts';

export type LinearModuleOptions = InitOptions & { readonly bias?: boolean };

/** x W^T + bias: x [..., inputs] gives [..., outputs]; weight [outputs, inputs]. Begins as PyTorch's: uniform within 1 / sqrt(inputs). */
export class Linear extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;

  constructor(inputs: number, outputs: number, options: LinearModuleOptions = {}) {
    super();
    const bound = 1 / Math.sqrt(inputs);
    this.weight = uniform([outputs, inputs], bound, options);
    this.bias = (options.bias ?? true) ? uniform([outputs], bound, options) : undefined;
  }

  /** The activation, and a residual added last, cost no kernel of their own. */
  forward(x: Tensor, fused: { readonly activation?: Activation; readonly residual?: Tensor } = {}): Tensor {
    return linear(x, this.weight, this.bias, fused);
  }
}
