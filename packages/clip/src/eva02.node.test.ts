/** EVA-02-CLIP against its forward pass in PyTorch (fixtures/backbones/make_eva.py). */
import { parameter, Tape } from '@mudpt/autograd';
import { mul, scope, sum, tensor } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import { backboneGolden, featureGaps } from '@mudpt/testing/backbone-golden';
import { fixturePath } from '@mudpt/testing/files';
import { distance } from '@mudpt/testing/numbers';
import { eachDevice } from '@mudpt/testing/support';
import { editedSafetensors } from '@mudpt/testing/weights/edited';
import { folder } from '@mudpt/testing/weights/models';
import type { ClipConfig } from './config.ts';
import { randomClip } from './random-clip.ts';
import { loadClip } from './weights/load.ts';
import { fromOpenClip } from './weights/names/open-clip-config.ts';
import { saveHuggingFace, weightsOf } from './weights/save.ts';

const FOLDER = fixturePath('backbones/eva02');

const CONFIG: ClipConfig = {
  embed: 10,
  image: {
    width: 16,
    heads: 2,
    layers: 2,
    hidden: 11,
    activation: 'gelu',
    eps: 1e-6,
    size: 12,
    patch: 4,
    architecture: 'eva02',
    pretrainedSide: 2,
  },
  text: { width: 12, heads: 3, layers: 1, hidden: 48, activation: 'gelu', eps: 1e-5, context: 7, vocabulary: 30 },
};

const golden = () => backboneGolden('eva02');

eachDevice('EVA-02', (ctx) => {
  it('has the features and logits of PyTorch', async () => {
    const { of, tensor: take, ids } = await golden();
    using clip = await loadClip(FOLDER, { device: ctx.device, config: CONFIG });
    using images = take('images', ctx.device);
    using imageFeatures = await clip.encodeImage(images);
    using textFeatures = await clip.encodeText(ids);
    using logits = clip.similarity(imageFeatures, textFeatures);
    expect(distance(await imageFeatures.data(), of('image_features').data)).toBeLessThan(1e-5);
    expect(distance(await textFeatures.data(), of('text_features').data)).toBeLessThan(1e-5);
    expect(distance(await logits.data(), of('logits').data)).toBeLessThan(1e-5);
    const names = new Set([...clip.weights()].map(([name]) => name));
    expect([...names].filter((name) => name.includes('ln') && name.includes('resblocks.0')).length).toBe(12);
  });

  it('keeps matrices as f16 where the adapter has it', async () => {
    if (!ctx.device.hasF16) return;
    using clip = await loadClip(FOLDER, { device: ctx.device, dtype: 'f16', config: CONFIG });
    for (const [name, gap] of await featureGaps(clip, await golden())) {
      expect(gap, name).toBeGreaterThan(1e-6);
      expect(gap, name).toBeLessThan(5e-3);
    }
  });

  it('takes appended prompts, which do not turn, with gradients through all of its parts', async () => {
    const { of, tensor: take } = await golden();
    using clip = await loadClip(FOLDER, { device: ctx.device, config: CONFIG, towers: ['image'] });
    const image = clip.tower('image');
    for (const recompute of [false, true, 'selective'] as const)
      await scope(async () => {
        const prompts = [0, 1].map((layer) => parameter(take(`image_prompt.${layer}`, ctx.device)));
        const images = parameter(take('images', ctx.device));
        using tape = new Tape();
        const features = image.forward(images, { prompts: { at: 'end', layers: prompts }, recompute });
        expect(distance(await features.data(), of('prompted_image_features').data)).toBeLessThan(1e-5);
        const gradients = tape.backward(sum(mul(features, take('cotangent', ctx.device))));
        expect(distance(await gradients.of(images).data(), of('grad.images').data)).toBeLessThan(1e-4);
        for (const [layer, prompt] of prompts.entries())
          expect(distance(await gradients.of(prompt).data(), of(`grad.image_prompt.${layer}`).data)).toBeLessThan(1e-4);
        gradients.dispose();
        for (const one of [images, ...prompts]) one.dispose();
      });
  });

  it('refuses what it cannot do, and says why', async () => {
    const { tensor: take } = await golden();
    using clip = await loadClip(FOLDER, { device: ctx.device, config: CONFIG });
    const image = clip.tower('image');
    expect(() => randomClip(CONFIG, undefined, { device: ctx.device, trainable: true })).toThrow(/its keys have no bias/);
    using images = take('images', ctx.device);
    using tokens = image.patches(images);
    using prompt = take('image_prompt.0', ctx.device);
    expect(() => image.features(tokens, { prompts: { at: 1, inserted: true, layers: [prompt] } })).toThrow(
      /turn each token by its place/,
    );
    using some = tensor(new Float32Array(48), { shape: [1, 1, 48], device: ctx.device });
    using place = tensor(Int32Array.of(0), { shape: [1, 1], device: ctx.device });
    expect(() => image.somePatches(some, place)).toThrow(/turn each by its place among all/);
    using a = tensor(new Float32Array(16), { shape: [1, 16], device: ctx.device });
    using b = tensor(new Float32Array(11), { shape: [11, 1], device: ctx.device });
    const adapters = [{ lowRank: { up: { a, b, scale: 1 } } }];
    expect(() => image.forward(images, { adapters })).toThrow(/its feed-forward part is gated/);
    await expect(saveHuggingFace('/nowhere', weightsOf(clip))).rejects.toThrow(/image tower is one of eva02/);
    const kept = await editedSafetensors(`${FOLDER}/open_clip_model.safetensors`, (tensors) => {
      tensors.delete('visual.trunk.blocks.1.mlp.fc1_x.weight');
      tensors.delete('visual.trunk.blocks.0.attn.norm.bias');
    });
    const broken = loadClip(folder({ 'open_clip_model.safetensors': kept }), { device: ctx.device, config: CONFIG });
    await expect(broken).rejects.toThrow(
      /missing: visual\.trunk\.blocks\.0\.attn\.norm\.bias, visual\.trunk\.blocks\.1\.mlp\.fc1_x\.weight/,
    );
  });
});

