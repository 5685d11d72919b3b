/**
 * How checkpoints name and lay out CLIP's weights, against OpenAI's names, which this package uses. open_clip's names are OpenAI's.
 * Hugging Face splits the packed projection of attention into q, k, v and stores the two last projections transposed (as linear
 * layers): transformers' convert_clip_original_pytorch_to_hf.py.
 */
import { FormatError, InputError } from '@mudpt/tensor';
import type { ClipConfig } from '../../config.ts';
import type { TowerName } from '../../weight-shapes.ts';

export type NamingStyle = 'openai' | 'huggingface';

/** Where one weight lies in a file. */
export interface Recipe {
  /** Tensors of the file, joined along their first axis; {@link ZEROS} for a part that the file does not have. */
  readonly parts: readonly string[];
  /** Whether the file holds the transpose. */
  readonly transposed: boolean;
}

/** Stands for a part of zeros: a bias that a model does not have. */
export const ZEROS = '';

/** The names of one file. */
export interface Naming {
  readonly style: NamingStyle;
  /** The towers the file has. */
  readonly towers: readonly TowerName[];
  /** Where the weight of this OpenAI name lies. */
  recipe(name: string): Recipe;
  /** Whether a tensor of the file is a constant that the model does not need. */
  isIgnored(name: string): boolean;
}

/** Tensors that tell a tower and a style, and the towers' prefix in a whole model. */
const ANCHORS = {
  huggingface: {
    image: { anchor: 'embeddings.patch_embedding.weight', prefix: 'vision_model.' },
    text: { anchor: 'embeddings.token_embedding.weight', prefix: 'text_model.' },
  },
  openai: {
    image: { anchor: 'visual.conv1.weight', prefix: '' },
    text: { anchor: 'token_embedding.weight', prefix: '' },
  },
} as const;

/** Of timm's image towers within open_clip's models. */
const TRUNKS = ['trunk.patch_embed.proj.weight', 'trunk.patch_embed.backbone.0.conv.weight'];

/** Buffers of positions, counters of batch norms, the sizes in OpenAI's archives, the causal mask of some open_clip files. */
const IGNORED = /(^|\.)(position_ids|input_resolution|context_length|vocab_size|attn_mask|num_batches_tracked)$/;

/**
 * Tells from the names whose they are. What lies before the names (`module.` of DataParallel, a wrapper's attribute) may be anything.
 * @throws FormatError when they are no CLIP's, or those of two models
 */
export function findNaming(names: ReadonlySet<string>, file: string): Naming {
  for (const style of ['huggingface', 'openai'] as const) {
    const trunks = style === 'openai' ? TRUNKS.map((anchor) => findPrefix(names, anchor, file)) : [];
    const trunk = trunks.find((found) => found !== undefined);
    const image = trunk ?? findPrefix(names, ANCHORS[style].image.anchor, file);
    const text = findPrefix(names, ANCHORS[style].text.anchor, file);
    if (image === undefined && text === undefined) continue;
    const towers: TowerName[] = [];
    if (image !== undefined) towers.push('image');
    if (text !== undefined) towers.push('text');
    const prefix = { image: image ?? '', text: text ?? '' };
    const heads = [image, text].flatMap((one) => (one === undefined ? [] : [`${one}head.`]));
    const isSiglip = [...names].some((name) => heads.some((head) => name.startsWith(head)));
    const openAi = trunk === undefined ? openAiRecipe(prefix, names) : trunkRecipe(prefix, names);
    const recipe = style === 'openai' ? openAi : huggingFaceRecipe(prefix, names, isSiglip);
    return { style, towers, recipe, isIgnored: (name) => IGNORED.test(name) };
  }
  const some = [...names].slice(0, 5).join(', ');
  throw new FormatError(
    'openWeights',
    `${file}: of its ${names.size} tensors (${some}${names.size > 5 ? ', …' : ''}) none is named like a CLIP's`,
    'give the weights of a CLIP vision transformer in the names of OpenAI, open_clip or Hugging Face',
    { code: 'model.noClip', values: { file, some } },
  );
}

/** Whether names are those of a CLIP's tower, or of both. */
export function hasTower(names: ReadonlySet<string>): boolean {
  const anchors = Object.values(ANCHORS).flatMap(({ image, text }) => [image.anchor, text.anchor]);
  return anchors.some((anchor) => names.has(anchor) || [...names].some((name) => name.endsWith(`.${anchor}`)));
}

function findPrefix(names: ReadonlySet<string>, anchor: string, file: string): string | undefined {
  const found = [...names].filter((name) => name === anchor || name.endsWith(`.${anchor}`));
  if (found.length <= 1) return found[0]?.slice(0, -anchor.length);
  throw new FormatError(
    'openWeights',
    `${file}: it holds ${found.length} models (${found.join(', ')})`,
    'save the state dict of one of them by itself',
    { code: 'model.several', values: { file, count: found.length } },
  );
}

