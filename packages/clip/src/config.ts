/** Sizes of a CLIP model: named ones, and Hugging Face's config.json. Sources: OpenAI's CLIP (model.py), transformers' CLIPConfig. */
import { FormatError, InputError, type TensorError } from '@mudpt/tensor';
import type { Normalization } from './preprocess/index.ts';

/** Sizes of a tower. */
export type TowerConfig = {
  /** Channels of a token. */
  readonly width: number;
  readonly heads: number;
  /** Number of blocks. */
  readonly layers: number;
  /** Channels inside the feed-forward part. */
  readonly hidden: number;
  /** quick_gelu is x sigmoid(1.702 x), of OpenAI's models; gelu is exact (open_clip's default). They must not be mixed up. */
  readonly activation: 'quick_gelu' | 'gelu';
  /** Added to the variance by every layer norm. */
  readonly eps: number;
};

/** Sizes of the image tower. */
export type ImageConfig = TowerConfig & {
  /** Side of the square images, in pixels. */
  readonly size: number;
  /** Side of a patch, in pixels; divides `size`. */
  readonly patch: number;
};

/** Sizes of the text tower. */
export type TextConfig = TowerConfig & {
  /** Most tokens of a text, start and end included. */
  readonly context: number;
  /** Number of token ids. The largest one ends a text. */
  readonly vocabulary: number;
};

/** Sizes of a model: both towers, and the features they share. */
export type ClipConfig = {
  /** Channels of the features that both towers end in. */
  readonly embed: number;
  readonly image: ImageConfig;
  readonly text: TextConfig;
  /** Of the images it was trained with. Default: CLIP's. */
  readonly normalization?: Normalization;
};

function openAi(embed: number, patch: number, size: number, imageWidth: number, imageLayers: number): ClipConfig {
  const shared = { activation: 'quick_gelu', eps: 1e-5 } as const;
  const tower = (width: number, layers: number) => ({ width, layers, heads: width / 64, hidden: 4 * width, ...shared });
  return {
    embed,
    image: { ...tower(imageWidth, imageLayers), size, patch },
    // The text tower's width is that of the features in all of OpenAI's vision transformers.
    text: { ...tower(embed, 12), context: 77, vocabulary: 49408 },
  };
}

/** OpenAI's vision transformers. */
export const CLIP_CONFIGS = {
  'ViT-B/32': openAi(512, 32, 224, 768, 12),
  'ViT-B/16': openAi(512, 16, 224, 768, 12),
  'ViT-L/14': openAi(768, 14, 224, 1024, 24),
  'ViT-L/14@336': openAi(768, 14, 336, 1024, 24),
} as const satisfies Readonly<Record<string, ClipConfig>>;

/** Names of OpenAI's models, such as `ViT-B/16`. */
export type ClipName = keyof typeof CLIP_CONFIGS;

/** Tokens of an image: its class token and its patches. */
export function imageTokens({ size, patch }: Pick<ImageConfig, 'size' | 'patch'>): number {
  return 1 + (size / patch) ** 2;
}

/** Returns `config`. @throws InputError (FormatError with `Kind`, for one that was read from a file) naming the first size that cannot be */
export function checkConfig(config: ClipConfig, op = 'checkConfig', Kind: typeof TensorError = InputError): ClipConfig {
  const { embed, image, text } = config;
  const refuse = (name: string, value: unknown, fix: string): never => {
    throw new Kind(op, `${name} is ${JSON.stringify(value)}`, fix);
  };
  const whole = (name: string, value: number): void => {
    if (!(Number.isSafeInteger(value) && value >= 1)) refuse(name, value, 'use a whole number of at least 1');
  };
  whole('embed', embed);
  for (const [name, tower] of Object.entries({ image, text })) {
    for (const key of ['width', 'heads', 'layers', 'hidden'] as const) whole(`${name}.${key}`, tower[key]);
    if (tower.width % tower.heads !== 0) refuse(`${name}.heads`, tower.heads, `choose a divisor of the width ${tower.width}`);
    if (!['quick_gelu', 'gelu'].includes(tower.activation))
      refuse(`${name}.activation`, tower.activation, "use 'quick_gelu' or 'gelu'");
    if (!(tower.eps > 0)) refuse(`${name}.eps`, tower.eps, 'use a small number above 0, such as 1e-5');
  }
  whole('image.size', image.size);
  whole('image.patch', image.patch);
  if (image.size % image.patch !== 0) refuse('image.patch', image.patch, `choose a divisor of the image size ${image.size}`);
  whole('text.context', text.context);
  whole('text.vocabulary', text.vocabulary);
  return config;
}

