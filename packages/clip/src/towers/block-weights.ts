/** Blocks from OpenAI's tensors, and back. */
import { LayerNorm, Linear, MultiHeadAttention, TransformerBlock } from '@mudpt/autograd';
import type { Tensor } from '@mudpt/tensor';
import type { TowerConfig } from '../config.ts';
import type { WeightBox } from '../weight-box.ts';

/** The engine's names of the activations of configs. */
export const ACTIVATION_OPS = { quick_gelu: 'quickGelu', gelu: 'gelu', gelu_tanh: 'geluTanh' } as const;

/** The blocks of `tower` ("transformer" or "visual.transformer") from their weights. */
export function takeBlocks(weights: WeightBox, tower: string, config: TowerConfig): TransformerBlock[] {
  const { width, heads, hidden, layers, activation, eps } = config;
  const linear = (name: string, inputs: number, outputs: number, bias: string, weight: string): Linear =>
    new Linear(inputs, outputs, {
      weight: weights.matrix(name + weight, [outputs, inputs]),
      bias: weights.vector(name + bias, [outputs]),
    });
  return Array.from({ length: layers }, (_, layer) => {
    const name = `${tower}.resblocks.${layer}`;
    const attention = new MultiHeadAttention(width, heads, {
      qkv: linear(`${name}.attn.`, width, 3 * width, 'in_proj_bias', 'in_proj_weight'),
      out: linear(`${name}.attn.out_proj.`, width, width, 'bias', 'weight'),
    });
    const parts = {
      norm1: takeNorm(weights, `${name}.ln_1`, width, eps),
      attention,
      norm2: takeNorm(weights, `${name}.ln_2`, width, eps),
      up: linear(`${name}.mlp.c_fc.`, width, hidden, 'bias', 'weight'),
      down: linear(`${name}.mlp.c_proj.`, hidden, width, 'bias', 'weight'),
    };
    const { activationDType } = weights;
    return new TransformerBlock({ width, heads, hidden, activation: ACTIVATION_OPS[activation], eps, activationDType, parts });
  });
}

export function takeNorm(weights: WeightBox, name: string, width: number, eps: number): LayerNorm {
  const [weight, bias] = [weights.vector(`${name}.weight`, [width]), weights.vector(`${name}.bias`, [width])];
  return new LayerNorm(width, { weight, bias, eps });
}

/** The tensors of `blocks` by OpenAI's names, as {@link takeBlocks} reads them. */
export function* namedBlockWeights(blocks: readonly TransformerBlock[], tower: string): Generator<readonly [string, Tensor]> {
  for (const [layer, { norm1, norm2, attention, up, down }] of blocks.entries()) {
    const name = `${tower}.resblocks.${layer}`;
    yield [`${name}.attn.in_proj_weight`, attention.qkv.weight];
    if (attention.qkv.bias) yield [`${name}.attn.in_proj_bias`, attention.qkv.bias];
    const layers = { 'attn.out_proj': attention.out, ln_1: norm1, 'mlp.c_fc': up, 'mlp.c_proj': down, ln_2: norm2 };
    for (const [part, { weight, bias }] of Object.entries(layers)) {
      yield [`${name}.${part}.weight`, weight];
      if (bias) yield [`${name}.${part}.bias`, bias];
    }
  }
}