type Prefixes = Readonly<Record<TowerName, string>>;

function openAiRecipe(prefix: Prefixes, names: ReadonlySet<string>): (name: string) => Recipe {
  return (name) => {
    const towerPrefix = name.startsWith('visual.') ? prefix.image : prefix.text;
    const found = isOfLogits(name) ? findLogits(name, [prefix.image, prefix.text], names) : towerPrefix + name;
    return { parts: [found], transposed: false };
  };
}

/** open_clip's texts, and an image tower of timm (EVA-02, MobileCLIP). */
function trunkRecipe(prefix: Prefixes, names: ReadonlySet<string>): (name: string) => Recipe {
  const openAi = openAiRecipe(prefix, names);
  const isSplit = [...names].some((name) => name.endsWith('.attn.q_proj.weight'));
  const trunk = (...parts: readonly string[]): Recipe => ({
    parts: parts.map((part) => (part === ZEROS ? ZEROS : `${prefix.image}trunk.${part}`)),
    transposed: false,
  });
  return (name) => {
    if (!name.startsWith('visual.')) return openAi(name);
    if (name === 'visual.proj') return { ...trunk('head.weight'), transposed: true };
    if (name.startsWith('visual.stem.')) return trunk(name.replace('visual.stem.', 'patch_embed.backbone.'));
    const outside = TRUNK_OUTSIDE[name];
    if (outside !== undefined) return trunk(outside);
    const [, layer, rest = ''] = /^visual\.transformer\.resblocks\.(\d+)\.(.+)$/.exec(name) ?? [];
    const block = `blocks.${layer}.`;
    const several = TRUNK_JOINED[rest];
    if (several && isSplit) return trunk(...several.map((part) => (part === ZEROS ? ZEROS : block + part)));
    for (const [pattern, replacement] of TRUNK_BLOCKS)
      if (pattern.test(rest)) return trunk(block + rest.replace(pattern, replacement));
    throw new InputError('openWeights', `${name} is no name of EVA-02's or MobileCLIP's`, 'use the names of weightShapes');
  };
}

const TRUNK_OUTSIDE: Readonly<Record<string, string>> = {
  'visual.conv1.weight': 'patch_embed.proj.weight',
  'visual.conv1.bias': 'patch_embed.proj.bias',
  'visual.class_embedding': 'cls_token',
  'visual.positional_embedding': 'pos_embed',
  'visual.ln_post.weight': 'norm.weight',
  'visual.ln_post.bias': 'norm.bias',
  'visual.proj_bias': 'head.bias',
};

/** Keys have no bias. The gate comes before the values. */
const TRUNK_JOINED: Readonly<Record<string, readonly string[]>> = {
  'attn.in_proj_weight': ['attn.q_proj.weight', 'attn.k_proj.weight', 'attn.v_proj.weight'],
  'attn.in_proj_bias': ['attn.q_proj.bias', ZEROS, 'attn.v_proj.bias'],
  'mlp.c_fc.weight': ['mlp.fc1_g.weight', 'mlp.fc1_x.weight'],
  'mlp.c_fc.bias': ['mlp.fc1_g.bias', 'mlp.fc1_x.bias'],
};

const TRUNK_BLOCKS: readonly (readonly [RegExp, string])[] = [
  [/^ln_([12])\./, 'norm$1.'],
  [/^attn\.in_proj_/, 'attn.qkv.'],
  [/^attn\.ln\./, 'attn.norm.'],
  [/^mlp\.c_fc\./, 'mlp.fc1.'],
  [/^attn\.out_proj\./, 'attn.proj.'],
  [/^mlp\.ln\./, 'mlp.norm.'],
  [/^mlp\.c_proj\./, 'mlp.fc2.'],
];

/** The factor of similarities and what is added to them. */
function isOfLogits(name: string): boolean {
  return name === 'logit_scale' || name === 'logit_bias';
}

/** Of the whole model; where each tower has another prefix it belongs to either or to none. */
function findLogits(name: string, prefixes: readonly string[], names: ReadonlySet<string>): string {
  const candidates = [...prefixes, ''].map((prefix) => prefix + name);
  return candidates.find((candidate) => names.has(candidate)) ?? name;
}

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

function huggingFaceRecipe(prefix: Prefixes, names: ReadonlySet<string>, isSiglip: boolean): (name: string) => Recipe {
  const base = (tower: TowerName) => {
    const { prefix: standard } = ANCHORS.huggingface[tower];
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
    throw new InputError('openWeights', `${name} is no name of OpenAI's`, 'use the names of weightShapes');
  };
}

/** The naming of a whole model as transformers saves it, for writing one. */
export function huggingFaceNaming({ text }: Pick<ClipConfig, 'text'>): (name: string) => Recipe {
  const { image, text: ofText } = ANCHORS.huggingface;
  return huggingFaceRecipe({ image: image.prefix, text: ofText.prefix }, new Set(), text.architecture === 'siglip');
}
