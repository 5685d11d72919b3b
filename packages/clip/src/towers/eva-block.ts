/**
 * Blocks of EVA-02's image tower: queries and keys turned by the places of patches, norms within attention and feed-forward, which is gated. Source: timm,
 * Eva (eva02_*_clip_*); Fang and others, arXiv 2303.11331.
 */
import { buffer, type LayerNorm, Linear, MultiHeadAttention, TransformerBlock } from '@mudpt/autograd';
import {
  type AttentionOptions,
  cat,
  type Device,
  type FloatDType,
  keep,
  linear,
  mul,
  narrow,
  silu,
  type Tensor,
  tensor,
  TensorError,
} from '@mudpt/tensor';
import { type EvaImageConfig, patchesPerSide } from '../config.ts';
import type { WeightBox } from '../weight-box.ts';
import { takeNorm } from './block-weights.ts';

/** A block whose `up` has the rows of the gate, then those of the values. */
export class EvaBlock extends TransformerBlock {
  /** Norm of the result of attention, before its projection. */
  readonly attentionNorm: LayerNorm;
  /** Norm between the two products of the feed-forward part. */
  readonly hiddenNorm: LayerNorm;

  constructor(weights: WeightBox, name: string, { width, heads, hidden, eps }: EvaImageConfig) {
    const take = (part: string, inputs: number, outputs: number): Linear =>
      new Linear(inputs, outputs, {
        weight: weights.matrix(`${name}.${part}weight`, [outputs, inputs]),
        bias: weights.vector(`${name}.${part}bias`, [outputs]),
      });
    const parts = {
      norm1: takeNorm(weights, `${name}.ln_1`, width, eps),
      attention: new MultiHeadAttention(width, heads, {
        qkv: take('attn.in_proj_', width, 3 * width),
        out: take('attn.out_proj.', width, width),
      }),
      norm2: takeNorm(weights, `${name}.ln_2`, width, eps),
      up: take('mlp.c_fc.', width, 2 * hidden),
      down: take('mlp.c_proj.', hidden, width),
    };
    super({ width, heads, hidden, activation: 'silu', eps, activationDType: weights.activationDType, parts });
    this.attentionNorm = takeNorm(weights, `${name}.attn.ln`, width, eps);
    this.hiddenNorm = takeNorm(weights, `${name}.mlp.ln`, hidden, eps);
  }

  /** Not supported: queries and keys need the places of their tokens, which only `runBlock` knows. */
  override forward(_x: Tensor, _options?: AttentionOptions): Tensor {
    throw new TensorError('EvaBlock', 'the block is called without the places of tokens', 'run the whole image tower');
  }

  override transform(x: Tensor): Tensor {
    const { skip, out } = this.norm2.fork(x, this.activationDType);
    return this.feed(out, skip);
  }

  /** down(norm(silu(gate) values)) + residual, of x after the second norm. */
  feed(normed: Tensor, residual: Tensor): Tensor {
    const { activationDType } = this;
    const both = linear(normed, this.up.weight, this.up.bias, { dtype: activationDType });
    const hidden = (both.shape.at(-1) as number) / 2;
    const [gate, values] = [narrow(both, -1, 0, hidden), narrow(both, -1, hidden, hidden)];
    const dtype = activationDType && (residual.dtype as FloatDType);
    return linear(this.hiddenNorm.forward(mul(silu(gate), values)), this.down.weight, this.down.bias, { residual, dtype });
  }
}

/** Rows beyond the patches, for appended prompts; more are added when they are needed. */
const SPARE_ROWS = 64;

/**
 * The table for `rope` [1 + patches + spare, depth]: the class token and what is appended do not turn; a patch turns half of its pairs by its row and half by its
 * column, counted in patches of the pretrained size.
 */
export function patchRotations(config: EvaImageConfig, device: Device): Tensor {
  const { width, heads, pretrainedSide } = config;
  const [side, depth] = [patchesPerSide(config), width / heads];
  const [pairs, bands] = [depth / 2, depth / 4];
  const rows = 1 + side * side + SPARE_ROWS;
  const values = new Float32Array(rows * depth);
  for (let row = 0; row < rows; row += 1)
    for (let pair = 0; pair < pairs; pair += 1) {
      const patch = row - 1;
      const isPatch = patch >= 0 && patch < side * side;
      const place = pair < bands ? Math.floor(patch / side) : patch % side;
      const angle = isPatch ? ((place / side) * pretrainedSide) / 10_000 ** ((pair % bands) / bands) : 0;
      values[row * depth + pair] = Math.cos(angle);
      values[row * depth + pairs + pair] = Math.sin(angle);
    }
  return buffer(keep(tensor(values, { shape: [rows, depth], device })));
}

/** A table with at least `rows`; those that are missing do not turn. */
export function withRows(table: Tensor, rows: number): Tensor {
  const [have = 0, depth = 0] = table.shape;
  if (rows <= have) return table;
  const still = Float32Array.from({ length: (rows - have) * depth }, (_, at) => (at % depth < depth / 2 ? 1 : 0));
  return cat([table, tensor(still, { shape: [rows - have, depth], device: table.device })]);
}

/** The tensors that CLIP's blocks do not have. */
export function* namedEvaWeights({ attentionNorm, hiddenNorm }: EvaBlock, name: string): Generator<readonly [string, Tensor]> {
  for (const [part, { weight, bias }] of Object.entries({ 'attn.ln': attentionNorm, 'mlp.ln': hiddenNorm })) {
    yield [`${name}.${part}.weight`, weight];
    yield [`${name}.${part}.bias`, bias];
  }
}
