/** open_clip's configuration of a model. Source: open_clip, model.py (CLIPVisionCfg, CLIPTextCfg) and transformer.py. */
import { FormatError } from '@mudpt/tensor';
import { checkConfig, type ClipConfig, type ImageConfig, type TextConfig, type TowerConfig } from '../../config.ts';
import type { TextCleaning } from '../../tokenizer/index.ts';
import { isRecord, recordOf } from './json.ts';
import { badSetting, numberSetting, type Section } from './open-clip-settings.ts';
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
  const root = recordOf(json);
  const model = recordOf(root['model_cfg'] ?? root);
  const section = (name: 'vision_cfg' | 'text_cfg'): Section => {
    if (!isRecord(model[name])) throw badSetting(name, model[name]);
    const found = { values: model[name], path: `${name}.` };
    expectImplemented(name, found);
    return found;
  };
  const [vision, text] = [section('vision_cfg'), section('text_cfg')];
  const isQuick = model['quick_gelu'] === true;
  const isTimm = Boolean(vision.values['timm_model_name']);
  const image = isTimm ? timmImage(vision) : imageConfig(vision, isQuick);
  const config: ClipConfig = {
    embed: numberSetting({ values: model, path: '' }, 'embed_dim'),
    image,
    // Beside a tower of timm the texts have exact gelu, whatever quick_gelu says.
    text: textConfig(text, isQuick && !isTimm, image.architecture === 'siglip'),
    ...fromPreprocessCfg(root['preprocess_cfg'], image.architecture ?? 'clip'),
  };
  return checkConfig(config, OP, FormatError, nameInFile);
}

/** open_clip's names of sizes that are called otherwise here. */
const SIZE_NAMES: Readonly<Record<string, string>> = {
  hidden: 'width times mlp_ratio',
  eps: 'norm_kwargs.eps',
  size: 'image_size',
  patch: 'patch_size',
  context: 'context_length',
  vocabulary: 'vocab_size',
};

/** `image.patch` as open_clip_config.json calls it. */
function nameInFile(name: string): string {
  const [tower, size = ''] = name.split('.');
  if (name === 'embed') return `${OPEN_CLIP_CONFIG}: embed_dim`;
  return `${OPEN_CLIP_CONFIG}: ${tower === 'image' ? 'vision_cfg' : 'text_cfg'}.${SIZE_NAMES[size] ?? size}`;
}

/**
 * What open_clip does to a text before SigLIP's tokenizer. Source: open_clip, tokenizer.py (HFTokenizer; its SigLipTokenizer where tokenizer_kwargs are silent).
 * @param json the parsed open_clip_config.json
 * @throws FormatError naming a cleaning that is not implemented
 */
export function textCleaning(json: unknown): TextCleaning {
  const root = recordOf(json);
  const text = recordOf(recordOf(root['model_cfg'] ?? root)['text_cfg']);
  const clean = recordOf(text['tokenizer_kwargs'])['clean'] ?? 'canonicalize';
  if (clean === 'canonicalize') return 'open_clip';
  throw badSetting('text_cfg.tokenizer_kwargs.clean', clean, 'give a SigLIP with "canonicalize", or the option tokenizer');
}

function imageConfig(vision: Section, isQuick: boolean): ImageConfig {
  const width = numberSetting(vision, 'width');
  const headWidth = numberSetting(vision, 'head_width', 64);
  if (!(headWidth > 0 && width % headWidth === 0))
    throw badSetting('vision_cfg.head_width', headWidth, `choose a divisor of the width ${width}`);
  return {
    ...towerSizes(vision, width, width / headWidth, isQuick),
    size: numberSetting(vision, 'image_size'),
    patch: numberSetting(vision, 'patch_size'),
  };
}

/** What a text tower has that stands beside SigLIP's images, and one that stands beside any other. */
const TEXT_SETTINGS = {
  siglip: { no_causal_mask: true, proj_bias: true, pool_type: 'last' },
  clip: { no_causal_mask: false, proj_bias: false, pool_type: 'argmax' },
} as const;

function textConfig(text: Section, isQuick: boolean, isSiglip: boolean): TextConfig {
  for (const [name, expected] of Object.entries(TEXT_SETTINGS[isSiglip ? 'siglip' : 'clip'])) {
    // open_clip takes CLIP's where the file is silent.
    const value = text.values[name] ?? TEXT_SETTINGS.clip[name as keyof typeof TEXT_SETTINGS.clip];
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

function towerSizes(from: Section, width: number, heads: number, isQuick: boolean): TowerConfig {
  const [activation, norms] = [nested(from, 'act_kwargs', ['approximate']), nested(from, 'norm_kwargs', ['eps'])];
  const form = activation.values['approximate'] ?? 'none';
  if (form !== 'tanh' && form !== 'none')
    throw badSetting(`${activation.path}approximate`, form, 'use a model with "none" or "tanh"');
  return {
    width,
    heads,
    layers: numberSetting(from, 'layers'),
    hidden: Math.trunc(width * numberSetting(from, 'mlp_ratio', 4)),
    activation: isQuick ? 'quick_gelu' : form === 'tanh' ? 'gelu_tanh' : 'gelu',
    eps: numberSetting(norms, 'eps', 1e-5),
  };
}

/** Arguments of a part, all of which must be known: an unknown one would change what is computed. */
function nested({ values, path }: Section, name: string, known: readonly string[]): Section {
  const found = { values: recordOf(values[name]), path: `${path}${name}.` };
  const other = Object.keys(found.values).find((key) => !known.includes(key));
  if (other === undefined) return found;
  throw badSetting(found.path + other, found.values[other], `use a model with ${known.join(', ')} alone`);
}

function expectImplemented(section: keyof typeof IMPLEMENTED, { values, path }: Section): void {
  for (const [name, known] of Object.entries(IMPLEMENTED[section])) {
    const value = values[name] ?? undefined;
    if (value === undefined || value === false || known.includes(value)) continue;
    const told = known.map((one) => (one === undefined ? 'absent' : JSON.stringify(one)));
    throw badSetting(path + name, value, `give a model where it is ${told.join(' or ')}`);
  }
}
