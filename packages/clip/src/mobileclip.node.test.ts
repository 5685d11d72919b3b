/** MobileCLIP-B against its forward pass in PyTorch (fixtures/backbones/make_mobileclip.py). */
import { parameter, Tape } from '@mudpt/autograd';
import { mul, permute, reshape, scope, sum, tensor } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { backboneGolden, featureGaps } from '@mudpt/testing/backbone-golden';
import { fixturePath } from '@mudpt/testing/files';
import { distance } from '@mudpt/testing/numbers';
import { eachDevice } from '@mudpt/testing/support';
import type { ClipConfig } from './config.ts';
import { randomClip } from './random-clip.ts';
import { loadClip } from './weights/load.ts';
import { fromOpenClip } from './weights/names/open-clip-config.ts';

const FOLDER = fixturePath('backbones/mobileclip');

const CONFIG: ClipConfig = {
  embed: 10,
  image: {
    width: 16,
    heads: 2,
    layers: 2,
    hidden: 28,
    activation: 'gelu',
    eps: 1e-6,
    size: 32,
    patch: 16,
    architecture: 'mobileclip',
  },
  text: { width: 12, heads: 3, layers: 1, hidden: 48, activation: 'gelu', eps: 1e-5, context: 7, vocabulary: 30 },
};

const golden = () => backboneGolden('mobileclip');

eachDevice('MobileCLIP', (ctx) => {
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
    expect(() => randomClip(CONFIG, undefined, { device: ctx.device, trainable: true })).toThrow(/statistics of its batch norms/);
  });

  it('keeps matrices as f16 where the adapter has it', async () => {
    if (!ctx.device.hasF16) return;
    using clip = await loadClip(FOLDER, { device: ctx.device, dtype: 'f16', config: CONFIG });
    for (const [name, gap] of await featureGaps(clip, await golden())) {
      expect(gap, name).toBeGreaterThan(1e-6);
      expect(gap, name).toBeLessThan(5e-3);
    }
  });

  it('takes appended prompts, with gradients; patches of any order have the same features', async () => {
    const { of, tensor: take } = await golden();
    using clip = await loadClip(FOLDER, { device: ctx.device, config: CONFIG, towers: ['image'] });
    const image = clip.tower('image');
    await scope(async () => {
      const prompts = [0, 1].map((layer) => parameter(take(`image_prompt.${layer}`, ctx.device)));
      const images = take('images', ctx.device);
      using tape = new Tape();
      const features = image.forward(images, { prompts: { at: 'end', layers: prompts } });
      expect(distance(await features.data(), of('prompted_image_features').data)).toBeLessThan(1e-5);
      const gradients = tape.backward(sum(mul(features, take('cotangent', ctx.device))));
      for (const [layer, prompt] of prompts.entries())
        expect(distance(await gradients.of(prompt).data(), of(`grad.image_prompt.${layer}`).data)).toBeLessThan(1e-4);
      gradients.dispose();
      for (const prompt of prompts) prompt.dispose();
    });
    await scope(async () => {
      const cut = reshape(take('images', ctx.device), [3, 3, 2, 16, 2, 16]);
      const windows = reshape(permute(cut, [0, 2, 4, 1, 3, 5]), [3, 4, 768]);
      const places = tensor(
        Int32Array.from({ length: 12 }, (_, at) => at % 4),
        { shape: [3, 4], device: ctx.device },
      );
      const features = image.features(image.somePatches(windows, places));
      expect(distance(await features.data(), of('image_features').data)).toBeLessThan(1e-5);
    });
  });

  it("has timm's sizes in open_clip's configuration", () => {
    const vision = { timm_model_name: 'vit_base_mci_224', timm_pool: 'token', timm_proj: null, image_size: 224 };
    const text = { context_length: 77, vocab_size: 49408, width: 512, heads: 8, layers: 12, no_causal_mask: false };
    const preprocess = { mean: [0, 0, 0], std: [1, 1, 1], interpolation: 'bilinear', resize_mode: 'shortest' };
    const config = fromOpenClip({
      model_cfg: { embed_dim: 512, vision_cfg: vision, text_cfg: text },
      preprocess_cfg: preprocess,
    });
    expect(config.image).toEqual({ ...CONFIG.image, width: 768, heads: 12, layers: 12, hidden: 3072, size: 224 });
    expect(config).toMatchObject({
      normalization: { mean: [0, 0, 0] },
      resizing: { mode: 'shortest', interpolation: 'bilinear' },
    });
  });
});
