import { type LinearOptions, type Tensor } from '@mudpt/tensor/functions';
import { linear } from '../ops.ts';
import type { LinearWeights } from './feed-forward.ts';
import { adopt, expectModuleOptions, type InitOptions, uniform } from './init.ts';
import { Module } from './module.ts';

/** How a {@link Linear} begins. */
export type LinearModuleOptions = InitOptions & {
  /** Whether there is one (default true), or the bias itself. */
  readonly bias?: boolean | Tensor;
  /** Known values instead of drawn ones. The module takes the tensor over; it is learnt only if it already is. */
  readonly weight?: Tensor;
};

/** x W^T + bias: x [..., inputs] gives [..., outputs]; weight [outputs, inputs]. Begins as PyTorch's: uniform within 1 / sqrt(inputs). */
export class Linear extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;

  constructor(inputs: number, outputs: number, options: LinearModuleOptions = {}) {
    super();
    expectModuleOptions('Linear', options, ['bias', 'weight']);
    const bound = 1 / Math.sqrt(inputs);
    const { weight, bias = true } = options;
    this.weight = weight ? adopt('Linear', 'weight', weight, [outputs, inputs]) : uniform([outputs, inputs], bound, options);
    if (bias === true) this.bias = uniform([outputs], bound, options);
    else this.bias = bias ? adopt('Linear', 'bias', bias, [outputs]) : undefined;
  }

  /** Weight and bias as ops take them. */
  get weights(): LinearWeights {
    return { weight: this.weight, bias: this.bias };
  }

  /** The activation, a residual added last, and another dtype of the result cost no kernel of their own. */
  forward(x: Tensor, fused: LinearOptions = {}): Tensor {
    return linear(x, this.weight, this.bias, fused);
  }
}
