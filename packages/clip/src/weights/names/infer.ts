/** A model's sizes from the shapes of its weights, as OpenAI's build_model does. */
import { FormatError, type Shape } from '@mudpt/tensor';
import { checkConfig, CLIP_CONFIGS, type ClipConfig, type TowerConfig } from '../../config.ts';
import type { Naming } from './naming.ts';

const OP = 'openWeights';

/** Shapes of a file's tensors by their names there. */
type Shapes = ReadonlyMap<string, { readonly shape: Shape }>;

/** Heads of open_clip's image towers ViT-H, ViT-g and ViT-bigG, which have 80, 88 and 104 channels. OpenAI's have no such widths. */
const HEADS_OF_WIDTH: Readonly<Record<number, number>> = { 1280: 16, 1408: 16, 1664: 16 };

/**
 * Sizes as the shapes tell them. What shapes do not tell is taken as in OpenAI's models: heads of 64 channels (of more in widths that open_clip
 * alone has), quick_gelu, eps 1e-5.
 * A tower that the file does not have gets the sizes of ViT-B/16.
 * @throws FormatError when a weight is missing whose shape is needed, or has another rank
 */
export function inferConfig(shapes: Shapes, naming: Naming, file: string): ClipConfig {
  const fail = (problem: string) =>
    new FormatError(
      OP,
      `${file}: ${problem}`,
      'give the configuration beside the weights (config.json, open_clip_config.json) or as the option config',
      { code: 'model.sizes', values: { file, problem } },
    );
  const shapeOf = (name: string, rank: number): number[] => {
    const { parts, transposed } = naming.recipe(name);
    const found = parts[0] === undefined ? undefined : shapes.get(parts[0])?.shape;
    if (!found) throw fail(`its sizes are not known: ${parts[0]} is missing`);
    if (found.length !== rank) throw fail(`its sizes are not known: ${parts[0]} has the shape [${found.join(', ')}]`);
    return transposed ? found.toReversed() : [...found];
  };
  const tower = (prefix: string, width: number): TowerConfig => {
    const heads = (prefix === 'visual.' ? HEADS_OF_WIDTH[width] : undefined) ?? width / 64;
    if (!Number.isInteger(heads)) throw fail(`its number of heads is not known: the width ${width} is not a multiple of 64`);
    const layers = countLayers(shapes, naming, prefix);
    const [hidden = 0] = layers > 0 ? shapeOf(`${prefix}transformer.resblocks.0.mlp.c_fc.weight`, 2) : [4 * width];
    return { width, heads, layers, hidden, activation: 'quick_gelu', eps: 1e-5 };
  };
  let config: ClipConfig = CLIP_CONFIGS['ViT-B/16'];
  if (naming.towers.includes('image')) {
    const [width = 0, , patch = 0] = shapeOf('visual.conv1.weight', 4);
    const [tokens = 0] = shapeOf('visual.positional_embedding', 2);
    const [, embed = 0] = shapeOf('visual.proj', 2);
    const grid = Math.sqrt(tokens - 1);
    if (!Number.isInteger(grid)) throw fail(`${tokens - 1} patches do not fill a square`);
    config = { ...config, embed, image: { ...tower('visual.', width), size: grid * patch, patch } };
  }
  if (naming.towers.includes('text')) {
    const [vocabulary = 0, width = 0] = shapeOf('token_embedding.weight', 2);
    const [context = 0] = shapeOf('positional_embedding', 2);
    const [, embed = 0] = shapeOf('text_projection', 2);
    config = { ...config, embed, text: { ...tower('', width), context, vocabulary } };
  }
  return checkConfig(config, OP, FormatError);
}

/** Blocks that have the weight of their first norm; a gap is found later, as missing weights. */
function countLayers(shapes: Shapes, { recipe }: Naming, prefix: string): number {
  let layers = 0;
  while (recipe(`${prefix}transformer.resblocks.${layers}.ln_1.weight`).parts.every((part) => shapes.has(part))) layers += 1;
  return layers;
}
