/** Hugging Face's config.json, read and written. Sources: transformers' CLIPConfig and SiglipConfig. */
import { FormatError } from '@mudpt/tensor';
import { checkConfig, type ClipConfig, type ImageConfig, type TextConfig, type TowerConfig } from '../../config.ts';
import { isRecord, type JsonRecord, recordOf } from './json.ts';

const OP = 'fromHuggingFace';

/** What transformers assumes where config.json is silent. */
const DEFAULTS = {
  clip: {
    text: { width: 512, hidden: 2048, layers: 12, heads: 8, context: 77, vocabulary: 49408 },
    image: { width: 768, hidden: 3072, layers: 12, heads: 12, size: 224, patch: 32 },
    embed: 512,
    activation: 'quick_gelu',
    eps: 1e-5,
  },
  siglip: {
    text: { width: 768, hidden: 3072, layers: 12, heads: 12, context: 64, vocabulary: 32000 },
    image: { width: 768, hidden: 3072, layers: 12, heads: 12, size: 224, patch: 16 },
    pad: 1,
    activation: 'gelu_tanh',
    eps: 1e-6,
  },
} as const;

type Architecture = keyof typeof DEFAULTS;

/** transformers' names of activations. */
const ACTIVATION_NAMES = {
  quick_gelu: 'quick_gelu',
  gelu: 'gelu',
  gelu_pytorch_tanh: 'gelu_tanh',
  gelu_new: 'gelu_tanh',
} as const satisfies Readonly<Record<string, TowerConfig['activation']>>;

/** The one that is written for each. */
const WRITTEN_ACTIVATIONS = { quick_gelu: 'quick_gelu', gelu: 'gelu', gelu_tanh: 'gelu_pytorch_tanh' } as const;

/**
 * Reads the config.json of a Hugging Face directory of CLIP, or of SigLIP (1, and 2 of fixed resolution, which says `siglip` too).
 * @param json the parsed file
 * @throws FormatError for another kind of model, or values that cannot be
 */
export function fromHuggingFace(json: unknown): ClipConfig {
  const root = isRecord(json) ? json : undefined;
  const type = root?.['model_type'] ?? 'clip';
  if (!root || (type !== 'clip' && type !== 'siglip')) throw otherModel(root, type);
  // Old files hold the same settings a second time under *_dict; transformers lets those win.
  const part = (name: string): JsonRecord => ({ ...recordOf(root[name]), ...recordOf(root[`${name}_dict`]) });
  const [text, vision] = [part('text_config'), part('vision_config')];
  const config = type === 'siglip' ? siglipConfig(text, vision) : clipConfig(root, text, vision);
  return checkConfig(config, OP, FormatError, (name) => nameInFile(name, type));
}

/** transformers' names of the sizes of a tower. */
const SIZE_NAMES: Readonly<Record<string, string>> = {
  width: 'hidden_size',
  heads: 'num_attention_heads',
  layers: 'num_hidden_layers',
  hidden: 'intermediate_size',
  eps: 'layer_norm_eps',
  size: 'image_size',
  patch: 'patch_size',
  context: 'max_position_embeddings',
  vocabulary: 'vocab_size',
  pad: 'pad_token_id',
};

/** `image.heads` as config.json calls it. */
function nameInFile(name: string, type: Architecture): string {
  const [tower, size = ''] = name.split('.');
  if (name === 'embed') return `config.json: ${type === 'siglip' ? 'text_config.projection_size' : 'projection_dim'}`;
  return `config.json: ${tower === 'image' ? 'vision_config' : 'text_config'}.${SIZE_NAMES[size] ?? size}`;
}

function clipConfig(root: JsonRecord, text: JsonRecord, vision: JsonRecord): ClipConfig {
  return {
    embed: number(root, 'config', 'projection_dim', DEFAULTS.clip.embed),
    image: imageSizes(vision, 'clip'),
    text: textSizes(text, 'clip'),
  };
}

function siglipConfig(text: JsonRecord, vision: JsonRecord): ClipConfig {
  if (vision['vision_use_head'] === false)
    throw new FormatError(
      OP,
      'config.json: vision_config.vision_use_head is false, so the image tower ends in no features',
      'give a SigLIP with its pooling head',
    );
  const sizes = textSizes(text, 'siglip');
  return {
    embed: number(text, 'text_config', 'projection_size', sizes.width),
    image: { ...imageSizes(vision, 'siglip'), architecture: 'siglip' },
    text: { ...sizes, architecture: 'siglip', pad: number(text, 'text_config', 'pad_token_id', DEFAULTS.siglip.pad) },
  };
}

function imageSizes(from: JsonRecord, architecture: Architecture) {
  const otherwise = DEFAULTS[architecture].image;
  const channels = number(from, 'vision_config', 'num_channels', 3);
  if (channels !== 3)
    throw new FormatError(
      OP,
      `config.json: vision_config.num_channels is ${channels}`,
      'give a model of images with red, green and blue',
    );
  return {
    ...towerSizes('vision_config', from, otherwise, architecture),
    size: number(from, 'vision_config', 'image_size', otherwise.size),
    patch: number(from, 'vision_config', 'patch_size', otherwise.patch),
  };
}

