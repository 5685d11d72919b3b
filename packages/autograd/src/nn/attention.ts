import { type AttentionOptions, type FloatDType, reshape, ShapeError, type Tensor, TensorError } from '@mudpt/tensor/functions';
import { attention, attentionQkv, narrow } from '../ops.ts';
import { nextStream } from '../random.ts';
import { expectModuleOptions, type InitOptions, initOf } from './init.ts';
import type { KVCache } from './kv-cache.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';

/** How a {@link MultiHeadAttention} begins. */
export type MultiHeadAttentionOptions = InitOptions & {
  /** Heads of keys and values, each shared by heads / keyHeads heads of queries. Default `heads`. */
  readonly keyHeads?: number;
  /** Probability with which attention probabilities become 0 while training; draws from `withSeed`. Default 0. */
  readonly dropout?: number;
  /** Known layers instead of new ones: width to width + 2 * keyHeads * (width / heads), and width to width. */
  readonly qkv?: Linear;
  readonly out?: Linear;
};

/** Options of a forward call: those of `attention`, and of its products. */
export type AttentionForwardOptions = AttentionOptions & {
  /** Tensor added to the result, of its shape. */
  readonly residual?: Tensor;
  /** dtype of queries, keys and values. Default: as {@link linear} chooses it. */
  readonly qkvDType?: FloatDType | undefined;
  /** dtype of the result. Default: as {@link linear} chooses it. */
  readonly dtype?: FloatDType | undefined;
};

/**
 * Self-attention with a fused projection (rows of its weight: queries, keys, values).
 * @example
 * console.log(new MultiHeadAttention(16, 2).forward(ones([1, 5, 16])).shape); // [1,5,16]
 */
export class MultiHeadAttention extends Module {
  readonly qkv: Linear;
  readonly out: Linear;
  readonly keyHeads: number;
  readonly dropout: number;

  /** @throws ShapeError unless `heads` divides `width`, and `keyHeads` divides `heads` */
  constructor(
    readonly width: number,
    readonly heads: number,
    options: MultiHeadAttentionOptions = {},
  ) {
    super();
    expectModuleOptions('MultiHeadAttention', options, ['keyHeads', 'dropout', 'qkv', 'out']);
    this.keyHeads = expectHeads('MultiHeadAttention', width, heads, options.keyHeads);
    this.dropout = options.dropout ?? 0;
    const depth = width / heads;
    this.qkv = options.qkv ?? new Linear(width, width + 2 * this.keyHeads * depth, initOf(options));
    this.out = options.out ?? new Linear(width, width, initOf(options));
  }

  /**
   * x [B, T, width], or packed [N, width] with `cuSeqlens`, gives the same shape, in three kernels. With grouped heads the backward copies the gradients of q, k and v.
   * @param options.residual added to the result in the last of them
   * @param options.cache keys and values of earlier tokens; those of x are appended, x is what follows them, and attention is causal
   */
  forward(x: Tensor, options: AttentionForwardOptions & { readonly cache?: KVCache | undefined } = {}): Tensor {
    const { residual, cache, qkvDType, dtype, ...given } = options;
    using projected = this.qkv.forward(x, { dtype: qkvDType });
    using heads = this.attend(projected, { ...dropoutOf(this, 'MultiHeadAttention'), ...given }, cache);
    using joined = reshape(heads, x.shape);
    return this.out.forward(joined, { ...(residual && { residual }), dtype });
  }

  private attend(projected: Tensor, options: AttentionOptions, cache: KVCache | undefined): Tensor {
    const { heads, keyHeads } = this;
    const rows = projected.shape.slice(0, -1);
    const depth = this.width / heads;
    if (keyHeads === heads && !cache) {
      using parts = reshape(projected, [...rows, 3, heads, depth]);
      return attentionQkv(parts, options);
    }
    using all = reshape(projected, [...rows, heads + 2 * keyHeads, depth]);
    using q = narrow(all, -2, 0, heads);
    using k = narrow(all, -2, heads, keyHeads);
    using v = narrow(all, -2, heads + keyHeads, keyHeads);
    return cache ? cache.attend(q, k, v, options) : attention(q, k, v, options);
  }
}

/** How a {@link CrossAttention} begins. */
export type CrossAttentionOptions = InitOptions & {
  /** Width of the tokens that keys and values come from. Default `width`. */
  readonly memoryWidth?: number;
  readonly keyHeads?: number;
  readonly dropout?: number;
};

/** Attention of x to other tokens: queries from x, keys and values from `memory`. */
export class CrossAttention extends Module {
  readonly q: Linear;
  /** Rows of its weight: keys, values. */
  readonly kv: Linear;
  readonly out: Linear;
  readonly keyHeads: number;
  readonly dropout: number;

  /** @throws ShapeError unless `heads` divides `width`, and `keyHeads` divides `heads` */
  constructor(
    readonly width: number,
    readonly heads: number,
    options: CrossAttentionOptions = {},
  ) {
    super();
    expectModuleOptions('CrossAttention', options, ['memoryWidth', 'keyHeads', 'dropout']);
    this.keyHeads = expectHeads('CrossAttention', width, heads, options.keyHeads);
    this.dropout = options.dropout ?? 0;
    const init = initOf(options);
    this.q = new Linear(width, width, init);
    this.kv = new Linear(options.memoryWidth ?? width, 2 * this.keyHeads * (width / heads), init);
    this.out = new Linear(width, width, init);
  }

  /**
   * x [B, T, width] attends to memory [B, S, memoryWidth]: [B, T, width].
   * @param options.mask for instance bool [B, 1, 1, S], true where the memory is not padding
   */
  forward(x: Tensor, memory: Tensor, options: AttentionForwardOptions = {}): Tensor {
    const { residual, qkvDType, dtype, ...given } = options;
    const depth = this.width / this.heads;
    using asked = this.q.forward(x, { dtype: qkvDType });
    using told = this.kv.forward(memory, { dtype: qkvDType });
    using q = reshape(asked, [...x.shape.slice(0, -1), this.heads, depth]);
    using parts = reshape(told, [...memory.shape.slice(0, -1), 2 * this.keyHeads, depth]);
    using k = narrow(parts, -2, 0, this.keyHeads);
    using v = narrow(parts, -2, this.keyHeads, this.keyHeads);
    using heads = attention(q, k, v, { ...dropoutOf(this, 'CrossAttention'), ...given });
    using joined = reshape(heads, x.shape);
    return this.out.forward(joined, { ...(residual && { residual }), dtype });
  }
}

/** Dropout of attention probabilities while training. */
function dropoutOf(
  { training, dropout: p }: { readonly training: boolean; readonly dropout: number },
  op: string,
): AttentionOptions {
  if (!training || p === 0) return {};
  const { firstRow, ...stream } = nextStream(op);
  if (firstRow === undefined) return { dropout: { p, ...stream } };
  throw new TensorError(
    op,
    'attention does not draw for a part of a batch what it would for the whole',
    'leave out `before`, or its dropout',
  );
}

/** Heads of keys. */
function expectHeads(op: string, width: number, heads: number, keyHeads: number = heads): number {
  if (width % heads !== 0) throw new ShapeError(op, `${heads} heads do not divide width ${width}`, 'choose a divisor');
  if (!(keyHeads > 0) || heads % keyHeads !== 0)
    throw new ShapeError(op, `keyHeads ${keyHeads} do not divide ${heads} heads`, 'choose a divisor');
  return keyHeads;
}
