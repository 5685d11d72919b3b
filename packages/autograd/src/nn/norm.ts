import { layerNorm, rmsNorm, type Tensor } from '@mudpt/tensor';
import { adopt, filled, type InitOptions } from './init.ts';
import { Module } from './module.ts';

/** Options of a {@link RMSNorm}; eps is added to the mean square. */
export type NormOptions = InitOptions & { readonly eps?: number };

/** How a {@link LayerNorm} begins; eps is added to the variance. */
export type LayerNormOptions = NormOptions & {
  /** Known values instead of 1 and 0. The module takes the tensors over; they are learnt only if they already are. */
  readonly weight?: Tensor;
  readonly bias?: Tensor;
};

/** Layer norm over the last axis, with weight and bias. eps 1e-5. */
export class LayerNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly eps: number;

  constructor(width: number, options: LayerNormOptions = {}) {
    super();
    const { weight, bias } = options;
    this.weight = weight ? adopt('LayerNorm', 'weight', weight, [width]) : filled([width], 1, options);
    this.bias = bias ? adopt('LayerNorm', 'bias', bias, [width]) : filled([width], 0, options);
    this.eps = options.eps ?? 1e-5;
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight, this.bias, this.eps);
  }
}

/** Root mean square norm over the last axis, with weight. eps 1e-6. */
export class RMSNorm extends Module {
  readonly weight: Tensor;
  readonly eps: number;

  constructor(width: number, options: NormOptions = {}) {
    super();
    this.weight = filled([width], 1, options);
    this.eps = options.eps ?? 1e-6;
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.weight, this.eps);
  }
}