function textSizes(from: JsonRecord, architecture: Architecture) {
  const otherwise = DEFAULTS[architecture].text;
  return {
    ...towerSizes('text_config', from, otherwise, architecture),
    context: number(from, 'text_config', 'max_position_embeddings', otherwise.context),
    vocabulary: number(from, 'text_config', 'vocab_size', otherwise.vocabulary),
  };
}

function towerSizes(
  section: string,
  from: JsonRecord,
  otherwise: Omit<TowerConfig, 'activation' | 'eps'>,
  architecture: Architecture,
): TowerConfig {
  return {
    width: number(from, section, 'hidden_size', otherwise.width),
    heads: number(from, section, 'num_attention_heads', otherwise.heads),
    layers: number(from, section, 'num_hidden_layers', otherwise.layers),
    hidden: number(from, section, 'intermediate_size', otherwise.hidden),
    activation: activation(section, from['hidden_act'], DEFAULTS[architecture].activation),
    eps: number(from, section, 'layer_norm_eps', DEFAULTS[architecture].eps),
  };
}

function activation(section: string, name: unknown, otherwise: TowerConfig['activation']): TowerConfig['activation'] {
  if (name === undefined || name === null) return otherwise;
  if (typeof name === 'string' && Object.hasOwn(ACTIVATION_NAMES, name))
    return ACTIVATION_NAMES[name as keyof typeof ACTIVATION_NAMES];
  throw new FormatError(
    OP,
    `config.json: ${section}.hidden_act is ${JSON.stringify(name)}`,
    `use a model with one of ${Object.keys(ACTIVATION_NAMES).join(', ')}`,
  );
}

function number(from: JsonRecord, section: string, name: string, otherwise: number): number {
  const value = from[name] ?? otherwise;
  if (typeof value === 'number') return value;
  const path = section === 'config' ? name : `${section}.${name}`;
  throw new FormatError(OP, `config.json: ${path} is ${JSON.stringify(value)}`, 'it must be a number');
}

function otherModel(root: JsonRecord | undefined, type: unknown): FormatError {
  if (type === 'siglip2')
    return new FormatError(
      OP,
      'config.json is that of a SigLIP 2 of variable resolution (NaFlex), whose images have other numbers of patches each',
      'give one of fixed resolution, such as google/siglip2-base-patch16-224',
    );
  const found = root ? `its model_type is ${JSON.stringify(type)}` : 'it is not a JSON object';
  return new FormatError(
    OP,
    `config.json is not that of a CLIP model: ${found}`,
    "give the config.json of a model of type 'clip' or 'siglip'",
    { code: 'model.otherType', values: { found } },
  );
}

/** The config.json that transformers reads as this model. @throws FormatError for towers that no model of transformers has together */
export function toHuggingFace(config: ClipConfig): Record<string, unknown> {
  const { embed, image, text } = config;
  const [ofImage, ofText] = [image.architecture ?? 'clip', text.architecture ?? 'clip'];
  if (ofImage !== ofText)
    throw new FormatError(
      'toHuggingFace',
      `the image tower is one of ${ofImage} and the text tower one of ${ofText}, which no model of transformers is`,
      'save the towers as they were loaded',
    );
  return image.architecture === 'siglip' ? siglipJson(embed, image, text) : clipJson(embed, image, text);
}

function towerJson({ width, heads, layers, hidden, activation: name, eps }: TowerConfig) {
  return {
    hidden_size: width,
    intermediate_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    hidden_act: WRITTEN_ACTIVATIONS[name],
    layer_norm_eps: eps,
  };
}

const imageJson = ({ size, patch }: ImageConfig) => ({ image_size: size, patch_size: patch, num_channels: 3 });
const textJson = ({ context, vocabulary }: TextConfig) => ({ max_position_embeddings: context, vocab_size: vocabulary });

function clipJson(embed: number, image: ImageConfig, text: TextConfig): Record<string, unknown> {
  return {
    architectures: ['CLIPModel'],
    model_type: 'clip',
    projection_dim: embed,
    logit_scale_init_value: 2.6592,
    text_config: {
      model_type: 'clip_text_model',
      ...towerJson(text),
      projection_dim: embed,
      ...textJson(text),
      bos_token_id: text.vocabulary - 2,
      // 2 makes transformers look for the largest id of a text, as OpenAI's code does.
      eos_token_id: 2,
    },
    vision_config: { model_type: 'clip_vision_model', ...towerJson(image), projection_dim: embed, ...imageJson(image) },
  };
}

function siglipJson(embed: number, image: ImageConfig, text: TextConfig): Record<string, unknown> {
  return {
    architectures: ['SiglipModel'],
    model_type: 'siglip',
    text_config: {
      model_type: 'siglip_text_model',
      ...towerJson(text),
      projection_size: embed,
      ...textJson(text),
      ...(text.architecture === 'siglip' && { pad_token_id: text.pad }),
    },
    vision_config: { model_type: 'siglip_vision_model', ...towerJson(image), ...imageJson(image) },
  };
}
