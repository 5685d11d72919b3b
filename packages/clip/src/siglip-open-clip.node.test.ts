/** open_clip's SigLIP against its forward pass in PyTorch (fixtures/backbones/make_siglip_open_clip.py), and open_clip's configurations of it. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { backboneGolden, featureGaps } from '@mudpt/testing/backbone-golden';
import { fixturePath } from '@mudpt/testing/files';
import { distance } from '@mudpt/testing/numbers';
import { eachDevice } from '@mudpt/testing/support';
import { type EditedTensors, editedSafetensors, filled } from '@mudpt/testing/weights/edited';
import { folder } from '@mudpt/testing/weights/models';
import type { ClipConfig } from './config.ts';
import { createSentencePieceTokenizer, SentencePieceTokenizer } from './tokenizer/index.ts';
import { loadClip } from './weights/load.ts';
import { fromOpenClip, textCleaning } from './weights/names/open-clip-config.ts';
import { openWeights } from './weights/open.ts';
import { serializeHuggingFace, weightsOf } from './weights/save.ts';

const FOLDER = fixturePath('backbones/siglip-open-clip');
const WEIGHTS = `${FOLDER}/open_clip_model.safetensors`;

const tower = { layers: 2, activation: 'gelu', eps: 1e-6, architecture: 'siglip' } as const;

const CONFIG: ClipConfig = {
  embed: 16,
  image: { ...tower, width: 16, heads: 2, hidden: 24, size: 11, patch: 5 },
  text: { ...tower, width: 12, heads: 3, hidden: 20, context: 7, vocabulary: 30, pad: 1 },
};

const golden = () => backboneGolden('siglip-open-clip');

const edited = async (change: (tensors: EditedTensors) => void, files: Record<string, string> = {}) =>
  folder({ 'open_clip_model.safetensors': await editedSafetensors(WEIGHTS, change), ...files });

eachDevice("open_clip's SigLIP", (ctx) => {
  it('has the features and logits of PyTorch', async () => {
    const { of, tensor: take, ids } = await golden();
    using clip = await loadClip(FOLDER, { device: ctx.device, config: CONFIG });
    for (const [name, gap] of await featureGaps(clip, await golden())) expect(gap, name).toBeLessThan(1e-5);
    using images = take('images', ctx.device);
    using imageFeatures = await clip.encodeImage(images);
    using textFeatures = await clip.encodeText(ids);
    using logits = clip.similarity(imageFeatures, textFeatures);
    expect(distance(await logits.data(), of('logits').data)).toBeLessThan(1e-5);
  });

  it('is written as transformers writes it, with the same weights; a tower is loaded alone', async () => {
    using clip = await loadClip(FOLDER, { device: ctx.device, config: CONFIG });
    const written = await serializeHuggingFace(weightsOf(clip));
    const [source, original] = [await openWeights(folder(written)), await openWeights(FOLDER, { config: CONFIG })];
    expect(source.config).toMatchObject(CONFIG);
    expect(await source.hash()).toBe(await original.hash());
    await source.close();
    await original.close();
    for (const towers of [['image'], ['text']] as const) {
      using one = await loadClip(FOLDER, { device: ctx.device, config: CONFIG, towers });
      expect([one.image !== undefined, one.text !== undefined]).toEqual([towers[0] === 'image', towers[0] === 'text']);
    }
    const texts = await edited((tensors) => {
      for (const name of [...tensors.keys()]) if (name.startsWith('visual.')) tensors.delete(name);
    });
    using alone = await loadClip(texts, { device: ctx.device, config: CONFIG });
    const { of, ids } = await golden();
    using features = await alone.encodeText(ids);
    expect(distance(await features.data(), of('text_features').data)).toBeLessThan(1e-5);
  });

  it('takes the tokenizer of its folder, and cleans texts as open_clip does', async () => {
    const { tokenizer, config } = JSON.parse(await readFile(fixturePath('backbones/tokenizer-gemma.json'), 'utf8')) as {
      readonly tokenizer: object;
      readonly config: object;
    };
    const files = {
      'tokenizer.json': JSON.stringify(tokenizer),
      'tokenizer_config.json': JSON.stringify(config),
      'open_clip_config.json': '{"model_cfg":{"text_cfg":{"tokenizer_kwargs":{"clean":"canonicalize"}}}}',
    };
    const longer = await edited((tensors) => tensors.set('text.token_embedding.weight', filled([500, 12])), files);
    using clip = await loadClip(longer, {
      device: ctx.device,
      towers: ['text'],
      config: { ...CONFIG, text: { ...CONFIG.text, vocabulary: 500 } },
    });
    const found = await clip.tokenizer();
    expect(found instanceof SentencePieceTokenizer && found.cleaning).toBe('open_clip');
    expect(clip.config.text).toMatchObject({ pad: found.pad });
    const plain = createSentencePieceTokenizer({ tokenizerJson: tokenizer, tokenizerConfigJson: config });
    expect(found.encode(' A_photo &amp;amp; of  a cat! ')).toEqual(plain.encode('a photo of a cat'));
  });
});

describe("weights of open_clip's SigLIP that do not fit", () => {
  const opened = async (change: (tensors: EditedTensors) => void, config = CONFIG) =>
    openWeights(await edited(change), { config });

  it('are listed by their names in the file', async () => {
    const broken = opened((tensors) => {
      tensors.delete('text.text_projection.bias');
      tensors.delete('visual.trunk.attn_pool.latent');
      tensors.delete('visual.trunk.blocks.1.mlp.fc2.bias');
      tensors.set('visual.trunk.attn_pool.kv.weight', filled([16, 32]));
      tensors.set('text.text_projection.weight', filled([12, 16]));
      tensors.set('visual.trunk.cls_token', filled([1, 1, 16]));
    });
    await expect(broken).rejects.toThrow(
      /missing: text\.text_projection\.bias, visual\.trunk\.blocks\.1\.mlp\.fc2\.bias, visual\.trunk\.attn_pool\.latent;/,
    );
    await expect(broken).rejects.toThrow(/text\.text_projection\.weight \[12, 16\] instead of \[16, 12\]/);
    await expect(broken).rejects.toThrow(/visual\.trunk\.attn_pool\.kv\.weight \[16, 32\] instead of \[32, 16\]/);
    await expect(broken).rejects.toThrow(/not a CLIP's: visual\.trunk\.cls_token\. Give the config that belongs/);
  });

  it('are missing under the name of another architecture, where the config is that of one', async () => {
    const { architecture: _, ...image } = CONFIG.image;
    const other = opened(() => {}, { ...CONFIG, image: { ...image, size: 10 } });
    await expect(other).rejects.toThrow(/missing: visual\.trunk\.cls_token, visual\.trunk\.head\.weight, visual\.ln_pre\.weight/);
    await expect(other).rejects.toThrow(/not a CLIP's: .*visual\.trunk\.attn_pool\.latent/);
  });
});

/** As open_clip's model_configs have it. */
const configured = (timm: string, vision: object = {}, text: object = {}) => ({
  model_cfg: {
    embed_dim: 768,
    init_logit_bias: -10,
    custom_text: true,
    vision_cfg: {
      image_size: 224,
      timm_model_name: timm,
      timm_model_pretrained: false,
      timm_pool: 'map',
      timm_proj: 'none',
      ...vision,
    },
    text_cfg: {
      context_length: 64,
      vocab_size: 32000,
      width: 768,
      heads: 12,
      layers: 12,
      no_causal_mask: true,
      proj_bias: true,
      pool_type: 'last',
      norm_kwargs: { eps: 1e-6 },
      ...text,
    },
  },
  preprocess_cfg: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], interpolation: 'bicubic', resize_mode: 'squash' },
});

