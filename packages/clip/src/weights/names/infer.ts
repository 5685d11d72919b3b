/** A model's sizes from the shapes of its weights, as OpenAI's build_model does, and from open_clip's configuration. */
import { FormatError, type Shape } from '@mudpt/tensor';
import { checkConfig, CLIP_CONFIGS, type ClipConfig, fromHuggingFace, type TowerConfig } from '../../config.ts';
import type { TowerName } from '../../weight-shapes.ts';
import type { Naming } from './naming.ts';

const OP = 'openWeights';

/** Shapes of a file's tensors by their names there. */
type Shapes = ReadonlyMap<string, { readonly shape: Shape }>;

/**
 * Sizes as the shapes tell them. What shapes do not tell is taken as in OpenAI's models: heads of 64 channels, quick_gelu, eps 1e-5.
 * A tower that the file does not have gets the sizes of ViT-B/16.
 * @throws FormatError when a weight is missing whose shape is needed, or has another rank
 */
export function inferConfig(shapes: Shapes, naming: Naming, file: string): ClipConfig {
  const fail = (problem: string) =>
    new FormatError(
      OP,
      `${file}: ${problem}`,
      'give the configuration beside the weights (config.json, open_clip_config.json) or as the option config',
    );
  const shapeOf = (name: string, rank: number): number[] => {
    const { parts, transposed } = naming.recipe(name);
    const found = parts[0] === undefined ? undefined : shapes.get(parts[0])?.shape;
    if (!found) throw fail(`its sizes are not known: ${parts[0]} is missing`);
    if (found.length !== rank) throw fail(`its sizes are not known: ${parts[0]} has the shape [${found.join(', ')}]`);
    return transposed ? found.toReversed() : [...found];
  };
  const tower = (prefix: string, width: number): TowerConfig => {
    if (width % 64 !== 0) throw fail(`its number of heads is not known: the width ${width} is not a multiple of 64`);
    const layers = countLayers(shapes, naming, prefix);
    const [hidden = 0] = layers > 0 ? shapeOf(`${prefix}transformer.resblocks.0.mlp.c_fc.weight`, 2) : [4 * width];
    return { width, heads: width / 64, layers, hidden, activation: 'quick_gelu', eps: 1e-5 };
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

/**
 * Reads open_clip_config.json, whole or its model_cfg. Unlike OpenAI's models these use exact gelu unless quick_gelu says otherwise.
 * @throws FormatError for what is no vision transformer of CLIP's kind
 */
export function fromOpenClip(json: unknown): ClipConfig {
  const root = record(json);
  const model = record(root['model_cfg'] ?? root);
  const [vision, text] = [record(model['vision_cfg']), record(model['text_cfg'])];
  const fail = (what: string, value: unknown) =>
    new FormatError(
      'fromOpenClip',
      `${what} is ${JSON.stringify(value)}`,
      'give the open_clip_config.json of a CLIP vision transformer',
    );
  const number = (from: Readonly<Record<string, unknown>>, name: string, otherwise?: number): number => {
    const value = from[name] ?? otherwise;
    if (typeof value !== 'number') throw fail(name, value);
    return value;
  };
  for (const other of ['timm_model_name', 'hf_model_name', 'attentional_pool']) {
    const value = vision[other] ?? text[other];
    if (value !== undefined && value !== null && value !== false && value !== '') throw fail(other, value);
  }
  const activation = model['quick_gelu'] === true ? 'quick_gelu' : 'gelu';
  const tower = (from: Readonly<Record<string, unknown>>, width: number, heads: number): TowerConfig => {
    const hidden = Math.round(width * number(from, 'mlp_ratio', 4));
    return { width, heads, layers: number(from, 'layers'), hidden, activation, eps: 1e-5 };
  };
  const [width, textWidth] = [number(vision, 'width'), number(text, 'width')];
  const preprocess = record(root['preprocess_cfg']);
  const [mean, std] = [triple(preprocess['mean']), triple(preprocess['std'])];
  return checkConfig(
    {
      embed: number(model, 'embed_dim'),
      image: {
        ...tower(vision, width, width / number(vision, 'head_width', 64)),
        size: number(vision, 'image_size'),
        patch: number(vision, 'patch_size'),
      },
      text: {
        ...tower(text, textWidth, number(text, 'heads')),
        context: number(text, 'context_length', 77),
        vocabulary: number(text, 'vocab_size', 49408),
      },
      ...(mean && std ? { normalization: { mean, std } } : {}),
    },
    'fromOpenClip',
    FormatError,
  );
}

/**
 * Reads a config.json of transformers: of a whole model, or of one tower saved by itself (the other one is taken as ViT-B/32).
 * @param preprocessor preprocessor_config.json, which has mean and standard deviation of the images
 */
export function fromTransformers(json: unknown, preprocessor?: unknown): ClipConfig {
  const settings = record(preprocessor);
  const [mean, std] = [triple(settings['image_mean']), triple(settings['image_std'])];
  return { ...modelConfig(json), ...(mean && std ? { normalization: { mean, std } } : {}) };
}

function modelConfig(json: unknown): ClipConfig {
  const root = record(json);
  const towers: Readonly<Record<string, [TowerName, string]>> = {
    clip_text_model: ['text', 'text_config'],
    clip_vision_model: ['image', 'vision_config'],
  };
  const [, section] = towers[String(root['model_type'])] ?? [];
  if (section === undefined) return fromHuggingFace(json);
  return fromHuggingFace({ model_type: 'clip', projection_dim: root['projection_dim'], [section]: root });
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isRecord ? (value as Record<string, unknown>) : {};
}

function triple(value: unknown): readonly [number, number, number] | undefined {
  if (!Array.isArray(value) || value.length !== 3 || !value.every((item) => typeof item === 'number')) return undefined;
  const [a, b, c] = value as number[];
  return a === undefined || b === undefined || c === undefined ? undefined : [a, b, c];
}
