import type { Activation, AttentionOptions, FloatDType, Tensor } from '@mudpt/tensor/functions';
import { MultiHeadAttention } from './attention.ts';
import { feedForward } from './feed-forward.ts';
import { expectModuleOptions, type InitOptions, initOf } from './init.ts';
import type { KVCache } from './kv-cache.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';
import { LayerNorm } from './norm.ts';

/** Sizes of a new {@link TransformerBlock}. */
export type BlockOptions = InitOptions & {
  readonly width: number;
  readonly heads: number;
  /** Width inside the feed-forward part. Default 4 * width. */
  readonly hidden?: number;
  /** Default 'gelu'. */
  readonly activation?: Activation;
  readonly eps?: number;
  /**
   * dtype of what products and attention read and write. The residual stream x and all gradients within the block keep theirs. 'f16' is
   * mixed precision: what is kept for the backward takes half the memory, while norms, sums and softmax are f32. Needs shader-f16. Default: the dtypes of the inputs.
   */
  readonly activationDType?: FloatDType | undefined;
  /** Known parts, for weights that come from a file, instead of new ones. */
  readonly parts?: BlockParts;
};

/** The modules of a {@link TransformerBlock}, to build one from existing modules. */
export type BlockParts = {
  readonly norm1: LayerNorm;
  readonly attention: MultiHeadAttention;
  readonly norm2: LayerNorm;
  readonly up: Linear;
  readonly down: Linear;
};

/**
 * Pre-norm transformer block: x + attention(norm1(x)), then x + mlp(norm2(x)). Biases, activation and residuals are part of the products:
 * seven kernels forward, and nine backward when the weights are frozen.
 */
export class TransformerBlock extends Module {
  readonly norm1: LayerNorm;
  readonly attention: MultiHeadAttention;
  readonly norm2: LayerNorm;
  readonly up: Linear;
  readonly down: Linear;
  readonly activation: Activation;
  readonly activationDType: FloatDType | undefined;

  constructor(options: BlockOptions) {
    super();
    const names = ['width', 'heads', 'hidden', 'activation', 'eps', 'activationDType', 'parts'];
    expectModuleOptions('TransformerBlock', options, names);
    const { width, heads, hidden = 4 * width, activation = 'gelu' } = options;
    const { parts, eps } = options;
    const init = initOf(options);
    const norm = { ...init, ...(eps !== undefined && { eps }) };
    this.norm1 = parts?.norm1 ?? new LayerNorm(width, norm);
    this.attention = parts?.attention ?? new MultiHeadAttention(width, heads, init);
    this.norm2 = parts?.norm2 ?? new LayerNorm(width, norm);
    this.up = parts?.up ?? new Linear(width, hidden, init);
    this.down = parts?.down ?? new Linear(hidden, width, init);
    this.activation = activation;
    this.activationDType = options.activationDType;
  }

  /**
   * x [B, T, width] (or packed [N, width]) gives the same shape.
   * @param options.cache keys and values of earlier tokens, see {@link MultiHeadAttention.forward}
   */
  forward(x: Tensor, options: AttentionOptions & { readonly cache?: KVCache | undefined } = {}): Tensor {
    const { activationDType } = this;
    const { skip, out } = this.norm1.fork(x, activationDType);
    using residual = skip;
    using normed = out;
    const dtypes = activationDType && { qkvDType: activationDType, dtype: x.dtype as FloatDType };
    using attended = this.attention.forward(normed, { ...options, ...dtypes, residual });
    return this.transform(attended);
  }

  /** The second half: x + mlp(norm2(x)). */
  transform(x: Tensor): Tensor {
    const { activation, activationDType } = this;
    const { skip, out } = this.norm2.fork(x, activationDType);
    using residual = skip;
    using normed = out;
    const dtypes = activationDType && { hiddenDType: activationDType, dtype: x.dtype as FloatDType };
    return feedForward(normed, this.up.weights, this.down.weights, { activation, residual, ...dtypes });
  }
}
