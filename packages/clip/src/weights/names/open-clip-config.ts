/** open_clip's configuration of a model. Source: open_clip, model.py (CLIPVisionCfg, CLIPTextCfg) and transformer.py. */
import { FormatError } from '@mudpt/tensor';
import { checkConfig, type ClipConfig, type ImageConfig, type TextConfig, type TowerConfig } from '../../config.ts';
import { type JsonRecord, record } from './json.ts';
import { fromPreprocessCfg } from './preprocessing.ts';

const OP = 'fromOpenClip';

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
  const config: ClipConfig = {
    embed: number(model, 'embed_dim'),
    image: isTimm ? timmImage(vision) : imageConfig(vision, isQuick),
    // Beside a tower of timm the texts have exact gelu, whatever quick_gelu says.
    text: textConfig(text, isQuick && !isTimm),
    ...fromPreprocessCfg(root['preprocess_cfg'], 'clip'),
  };
  return checkConfig(config, OP, FormatError);
}

function imageConfig(vision: JsonRecord, isQuick: boolean): ImageConfig {
  const width = number(vision, 'width');
  return {
    ...towerSizes(vision, width, width / number(vision, 'head_width', 64), isQuick),
    size: number(vision, 'image_size'),
    patch: number(vision, 'patch_size'),
  };
}

/** timm's sizes of EVA-02's CLIP towers, whose gated hidden channels are 8 / 3 of the width. */
const EVA_SIZES = {
  base: { width: 768, heads: 12, layers: 12, hidden: 2048 },
  large: { width: 1024, heads: 16, layers: 24, hidden: 2730 },
} as const;

function timmImage(vision: JsonRecord): ImageConfig {
  const name = String(vision['timm_model_name']);
  if (/siglip/.test(name))
    throw new FormatError(
      OP,
      `the image tower is timm's ${name}`,
      'give the Hugging Face folder of the same weights (google/siglip...), whose config.json tells which gelu it was trained with',
    );
  if (/^vit_base_mci_224(\..*)?$/.test(name)) {
    expectTokenHead(vision);
    return {
      ...{ width: 768, heads: 12, layers: 12, hidden: 3072, activation: 'gelu', eps: 1e-6, patch: 16 },
      size: number(vision, 'image_size', 224),
      architecture: 'mobileclip',
    };
  }
  const [, size, patch, side] = /^eva02_(base|large)_patch(\d+)_clip_(\d+)(?:\..*)?$/.exec(name) ?? [];
  if (size === undefined) throw fail('vision_cfg.timm_model_name', name);
  expectTokenHead(vision);
  return {
    ...EVA_SIZES[size as keyof typeof EVA_SIZES],
    activation: 'gelu',
    eps: 1e-6,
    size: number(vision, 'image_size', Number(side)),
    patch: Number(patch),
    architecture: 'eva02',
    // 224 pixels in patches of 14.
    pretrainedSide: 16,
  };
}

/** The class token goes through the tower's linear head. */
function expectTokenHead({ timm_pool: pool, timm_proj: projection }: JsonRecord): void {
  if ((pool ?? 'token') !== 'token') throw fail('vision_cfg.timm_pool', pool);
  if (!['', 'none', null, undefined].includes(projection as string | null | undefined))
    throw fail('vision_cfg.timm_proj', projection);
}

function textConfig(text: JsonRecord, isQuick: boolean): TextConfig {
  for (const [name, expected] of [
    ['no_causal_mask', false],
    ['proj_bias', false],
    ['pool_type', 'argmax'],
  ] as const)
    if ((text[name] ?? expected) !== expected) throw fail(`text_cfg.${name}`, text[name]);
  return {
    ...towerSizes(text, number(text, 'width'), number(text, 'heads'), isQuick),
    context: number(text, 'context_length', 77),
    vocabulary: number(text, 'vocab_size', 49408),
  };
}

function towerSizes(from: JsonRecord, width: number, heads: number, isQuick: boolean): TowerConfig {
  const isTanh = record(from['act_kwargs'])['approximate'] === 'tanh';
  return {
    width,
    heads,
    layers: number(from, 'layers'),
    hidden: Math.trunc(width * number(from, 'mlp_ratio', 4)),
    activation: isQuick ? 'quick_gelu' : isTanh ? 'gelu_tanh' : 'gelu',
    eps: number(record(from['norm_kwargs']), 'eps', 1e-5),
  };
}

function expectImplemented(section: keyof typeof IMPLEMENTED, from: JsonRecord): void {
  for (const [name, known] of Object.entries(IMPLEMENTED[section])) {
    const value = from[name] ?? undefined;
    if (value !== undefined && value !== false && !known.includes(value)) throw fail(`${section}.${name}`, value);
  }
}

function number(from: JsonRecord, name: string, otherwise?: number): number {
  const value = from[name] ?? otherwise;
  if (typeof value !== 'number') throw fail(name, value);
  return value;
}

function fail(what: string, value: unknown): FormatError {
  return new FormatError(
    OP,
    `${what} is ${JSON.stringify(value)}`,
    'give the open_clip_config.json of a CLIP vision transformer',
  );
}
