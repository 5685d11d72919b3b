/** Sizes of a model and the architectures of its towers. Source: OpenAI's CLIP (model.py). */
import { InputError, type TensorError } from '@mudpt/tensor';
import type { Normalization, Resizing } from './preprocess/index.ts';

/** The activation between the two products of a block's feed-forward part. */
export const ACTIVATIONS = ['quick_gelu', 'gelu', 'gelu_tanh'] as const;

/** Sizes of a tower. */
export type TowerConfig = {
  /** Channels of a token. */
  readonly width: number;
  readonly heads: number;
  /** Number of blocks. */
  readonly layers: number;
  /** Channels inside the feed-forward part. */
  readonly hidden: number;
  /** quick_gelu is x sigmoid(1.702 x), of OpenAI's models; gelu is exact (open_clip's default); gelu_tanh is SigLIP's. They must not be mixed up. */
  readonly activation: (typeof ACTIVATIONS)[number];
  /** Added to the variance by every layer norm. */
  readonly eps: number;
};

/** Sizes of any image tower. */
export type ImageSizes = TowerConfig & {
  /** Side of the square images, in pixels. */
  readonly size: number;
  /** Side of a patch, in pixels. Pixels at the right and bottom that fill no patch are not read (only SigLIP has such sizes). */
  readonly patch: number;
};

/** Image tower of CLIP: a class token before the patches, a norm before the blocks; the class token is projected after them. */
export type ClipImageConfig = ImageSizes & { readonly architecture?: 'clip' };

/** Image tower of SigLIP: patches alone, and after the blocks a learnt query attends to all tokens. Its width is that of the features. */
export type SiglipImageConfig = ImageSizes & { readonly architecture: 'siglip' };

/** Image tower of EVA-02: CLIP's class token, and blocks with rotary positions, norms within and gates; no norm before them. `hidden` counts the gated channels. */
export type EvaImageConfig = ImageSizes & {
  readonly architecture: 'eva02';
  /** Patches along a side in pretraining: rotary positions are scaled to this grid. */
  readonly pretrainedSide: number;
};

/** Image tower of MobileCLIP-B: three convolutions embed a patch of 16, a class token without a position, no norm before the blocks. */
export type MobileClipImageConfig = ImageSizes & { readonly architecture: 'mobileclip' };

/** The image tower. */
export type ImageConfig = ClipImageConfig | SiglipImageConfig | EvaImageConfig | MobileClipImageConfig;

/** Sizes of any text tower. */
export type TextSizes = TowerConfig & {
  /** Most tokens of a text, start and end included. */
  readonly context: number;
  /** Number of token ids. */
  readonly vocabulary: number;
};

/** Text tower of CLIP: causal, read at the end of the text, which is the largest id. */
export type ClipTextConfig = TextSizes & { readonly architecture?: 'clip' };

/** Text tower of SigLIP: every token attends to every other, padding too, and the last of all `context` positions is read. */
export type SiglipTextConfig = TextSizes & {
  readonly architecture: 'siglip';
  /** The id that fills texts up to the context; the tokenizer's, where the model has one. */
  readonly pad: number;
};

/** The text tower. */
export type TextConfig = ClipTextConfig | SiglipTextConfig;

