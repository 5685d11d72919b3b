import { type AttentionOptions, attentionQkv, reshape, ShapeError, type Tensor } from '@mudpt/tensor';
import { expectModuleOptions, type InitOptions, initOf } from './init.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';

/** How a {@link MultiHeadAttention} begins. */
export type MultiHeadAttentionOptions = InitOptions & {
  /** Known layers instead of new ones: width to 3 * width, and width to width. */
  readonly qkv?: Linear;
  readonly out?: Linear;
};

/** Self-attention with a fused projection (rows of its weight: queries, keys, values). */
export class MultiHeadAttention extends Module {
  readonly qkv: Linear;
  readonly out: Linear;

  /** @throws ShapeError unless `heads` divides `width` */
  constructor(
    readonly width: number,
    readonly heads: number,
    options: MultiHeadAttentionOptions = {},
  ) {
    super();
    expectModuleOptions('MultiHeadAttention', options, ['qkv', 'out']);
    if (width % heads !== 0)
      throw new ShapeError('MultiHeadAttention', `${heads} heads do not divide width ${width}`, 'choose a divisor');
    this.qkv = options.qkv ?? new Linear(width, 3 * width, initOf(options));
    this.out = options.out ?? new Linear(width, width, initOf(options));
  }

  /**
   * x [B, T, width], or packed [N, width] with `cuSeqlens`, gives the same shape: three kernels.
   * @param options.residual added to the result in the last of them
   */
  forward(x: Tensor, options: AttentionOptions & { readonly residual?: Tensor } = {}): Tensor {
    const { residual, ...attention } = options;
    using projected = this.qkv.forward(x);
    using parts = reshape(projected, [...x.shape.slice(0, -1), 3, this.heads, this.width / this.heads]);
    using heads = attentionQkv(parts, attention);
    using joined = reshape(heads, x.shape);
    return this.out.forward(joined, residual ? { residual } : {});
  }
}
