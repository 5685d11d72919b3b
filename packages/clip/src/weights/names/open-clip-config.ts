/** open_clip's configuration of a model. Source: open_clip, model.py (CLIPVisionCfg, CLIPTextCfg) and transformer.py. */
import { FormatError } from '@mudpt/tensor';
import { checkConfig, type ClipConfig, type ImageConfig, type TextConfig, type TowerConfig } from '../../config.ts';
import type { TextCleaning } from '../../tokenizer/index.ts';
import { type JsonRecord, record } from './json.ts';
import { badSetting, numberSetting } from './open-clip-settings.ts';
import { fromPreprocessCfg } from './preprocessing.ts';
import { timmImage } from './timm-towers.ts';

const OP = 'fromOpenClip';

/** The file's name in a model's folder. */
export const OPEN_CLIP_CONFIG = 'open_clip_config.json';

/** Settings that change what a tower computes, and the only values that are implemented. Absent, null and false count as the first. */
const IMPLEMENTED: Readonly<Record<'vision_cfg' | 'text_cfg', Readonly<Record<string, readonly unknown[]>>>> = {
  vision_cfg: {
    attentional_pool: [false],
    attn_pooler_queries: [undefined, 256],
    block_type: [undefined, 'default'],
    final_ln_after_pool: [false],
    global_average_pool: [false],
    input_patchnorm: [false],
    ls_init_value: [undefined],
    no_ln_pre: [false],
    pool_type: [undefined, 'tok'],
    pos_embed_type: [undefined, 'learnable'],
    qk_norm: [false],
    scale_attn: [false],
    scale_attn_inner: [false],
    scale_fc: [false],
    scale_heads: [false],
    scaled_cosine_attn: [false],
  },
  text_cfg: {
    block_type: [undefined, 'default'],
    embed_cls: [false],
    final_ln_after_pool: [false],
    hf_model_name: [undefined, ''],
    ln_post_emb: [false],
    ls_init_value: [undefined],
    proj_type: [undefined, 'linear'],
    qk_norm: [false],
    scale_attn: [false],
    scale_attn_inner: [false],
    scale_fc: [false],
    scale_heads: [false],
    scaled_cosine_attn: [false],
  },
};

/**
 * Reads open_clip_config.json, whole or its model_cfg. Unlike OpenAI's models these use exact gelu unless quick_gelu says otherwise.
 * @throws FormatError naming the setting that asks for something else than a vision transformer of CLIP's kind
 */
export function fromOpenClip(json: unknown): ClipConfig {
  const root = record(json);
  const model = record(root['model_cfg'] ?? root);
  const [vision, text] = [record(model['vision_cfg']), record(model['text_cfg'])];
  for (const [section, from] of [
    ['vision_cfg', vision],
    ['text_cfg', text],
  ] as const)
    expectImplemented(section, from);
  const isQuick = model['quick_gelu'] === true;
  const isTimm = Boolean(vision['timm_model_name']);
  const image = isTimm ? timmImage(vision) : imageConfig(vision, isQuick);
  const config: ClipConfig = {
    embed: numberSetting(model, 'embed_dim'),
    image,
    // Beside a tower of timm the texts have exact gelu, whatever quick_gelu says.
    text: textConfig(text, isQuick && !isTimm, image.architecture === 'siglip'),
    ...fromPreprocessCfg(root['preprocess_cfg'], image.architecture ?? 'clip'),
  };
  return checkConfig(config, OP, FormatError);
}

/**
 * What open_clip does to a text before SigLIP's tokenizer. Source: open_clip, tokenizer.py (HFTokenizer; its SigLipTokenizer where tokenizer_kwargs are silent).
 * @param json the parsed open_clip_config.json
 * @throws FormatError naming a cleaning that is not implemented
 */
export function textCleaning(json: unknown): TextCleaning {
  const root = record(json);
  const text = record(record(root['model_cfg'] ?? root)['text_cfg']);
  const clean = record(text['tokenizer_kwargs'])['clean'] ?? 'canonicalize';
  if (clean === 'canonicalize') return 'open_clip';
  throw badSetting('text_cfg.tokenizer_kwargs.clean', clean, 'give a SigLIP with "canonicalize", or the option tokenizer');
}

function imageConfig(vision: JsonRecord, isQuick: boolean): ImageConfig {
  const width = numberSetting(vision, 'width');
  return {
    ...towerSizes(vision, width, width / numberSetting(vision, 'head_width', 64), isQuick),
    size: numberSetting(vision, 'image_size'),
    patch: numberSetting(vision, 'patch_size'),
  };
}

/** What a text tower has that stands beside SigLIP's images, and one that stands beside any other. */
const TEXT_SETTINGS = {
  siglip: { no_causal_mask: true, proj_bias: true, pool_type: 'last' },
  clip: { no_causal_mask: false, proj_bias: false, pool_type: 'argmax' },
} as const;

function textConfig(text: JsonRecord, isQuick: boolean, isSiglip: boolean): TextConfig {
  for (const [name, expected] of Object.entries(TEXT_SETTINGS[isSiglip ? 'siglip' : 'clip'])) {
    // open_clip takes CLIP's where the file is silent.
    const value = text[name] ?? TEXT_SETTINGS.clip[name as keyof typeof TEXT_SETTINGS.clip];
    if (value !== expected)
      throw badSetting(`text_cfg.${name}`, value, `beside this image tower ${JSON.stringify(expected)} alone is implemented`);
  }
  const sizes = {
    ...towerSizes(text, numberSetting(text, 'width'), numberSetting(text, 'heads'), isQuick),
    context: numberSetting(text, 'context_length', 77),
    vocabulary: numberSetting(text, 'vocab_size', 49408),
  };
  return isSiglip ? { ...sizes, architecture: 'siglip', pad: padOf(sizes.vocabulary) } : sizes;
}

/** The tokenizer's padding where the folder has no tokenizer: Gemma's, or that of sentencepiece's smaller vocabularies. Source: open_clip, SigLipTokenizer. */
function padOf(vocabulary: number): number {
  return vocabulary === 256000 ? 0 : 1;
}

function towerSizes(from: JsonRecord, width: number, heads: number, isQuick: boolean): TowerConfig {
  const isTanh = record(from['act_kwargs'])['approximate'] === 'tanh';
  return {
    width,
    heads,
    layers: numberSetting(from, 'layers'),
    hidden: Math.trunc(width * numberSetting(from, 'mlp_ratio', 4)),
    activation: isQuick ? 'quick_gelu' : isTanh ? 'gelu_tanh' : 'gelu',
    eps: numberSetting(record(from['norm_kwargs']), 'eps', 1e-5),
  };
}

function expectImplemented(section: keyof typeof IMPLEMENTED, from: JsonRecord): void {
  for (const [name, known] of Object.entries(IMPLEMENTED[section])) {
    const value = from[name] ?? undefined;
    if (value !== undefined && value !== false && !known.includes(value)) throw badSetting(`${section}.${name}`, value);
  }
}