/** What transformers assumes where config.json is silent (CLIPTextConfig, CLIPVisionConfig). */
const DEFAULTS = {
  text: { width: 512, hidden: 2048, layers: 12, heads: 8, context: 77, vocabulary: 49408 },
  image: { width: 768, hidden: 3072, layers: 12, heads: 12, size: 224, patch: 32 },
  embed: 512,
} as const;

/**
 * Reads the config.json of a Hugging Face CLIP directory.
 * @param json the parsed file
 * @throws FormatError for another kind of model, or values that cannot be
 */
export function fromHuggingFace(json: unknown): ClipConfig {
  const op = 'fromHuggingFace';
  const root = record(json);
  if (!root || (root['model_type'] !== undefined && root['model_type'] !== 'clip')) {
    const found = root ? `its model_type is ${JSON.stringify(root['model_type'])}` : 'it is not a JSON object';
    throw new FormatError(
      op,
      `config.json is not that of a CLIP model: ${found}`,
      "give the config.json of a model of type 'clip'",
    );
  }
  // Old files hold the same settings a second time under *_dict; transformers lets those win.
  const part = (name: string): Readonly<Record<string, unknown>> => ({ ...record(root[name]), ...record(root[`${name}_dict`]) });
  const [text, vision] = [part('text_config'), part('vision_config')];
  const tower = (
    section: string,
    from: Readonly<Record<string, unknown>>,
    otherwise: Omit<TowerConfig, 'activation' | 'eps'>,
  ) => {
    const activation = from['hidden_act'] ?? 'quick_gelu';
    if (activation !== 'quick_gelu' && activation !== 'gelu') {
      throw new FormatError(op, `${section}.hidden_act is ${JSON.stringify(activation)}`, 'use a model with quick_gelu or gelu');
    }
    return {
      width: number(op, from, section, 'hidden_size', otherwise.width),
      heads: number(op, from, section, 'num_attention_heads', otherwise.heads),
      layers: number(op, from, section, 'num_hidden_layers', otherwise.layers),
      hidden: number(op, from, section, 'intermediate_size', otherwise.hidden),
      activation,
      eps: number(op, from, section, 'layer_norm_eps', 1e-5),
    } as const;
  };
  const config: ClipConfig = {
    embed: number(op, root, 'config', 'projection_dim', DEFAULTS.embed),
    image: {
      ...tower('vision_config', vision, DEFAULTS.image),
      size: number(op, vision, 'vision_config', 'image_size', DEFAULTS.image.size),
      patch: number(op, vision, 'vision_config', 'patch_size', DEFAULTS.image.patch),
    },
    text: {
      ...tower('text_config', text, DEFAULTS.text),
      context: number(op, text, 'text_config', 'max_position_embeddings', DEFAULTS.text.context),
      vocabulary: number(op, text, 'text_config', 'vocab_size', DEFAULTS.text.vocabulary),
    },
  };
  return checkConfig(config, op, FormatError);
}

/** The config.json that transformers reads as this model. */
export function toHuggingFace({ embed, image, text }: ClipConfig): Record<string, unknown> {
  const tower = ({ width, heads, layers, hidden, activation, eps }: TowerConfig) => ({
    hidden_size: width,
    intermediate_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    hidden_act: activation,
    layer_norm_eps: eps,
    projection_dim: embed,
  });
  return {
    architectures: ['CLIPModel'],
    model_type: 'clip',
    projection_dim: embed,
    logit_scale_init_value: 2.6592,
    text_config: {
      model_type: 'clip_text_model',
      ...tower(text),
      max_position_embeddings: text.context,
      vocab_size: text.vocabulary,
      bos_token_id: text.vocabulary - 2,
      // 2 makes transformers look for the largest id of a text, as OpenAI's code does.
      eos_token_id: 2,
    },
    vision_config: {
      model_type: 'clip_vision_model',
      ...tower(image),
      image_size: image.size,
      patch_size: image.patch,
      num_channels: 3,
    },
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isRecord ? (value as Record<string, unknown>) : undefined;
}

function number(op: string, from: Readonly<Record<string, unknown>>, section: string, name: string, otherwise: number): number {
  const value = from[name] ?? otherwise;
  if (typeof value === 'number') return value;
  throw new FormatError(op, `${section}.${name} is ${JSON.stringify(value)}`, 'it must be a number');
}
