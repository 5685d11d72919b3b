/**
 * transformers' names of CLIP's and SigLIP's weights: the packed projection of attention is split into q, k, v, and the two last projections are linear layers,
 * which hold the transpose. Source: transformers, convert_clip_original_pytorch_to_hf.py and modeling_siglip.py.
 */
import type { TowerName } from '../../weight-shapes.ts';
import { findLogits, isOfLogits, type Prefixes, type Recipe } from './recipe.ts';

/** Before the names of each tower in a whole model. */
export const TOWER_PREFIXES: Prefixes = { image: 'vision_model.', text: 'text_model.' };

const INSIDE_BLOCKS: readonly (readonly [RegExp, string])[] = [
  [/^ln_([12])\./, 'layer_norm$1.'],
  [/^attn\.out_proj\./, 'self_attn.out_proj.'],
  [/^mlp\.c_fc\./, 'mlp.fc1.'],
  [/^mlp\.c_proj\./, 'mlp.fc2.'],
];

const OUTSIDE_BLOCKS: Readonly<Record<string, string>> = {
  'visual.conv1.weight': 'embeddings.patch_embedding.weight',
  'visual.conv1.bias': 'embeddings.patch_embedding.bias',
  'visual.class_embedding': 'embeddings.class_embedding',
  'visual.positional_embedding': 'embeddings.position_embedding.weight',
  // The spelling is transformers'.
  'visual.ln_pre.weight': 'pre_layrnorm.weight',
  'visual.ln_pre.bias': 'pre_layrnorm.bias',
  'visual.ln_post.weight': 'post_layernorm.weight',
  'visual.ln_post.bias': 'post_layernorm.bias',
  'token_embedding.weight': 'embeddings.token_embedding.weight',
  positional_embedding: 'embeddings.position_embedding.weight',
  'ln_final.weight': 'final_layer_norm.weight',
  'ln_final.bias': 'final_layer_norm.bias',
};

/** SigLIP's heads, within their towers. */
const HEADS: readonly (readonly [RegExp, string])[] = [
  [/^visual\.attn_pool\.probe$/, 'head.probe'],
  [/^visual\.attn_pool\.attn\./, 'head.attention.'],
  [/^visual\.attn_pool\.ln\./, 'head.layernorm.'],
  [/^visual\.attn_pool\.mlp\.c_fc\./, 'head.mlp.fc1.'],
  [/^visual\.attn_pool\.mlp\.c_proj\./, 'head.mlp.fc2.'],
];

/** Names of the whole model, before which no prefix of a tower stands. */
const PROJECTIONS: Readonly<Record<string, string>> = {
  'visual.proj': 'visual_projection.weight',
  text_projection: 'text_projection.weight',
};

/** A weight that transformers' models do not have keeps its name, under which it is missing. */
export function huggingFaceRecipe(prefix: Prefixes, names: ReadonlySet<string>, isSiglip: boolean): (name: string) => Recipe {
  const base = (tower: TowerName) => {
    const standard = TOWER_PREFIXES[tower];
    return prefix[tower].endsWith(standard) ? prefix[tower].slice(0, -standard.length) : prefix[tower];
  };
  return (name) => {
    const tower = name.startsWith('visual.') ? 'image' : 'text';
    if (isOfLogits(name)) return { parts: [findLogits(name, [base('image'), base('text')], names)], transposed: false };
    const [towerPrefix, transposed] = [prefix[tower], false];
    if (isSiglip && name === 'text_projection') return { parts: [`${towerPrefix}head.weight`], transposed: true };
    if (name === 'text_projection_bias') return { parts: [`${towerPrefix}head.bias`], transposed };
    for (const [pattern, replacement] of HEADS)
      if (pattern.test(name)) return { parts: [towerPrefix + name.replace(pattern, replacement)], transposed };
    const projection = PROJECTIONS[name];
    if (projection !== undefined) return { parts: [base(tower) + projection], transposed: true };
    const outside = OUTSIDE_BLOCKS[name];
    if (outside !== undefined) return { parts: [towerPrefix + outside], transposed };
    const [, layer, rest = ''] = /^(?:visual\.)?transformer\.resblocks\.(\d+)\.(.+)$/.exec(name) ?? [];
    const block = `${towerPrefix}encoder.layers.${layer}.`;
    const [, packed] = /^attn\.in_proj_(weight|bias)$/.exec(rest) ?? [];
    if (packed !== undefined)
      return { parts: ['q', 'k', 'v'].map((part) => `${block}self_attn.${part}_proj.${packed}`), transposed };
    for (const [pattern, replacement] of INSIDE_BLOCKS)
      if (pattern.test(rest)) return { parts: [block + rest.replace(pattern, replacement)], transposed };
    return { parts: [towerPrefix + name], transposed };
  };
}
