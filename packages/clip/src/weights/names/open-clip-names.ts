/**
 * open_clip's names. They are OpenAI's, but for an image tower of timm, which lies under `trunk.`, and for SigLIP's texts, which end in a linear layer.
 * Sources: timm, eva.py, vision_transformer.py and attention_pool.py; open_clip, transformer.py.
 */
import { findLogits, isOfLogits, type Prefixes, type Recipe, ZEROS } from './recipe.ts';

/** OpenAI's names, and the linear layer at the end of SigLIP's texts. */
export function openAiRecipe(prefix: Prefixes, names: ReadonlySet<string>): (name: string) => Recipe {
  const projection = `${prefix.text}text_projection`;
  const isLinear = [...names].some(
    (name) => name.startsWith(`${projection}.`) || name.startsWith(`${prefix.image}trunk.attn_pool.`),
  );
  return (name) => {
    if (isOfLogits(name)) return { parts: [findLogits(name, [prefix.image, prefix.text], names)], transposed: false };
    if (isLinear && name === 'text_projection') return { parts: [`${projection}.weight`], transposed: true };
    if (name === 'text_projection_bias') return { parts: [`${projection}.bias`], transposed: false };
    const towerPrefix = name.startsWith('visual.') ? prefix.image : prefix.text;
    return { parts: [towerPrefix + name], transposed: false };
  };
}

/** open_clip's texts, and an image tower of timm (EVA-02, MobileCLIP, SigLIP). A weight that these do not have keeps its name, under which it is missing. */
export function trunkRecipe(prefix: Prefixes, names: ReadonlySet<string>): (name: string) => Recipe {
  const openAi = openAiRecipe(prefix, names);
  const isSplit = [...names].some((name) => name.endsWith('.attn.q_proj.weight'));
  const trunk = (...parts: readonly string[]): Recipe => ({
    parts: parts.map((part) => (part === ZEROS ? ZEROS : `${prefix.image}trunk.${part}`)),
    transposed: false,
  });
  return (name) => {
    if (!name.startsWith('visual.')) return openAi(name);
    if (name === 'visual.proj') return { ...trunk('head.weight'), transposed: true };
    const [, packed] = /^visual\.attn_pool\.attn\.in_proj_(weight|bias)$/.exec(name) ?? [];
    if (packed !== undefined) return { ...trunk(`attn_pool.q.${packed}`, `attn_pool.kv.${packed}`), shares: [1, 2] };
    const outside = renamed(name, OUTSIDE_BLOCKS);
    if (outside !== undefined) return trunk(outside);
    const [, layer, rest = ''] = /^visual\.transformer\.resblocks\.(\d+)\.(.+)$/.exec(name) ?? [];
    const block = `blocks.${layer}.`;
    const several = JOINED[rest];
    if (several && isSplit) return trunk(...several.map((part) => (part === ZEROS ? ZEROS : block + part)));
    const inside = renamed(rest, INSIDE_BLOCKS);
    if (inside !== undefined) return trunk(block + inside);
    return { parts: [prefix.image + name.slice('visual.'.length)], transposed: false };
  };
}

type Renaming = readonly (readonly [RegExp, string])[];

function renamed(name: string, renamings: Renaming): string | undefined {
  const [pattern, replacement = ''] = renamings.find(([one]) => one.test(name)) ?? [];
  return pattern && name.replace(pattern, replacement);
}

const OUTSIDE_BLOCKS: Renaming = [
  [/^visual\.conv1\./, 'patch_embed.proj.'],
  [/^visual\.stem\./, 'patch_embed.backbone.'],
  [/^visual\.class_embedding$/, 'cls_token'],
  [/^visual\.positional_embedding$/, 'pos_embed'],
  [/^visual\.ln_post\./, 'norm.'],
  [/^visual\.proj_bias$/, 'head.bias'],
  [/^visual\.attn_pool\.probe$/, 'attn_pool.latent'],
  [/^visual\.attn_pool\.attn\.out_proj\./, 'attn_pool.proj.'],
  [/^visual\.attn_pool\.ln\./, 'attn_pool.norm.'],
  [/^visual\.attn_pool\.mlp\.c_fc\./, 'attn_pool.mlp.fc1.'],
  [/^visual\.attn_pool\.mlp\.c_proj\./, 'attn_pool.mlp.fc2.'],
];

/** Joined weights of EVA-02: keys have no bias, and the gate comes before the values. */
const JOINED: Readonly<Record<string, readonly string[]>> = {
  'attn.in_proj_weight': ['attn.q_proj.weight', 'attn.k_proj.weight', 'attn.v_proj.weight'],
  'attn.in_proj_bias': ['attn.q_proj.bias', ZEROS, 'attn.v_proj.bias'],
  'mlp.c_fc.weight': ['mlp.fc1_g.weight', 'mlp.fc1_x.weight'],
  'mlp.c_fc.bias': ['mlp.fc1_g.bias', 'mlp.fc1_x.bias'],
};

const INSIDE_BLOCKS: Renaming = [
  [/^ln_([12])\./, 'norm$1.'],
  [/^attn\.in_proj_/, 'attn.qkv.'],
  [/^attn\.ln\./, 'attn.norm.'],
  [/^attn\.out_proj\./, 'attn.proj.'],
  [/^mlp\.c_fc\./, 'mlp.fc1.'],
  [/^mlp\.ln\./, 'mlp.norm.'],
  [/^mlp\.c_proj\./, 'mlp.fc2.'],
];
