/** The head of SigLIP's image tower: a learnt query attends to all tokens. Source: transformers, SiglipMultiheadAttentionPoolingHead. */
import { feedForward, LayerNorm, Linear, Module } from '@mudpt/autograd';
import { type Activation, attention, expand, linear, narrow, reshape, type Tensor, unbind } from '@mudpt/tensor';
import type { SiglipImageConfig } from '../config.ts';
import type { WeightBox } from '../weight-box.ts';
import { ACTIVATION_OPS, takeNorm } from './block-weights.ts';

/** OpenAI's code has no names for these weights: they follow the names of blocks. */
const NAME = 'visual.attn_pool';

/** One feature for each image, from all of its tokens. */
export class AttentionPooling extends Module {
  /** The query [1, 1, width] before its projection. */
  readonly probe: Tensor;
  /** Rows of its weight: query, keys, values. */
  readonly qkv: Linear;
  readonly out: Linear;
  readonly norm: LayerNorm;
  readonly up: Linear;
  readonly down: Linear;
  readonly heads: number;
  readonly activation: Activation;

  constructor({ width, heads, hidden, activation, eps }: SiglipImageConfig, weights: WeightBox) {
    super();
    const take = (name: string, inputs: number, outputs: number): Linear =>
      new Linear(inputs, outputs, {
        weight: weights.matrix(`${NAME}.${name}weight`, [outputs, inputs]),
        bias: weights.vector(`${NAME}.${name}bias`, [outputs]),
      });
    this.probe = weights.vector(`${NAME}.probe`, [1, 1, width]);
    this.qkv = take('attn.in_proj_', width, 3 * width);
    this.out = take('attn.out_proj.', width, width);
    this.norm = takeNorm(weights, `${NAME}.ln`, width, eps);
    this.up = take('mlp.c_fc.', width, hidden);
    this.down = take('mlp.c_proj.', hidden, width);
    this.heads = heads;
    this.activation = ACTIVATION_OPS[activation];
  }

  /** x [B, T, width] gives [B, width]. */
  forward(x: Tensor): Tensor {
    const [batch = 0, length = 0, width = 0] = x.shape;
    const depth = width / this.heads;
    const part = (from: number, count: number, of: Tensor): Tensor => narrow(of, 0, from * width, count * width);
    const project = (input: Tensor, from: number, count: number): Tensor => {
      const { weight, bias } = this.qkv;
      return linear(input, part(from, count, weight), bias && part(from, count, bias));
    };
    const q = reshape(project(this.probe, 0, 1), [1, 1, this.heads, depth]);
    const [k, v] = unbind(reshape(project(x, 1, 2), [batch, length, 2, this.heads, depth]), 2) as [Tensor, Tensor];
    const attended = reshape(attention(expand(q, [batch, 1, this.heads, depth]), k, v), [batch, width]);
    const { skip, out } = this.norm.fork(this.out.forward(attended));
    return feedForward(out, this.up.weights, this.down.weights, { activation: this.activation, residual: skip });
  }

  /** Its tensors by name. */
  *weights(): Generator<readonly [string, Tensor]> {
    yield [`${NAME}.probe`, this.probe];
    yield [`${NAME}.attn.in_proj_weight`, this.qkv.weight];
    if (this.qkv.bias) yield [`${NAME}.attn.in_proj_bias`, this.qkv.bias];
    const layers = { 'attn.out_proj': this.out, ln: this.norm, 'mlp.c_fc': this.up, 'mlp.c_proj': this.down };
    for (const [part, { weight, bias }] of Object.entries(layers)) {
      yield [`${NAME}.${part}.weight`, weight];
      if (bias) yield [`${NAME}.${part}.bias`, bias];
    }
  }
}
