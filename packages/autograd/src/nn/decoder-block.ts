import { type Activation, type AttentionOptions, type Tensor } from '@mudpt/tensor/functions';
import { CrossAttention, MultiHeadAttention } from './attention.ts';
import { feedForward } from './feed-forward.ts';
import { expectModuleOptions, type InitOptions, initOf } from './init.ts';
import type { KVCache } from './kv-cache.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';
import { LayerNorm } from './norm.ts';

/** Sizes of a {@link TransformerDecoderBlock}. */
export type DecoderBlockOptions = InitOptions & {
  readonly width: number;
  readonly heads: number;
  /** Heads of keys and values, see {@link MultiHeadAttention}. Default `heads`. */
  readonly keyHeads?: number;
  /** Width of the memory. Default `width`. */
  readonly memoryWidth?: number;
  /** Width inside the feed-forward part. Default 4 * width. */
  readonly hidden?: number;
  /** Default 'gelu'. */
  readonly activation?: Activation;
  readonly eps?: number;
  /** Probability of dropout of attention probabilities, in self- and cross-attention. Default 0. */
  readonly dropout?: number;
  /** Norms before each part (default), or after its residual is added, as in the first transformer and by default in PyTorch. */
  readonly preNorm?: boolean;
};

/** Options of a forward call. */
export type DecoderForwardOptions = {
  /** Options of self-attention, which is always causal. */
  readonly attention?: AttentionOptions;
  /** Options of cross-attention, for instance a mask of padding. */
  readonly memory?: AttentionOptions;
  /** Keys and values of earlier tokens for self-attention. */
  readonly cache?: KVCache;
};

/**
 * Decoder block: causal self-attention, cross-attention to a memory, feed-forward, each with its norm and residual. Pre-norm: x + part(norm(x)); post-norm:
 * norm(x + part(x)).
 */
export class TransformerDecoderBlock extends Module {
  readonly norm1: LayerNorm;
  readonly attention: MultiHeadAttention;
  readonly norm2: LayerNorm;
  readonly cross: CrossAttention;
  readonly norm3: LayerNorm;
  readonly up: Linear;
  readonly down: Linear;
  readonly activation: Activation;
  readonly preNorm: boolean;

  constructor(options: DecoderBlockOptions) {
    super();
    const sizes = ['width', 'heads', 'keyHeads', 'memoryWidth', 'hidden', 'activation', 'eps', 'dropout', 'preNorm'];
    expectModuleOptions('TransformerDecoderBlock', options, sizes);
    const { width, heads, keyHeads = heads, memoryWidth = width, hidden = 4 * width, dropout = 0 } = options;
    const { activation = 'gelu', preNorm = true, eps } = options;
    const init = initOf(options);
    const norm = { ...init, ...(eps !== undefined && { eps }) };
    this.norm1 = new LayerNorm(width, norm);
    this.attention = new MultiHeadAttention(width, heads, { ...init, keyHeads, dropout });
    this.norm2 = new LayerNorm(width, norm);
    this.cross = new CrossAttention(width, heads, { ...init, keyHeads, memoryWidth, dropout });
    this.norm3 = new LayerNorm(width, norm);
    this.up = new Linear(width, hidden, init);
    this.down = new Linear(hidden, width, init);
    this.activation = activation;
    this.preNorm = preNorm;
  }

  /** x [B, T, width] and memory [B, S, memoryWidth] give [B, T, width]. */
  forward(x: Tensor, memory: Tensor, options: DecoderForwardOptions = {}): Tensor {
    const { cache } = options;
    const ofSelf = { causal: true, ...options.attention, ...(cache && { cache }) };
    using attended = this.around(this.norm1, x, (inner, residual) => this.attention.forward(inner, { ...ofSelf, residual }));
    using crossed = this.around(this.norm2, attended, (inner, residual) =>
      this.cross.forward(inner, memory, { ...options.memory, residual }),
    );
    return this.around(this.norm3, crossed, (inner, residual) =>
      feedForward(inner, this.up.weights, this.down.weights, { activation: this.activation, residual }),
    );
  }

  /** A part with its norm and its residual, which the part's last product adds. */
  private around(norm: LayerNorm, x: Tensor, part: (inner: Tensor, residual: Tensor) => Tensor): Tensor {
    if (!this.preNorm) {
      using sum = part(x, x);
      return norm.forward(sum);
    }
    const { skip, out } = norm.fork(x);
    using residual = skip;
    using normed = out;
    return part(normed, residual);
  }
}