/** Sizes of a model: both towers, and the features they share. */
export type ClipConfig = {
  /** Channels of the features that both towers end in. */
  readonly embed: number;
  readonly image: ImageConfig;
  readonly text: TextConfig;
  /** Mean and deviation of the channels of its training images. Default: CLIP's. */
  readonly normalization?: Normalization;
  /** How images become squares. Default: CLIP's, the short side resized and the centre cropped, bicubic. */
  readonly resizing?: Resizing;
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

const IMAGE_ARCHITECTURES: readonly string[] = ['clip', 'siglip', 'eva02', 'mobileclip'];
const TEXT_ARCHITECTURES: readonly string[] = ['clip', 'siglip'];

/** Whether a model adds a learnt number to its logits, as those trained with the sigmoid loss do. */
export function hasLogitBias({ text }: ClipConfig): boolean {
  return text.architecture === 'siglip';
}

/** Patches along a side of an image. */
export function patchesPerSide({ size, patch }: Pick<ImageConfig, 'size' | 'patch'>): number {
  return Math.floor(size / patch);
}

/** Tokens of an image: its patches, and its class token where the architecture has one. */
export function imageTokens(config: Pick<ImageConfig, 'size' | 'patch' | 'architecture'>): number {
  return patchesPerSide(config) ** 2 + (config.architecture === 'siglip' ? 0 : 1);
}

/**
 * Returns `config`. @throws InputError (FormatError with `Kind`, for one that was read from a file) naming the first size that is not possible
 * @param nameOf what a size is called where it was read, such as `vision_config.num_attention_heads` for `image.heads`
 */
export function checkConfig(
  config: ClipConfig,
  op = 'checkConfig',
  Kind: typeof TensorError = InputError,
  nameOf: (name: string) => string = (name) => name,
): ClipConfig {
  const { embed, image, text } = config;
  const refuse = (name: string, value: unknown, fix: string): never => {
    throw new Kind(op, `${nameOf(name)} is ${JSON.stringify(value)}`, fix);
  };
  const whole = (name: string, value: number, least = 1): void => {
    if (!(Number.isSafeInteger(value) && value >= least)) refuse(name, value, `use a whole number of at least ${least}`);
  };
  whole('embed', embed);
  for (const [name, tower] of Object.entries({ image, text })) {
    for (const key of ['width', 'heads', 'layers', 'hidden'] as const) whole(`${name}.${key}`, tower[key]);
    if (tower.width % tower.heads !== 0) refuse(`${name}.heads`, tower.heads, `choose a divisor of the width ${tower.width}`);
    if (!ACTIVATIONS.includes(tower.activation))
      refuse(`${name}.activation`, tower.activation, `use one of ${ACTIVATIONS.join(', ')}`);
    if (!(tower.eps > 0)) refuse(`${name}.eps`, tower.eps, 'use a small number above 0, such as 1e-5');
    const known = name === 'image' ? IMAGE_ARCHITECTURES : TEXT_ARCHITECTURES;
    if (tower.architecture !== undefined && !known.includes(tower.architecture))
      refuse(`${name}.architecture`, tower.architecture, `use one of ${known.join(', ')}`);
  }
  whole('image.size', image.size);
  whole('image.patch', image.patch);
  if (image.architecture === 'siglip') {
    if (image.patch > image.size) refuse('image.patch', image.patch, `choose at most the image size ${image.size}`);
    if (image.width !== embed)
      refuse('embed', embed, `a SigLIP image tower ends in features of its width ${image.width}: use that`);
  } else if (image.size % image.patch !== 0)
    refuse('image.patch', image.patch, `choose a divisor of the image size ${image.size}`);
  if (image.architecture === 'eva02') {
    whole('image.pretrainedSide', image.pretrainedSide);
    if ((image.width / image.heads) % 4 !== 0)
      refuse('image.heads', image.heads, 'choose heads of a multiple of 4 channels, which turn in pairs by row and by column');
  }
  if (image.architecture === 'mobileclip') {
    if (image.patch !== 16) refuse('image.patch', image.patch, 'use 16: the convolutions have windows of 4, 2 and 2');
    if (image.width % 4 !== 0)
      refuse('image.width', image.width, 'choose a multiple of 4: the first convolutions have a quarter of it');
  }
  whole('text.context', text.context);
  whole('text.vocabulary', text.vocabulary);
  if (text.architecture === 'siglip') {
    whole('text.pad', text.pad, 0);
    if (text.pad >= text.vocabulary) refuse('text.pad', text.pad, `choose an id below the vocabulary ${text.vocabulary}`);
  }
  return config;
}