describe('open_clip configurations', () => {
  const text = { context_length: 77, vocab_size: 49408, width: 512, heads: 8, layers: 12 };
  const withVision = (vision: object, more: object = {}) => ({
    model_cfg: { embed_dim: 512, vision_cfg: vision, text_cfg: text, ...more },
  });

  it('of EVA-02 have the sizes of timm', () => {
    const vision = { image_size: 224, timm_model_name: 'eva02_base_patch16_clip_224', timm_pool: 'token', timm_proj: null };
    const config = fromOpenClip(withVision(vision, { custom_text: true }));
    expect(config.image).toEqual({
      ...CONFIG.image,
      width: 768,
      heads: 12,
      layers: 12,
      hidden: 2048,
      size: 224,
      patch: 16,
      pretrainedSide: 16,
    });
    expect(config.text).toMatchObject({ activation: 'gelu', eps: 1e-5, hidden: 2048 });
    const large = fromOpenClip(withVision({ timm_model_name: 'eva02_large_patch14_clip_336', timm_pool: 'token' }));
    expect(large.image).toMatchObject({ width: 1024, layers: 24, hidden: 2730, size: 336, patch: 14, pretrainedSide: 16 });
  });

  it('of vision transformers are read setting by setting', () => {
    const vision = { image_size: 224, layers: 40, width: 1408, head_width: 88, mlp_ratio: 4.3637, patch_size: 14 };
    expect(fromOpenClip(withVision(vision)).image).toMatchObject({ heads: 16, hidden: 6144, activation: 'gelu', eps: 1e-5 });
    const odd = { ...vision, norm_kwargs: { eps: 1e-6 }, act_kwargs: { approximate: 'tanh' } };
    expect(fromOpenClip(withVision(odd)).image).toMatchObject({ activation: 'gelu_tanh', eps: 1e-6 });
    const squashed = {
      ...withVision(vision),
      preprocess_cfg: { resize_mode: 'squash', interpolation: 'bilinear', mean: [0, 0, 0], std: [1, 1, 1] },
    };
    expect(fromOpenClip(squashed)).toMatchObject({
      resizing: { mode: 'squash', interpolation: 'bilinear' },
      normalization: { std: [1, 1, 1] },
    });
    expect(fromOpenClip(withVision(vision)).resizing).toBeUndefined();
  });

  it.each<[object, RegExp]>([
    [withVision({ timm_model_name: 'eva02_enormous_patch14_clip_224' }), /timm_model_name is "eva02_enormous/],
    [withVision({ timm_model_name: 'eva02_base_patch16_clip_224', timm_pool: 'avg' }), /timm_pool is "avg"/],
    [withVision({ timm_model_name: 'eva02_base_patch16_clip_224', timm_proj: 'mlp' }), /timm_proj is "mlp"/],
    [
      withVision({ layers: 1, width: 64, image_size: 8, patch_size: 4, ls_init_value: 1e-4 }),
      /vision_cfg\.ls_init_value is 0\.0001/,
    ],
    [withVision({ layers: 1, width: 64, image_size: 8, patch_size: 4, no_ln_pre: true }), /vision_cfg\.no_ln_pre is true/],
    [withVision({ layers: 1, width: 64, image_size: 8, patch_size: 4, pool_type: 'avg' }), /vision_cfg\.pool_type is "avg"/],
    [
      { ...withVision({ layers: 1, width: 64, image_size: 8, patch_size: 4 }), preprocess_cfg: { resize_mode: 'longest' } },
      /preprocess_cfg\.resize_mode is "longest"/,
    ],
    [
      {
        model_cfg: {
          embed_dim: 8,
          vision_cfg: { layers: 1, width: 64, image_size: 8, patch_size: 4 },
          text_cfg: { ...text, no_causal_mask: true },
        },
      },
      /text_cfg\.no_causal_mask is true/,
    ],
  ])('that ask for something else are refused by the setting: %#', (json, message) => {
    expect(() => fromOpenClip(json)).toThrow(message);
  });
});