describe("open_clip's configurations of SigLIP", () => {
  it('have the sizes of timm, and the gelu of each', () => {
    const base = fromOpenClip(configured('vit_base_patch16_siglip_224'));
    const sizes = { width: 768, heads: 12, layers: 12, hidden: 3072, eps: 1e-6, architecture: 'siglip' } as const;
    expect(base).toEqual({
      embed: 768,
      image: { ...sizes, activation: 'gelu', size: 224, patch: 16 },
      text: { ...sizes, activation: 'gelu', context: 64, vocabulary: 32000, pad: 1 },
      normalization: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
      resizing: { mode: 'squash', interpolation: 'bicubic' },
    });
    const second = { vocab_size: 256000, act_kwargs: { approximate: 'tanh' } };
    const large = { embed_dim: 1152, width: 1152, heads: 16, layers: 27, mlp_ratio: 3.7362 };
    const so400m = configured('vit_so400m_patch16_siglip_256', { image_size: 256 }, { ...second, ...large });
    Object.assign(so400m.model_cfg, { embed_dim: 1152 });
    expect(fromOpenClip(so400m)).toMatchObject({
      image: { width: 1152, heads: 16, layers: 27, hidden: 4304, activation: 'gelu_tanh', size: 256 },
      text: { width: 1152, hidden: 4304, activation: 'gelu_tanh', vocabulary: 256000, pad: 0 },
    });
    // The images keep the exact gelu that timm gives this tower, whichever texts stand beside it.
    const mixed = fromOpenClip(configured('vit_base_patch16_siglip_256.v2_webli', { image_size: 256 }, second));
    expect([mixed.image.activation, mixed.text.activation]).toEqual(['gelu', 'gelu_tanh']);
    expect(textCleaning(configured('vit_base_patch16_siglip_224'))).toBe('open_clip');
  });

  it.each<[object, RegExp]>([
    [
      configured('vit_base_patch16_siglip_gap_224'),
      /timm_model_name is "vit_base_patch16_siglip_gap_224"\. Give a model of timm whose/,
    ],
    [configured('naflexvit_base_patch16_siglip'), /timm_model_name is "naflexvit/],
    [configured('vit_base_patch16_siglip_225'), /timm_model_name is "vit_base_patch16_siglip_225"/],
    [configured('vit_base_patch16_siglip_224', { timm_pool: 'avg' }), /timm_pool is "avg"\. This tower has map/],
    [configured('vit_base_patch16_siglip_224', { timm_proj: 'linear' }), /timm_proj is "linear"/],
    [
      configured('vit_base_patch16_siglip_224', {}, { no_causal_mask: false }),
      /no_causal_mask is false\. Beside this image tower true/,
    ],
    [configured('vit_base_patch16_siglip_224', {}, { proj_bias: null }), /proj_bias is false/],
    [configured('vit_base_patch16_siglip_224', {}, { pool_type: 'argmax' }), /pool_type is "argmax"/],
    [
      configured('vit_base_patch16_siglip_224', {}, { proj_type: 'none' }),
      /text_cfg\.proj_type is "none"\. Give a model where it is absent or "linear"/,
    ],
    [configured('vit_base_patch16_siglip_224', {}, { heads: 7 }), /text_cfg\.heads is 7/],
    [configured('vit_large_patch16_siglip_256'), /embed_dim is 768.*features of its width 1024/s],
  ])('that ask for something else are refused by the setting: %#', (json, message) => {
    expect(() => fromOpenClip(json)).toThrow(message);
  });

  it('that clean texts in another way are refused, and name the setting', () => {
    const other = configured('vit_base_patch16_siglip_224', {}, { tokenizer_kwargs: { clean: 'whitespace' } });
    expect(() => textCleaning(other)).toThrow(/tokenizer_kwargs\.clean is "whitespace"\. Give a SigLIP with "canonicalize"/);
  });
});
