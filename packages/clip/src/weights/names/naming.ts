/** Whose names a file of weights has: OpenAI's and open_clip's, or transformers'. */
import { FormatError } from '@mudpt/tensor';
import type { ClipConfig } from '../../config.ts';
import type { TowerName } from '../../weight-shapes.ts';
import { huggingFaceRecipe, TOWER_PREFIXES } from './hugging-face-names.ts';
import { openAiRecipe, trunkRecipe } from './open-clip-names.ts';
import type { Recipe } from './recipe.ts';

export type NamingStyle = 'openai' | 'huggingface';

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

/** Tensors that tell a tower and a style. */
const ANCHORS = {
  huggingface: { image: 'embeddings.patch_embedding.weight', text: 'embeddings.token_embedding.weight' },
  openai: { image: 'visual.conv1.weight', text: 'token_embedding.weight' },
} as const;

/** Tensors that tell timm's image towers within open_clip's models. */
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
    const image = trunk ?? findPrefix(names, ANCHORS[style].image, file);
    const text = findPrefix(names, ANCHORS[style].text, file);
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
  const anchors = [...Object.values(ANCHORS).flatMap(({ image, text }) => [image, text]), ...TRUNKS];
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

/** The naming of a whole model as transformers saves it, for writing one. */
export function huggingFaceNaming({ text }: Pick<ClipConfig, 'text'>): (name: string) => Recipe {
  return huggingFaceRecipe(TOWER_PREFIXES, new Set(), text.architecture === 'siglip');
}
