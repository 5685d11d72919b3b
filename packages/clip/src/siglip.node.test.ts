/** SigLIP against its forward pass in PyTorch (fixtures/backbones/make_siglip.py). */
import { readFile } from 'node:fs/promises';
import { parameter, Tape } from '@mudpt/autograd';
import { cat, crossEntropy, expand, narrow, openSafetensors, reshape, scope, type Tensor, tensor } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { backboneGolden, featureGaps } from '@mudpt/testing/backbone-golden';
import { fixturePath } from '@mudpt/testing/files';
import { distance } from '@mudpt/testing/numbers';
import { eachDevice } from '@mudpt/testing/support';
import { editedSafetensors } from '@mudpt/testing/weights/edited';
import { folder } from '@mudpt/testing/weights/models';
import { sigmoidLoss } from './sigmoid-loss.ts';
import { loadClip } from './weights/load.ts';
import { openWeights } from './weights/open.ts';
import { serializeHuggingFace, weightsOf } from './weights/save.ts';

const FOLDER = fixturePath('backbones/siglip');

const golden = () => backboneGolden('siglip');

const filesOf = async (): Promise<Record<string, Uint8Array>> =>
  Object.fromEntries(
    await Promise.all(
      ['model.safetensors', 'config.json', 'preprocessor_config.json'].map(async (name) => [
        name,
        new Uint8Array(await readFile(`${FOLDER}/${name}`)),
      ]),
    ),
  );

eachDevice('SigLIP', (ctx) => {
  it('has the features, logits and probabilities of PyTorch', async () => {
    const { of, tensor: take, ids } = await golden();
    using clip = await loadClip(FOLDER, { device: ctx.device });
    expect(clip.config).toEqual({
      embed: 16,
      image: {
        width: 16,
        heads: 2,
        layers: 2,
        hidden: 24,
        activation: 'gelu_tanh',
        eps: 1e-6,
        size: 11,
        patch: 5,
        architecture: 'siglip',
      },
      text: {
        width: 12,
        heads: 3,
        layers: 2,
        hidden: 20,
        activation: 'gelu_tanh',
        eps: 1e-6,
        context: 7,
        vocabulary: 30,
        architecture: 'siglip',
        pad: 1,
      },
      normalization: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
      resizing: { mode: 'squash', interpolation: 'bilinear' },
    });
    using images = take('images', ctx.device);
    using imageFeatures = await clip.encodeImage(images, { batch: 2 });
    using textFeatures = await clip.encodeText(ids);
    using logits = clip.similarity(imageFeatures, textFeatures);
    expect(distance(await imageFeatures.data(), of('image_features').data)).toBeLessThan(1e-5);
    expect(distance(await textFeatures.data(), of('text_features').data)).toBeLessThan(1e-5);
    expect(distance(await logits.data(), of('logits').data)).toBeLessThan(1e-5);
    // Shorter lists are filled with the padding that the fixture's rows have.
    using filled = await clip.encodeText([[4, 9, 17], [5], [8, 8, 3, 21, 29, 2]]);
    expect(await filled.data()).toEqual(await textFeatures.data());
    const [first = []] = await clip.rankImages(images, textFeatures, ['a', 'b', 'c']);
    const row = [...of('logits').data].slice(0, 3);
    expect(first.map(({ logit }) => logit)).toEqual([...first.map(({ logit }) => logit)].sort((a, b) => b - a));
    for (const { index, probability } of first) expect(probability).toBeCloseTo(1 / (1 + Math.exp(-(row[index] as number))), 4);
    await expect(clip.tokenizer()).rejects.toThrow(/no tokenizer\.json lies beside its weights/);
  });

  it('keeps matrices as f16 where the adapter has it', async () => {
    if (!ctx.device.hasF16) return;
    using clip = await loadClip(FOLDER, { device: ctx.device, dtype: 'f16' });
    for (const [name, gap] of await featureGaps(clip, await golden())) {
      expect(gap, name).toBeGreaterThan(1e-6);
      expect(gap, name).toBeLessThan(5e-3);
    }
  });

  it('has the sigmoid loss of PyTorch, and its gradients in all new parts', async () => {
    const { of, tensor: take, ids } = await golden();
    using clip = await loadClip(FOLDER, { device: ctx.device, trainable: true });
    const { image, text, logitScale, logitBias } = clip;
    const pooling = image?.pooling;
    if (!image || !text || !pooling || !logitBias) throw new Error('a part is missing');
    const [up, bias] = [pooling.up.weight, pooling.qkv.bias];
    await scope(async () => {
      using tape = new Tape();
      const loss = sigmoidLoss(clip.similarity(image.forward(take('images', ctx.device)), text.forward(ids)));
      expect(await loss.item()).toBeCloseTo(of('loss').data[0] as number, 4);
      const gradients = tape.backward(loss);
      const wanted: readonly (readonly [string, Tensor | undefined])[] = [
        ['logit_scale', logitScale],
        ['logit_bias', logitBias],
        ['vision_model.head.probe', pooling.probe],
        ['vision_model.head.attention.in_proj_weight', pooling.qkv.weight],
        ['vision_model.head.attention.in_proj_bias', bias],
        ['vision_model.head.mlp.fc1.weight', up],
        ['vision_model.embeddings.patch_embedding.bias', image.convBias],
        ['vision_model.embeddings.position_embedding.weight', image.positions],
        ['text_model.head.bias', text.projectionBias],
        ['text_model.embeddings.position_embedding.weight', text.positions],
      ];
      for (const [name, weight] of wanted) {
        if (!weight) throw new Error(`${name} is missing`);
        const found = await gradients.of(weight).data();
        expect(distance(found, of(`grad.${name}`).data), name).toBeLessThan(1e-4);
      }
      gradients.dispose();
    });
    expect(() => {
      using odd = tensor([1, 2], { shape: [1, 2], device: ctx.device });
      sigmoidLoss(odd);
    }).toThrow(/logits have shape \[1, 2\]\. Give \[B, B\]/);
  });

  it('takes prompts in every layer of both towers: after the patches, and as the first tokens of texts', async () => {
    const { of, tensor: take, ids } = await golden();
    using clip = await loadClip(FOLDER, { device: ctx.device });
    const { image, text } = clip;
    if (!image || !text) throw new Error('a tower is missing');
    await scope(async () => {
      const prompts = (tower: string) => [0, 1].map((layer) => parameter(take(`${tower}_prompt.${layer}`, ctx.device)));
      const [ofImage, ofText] = [prompts('image'), prompts('text')];
      using tape = new Tape();
      const images = image.forward(take('images', ctx.device), { prompts: { at: 'end', layers: ofImage } });
      // The first context tokens are embeddings: they get the positions of the tokens they replace.
      const first = expand(reshape(ofText[0] as Tensor, [1, 2, 12]), [3, 2, 12]);
      const embeddings = cat([first, narrow(text.embed(ids), 1, 2, 5)], 1);
      const deep = { at: 0, layers: [undefined, ofText[1]] };
      const texts = text.forward({ embeddings, eot: [6, 6, 6] }, { prompts: deep });
      expect(distance(await images.data(), of('prompted_image_features').data)).toBeLessThan(1e-5);
      expect(distance(await texts.data(), of('prompted_text_features').data)).toBeLessThan(1e-5);
      const labels = tensor(Int32Array.of(2, 0, 1), { device: ctx.device });
      const gradients = tape.backward(crossEntropy(clip.similarity(images, texts), labels));
      for (const [tower, tokens] of Object.entries({ image: ofImage, text: ofText }))
        for (const [layer, token] of tokens.entries())
          expect(
            distance(await gradients.of(token).data(), of(`grad.${tower}_prompt.${layer}`).data),
            `${tower} ${layer}`,
          ).toBeLessThan(1e-4);
      gradients.dispose();
      for (const token of [...ofImage, ...ofText]) token.dispose();
    });
  });

  it('refuses what its texts cannot be, and says why', async () => {
    using clip = await loadClip(FOLDER, { device: ctx.device });
    const { text } = clip;
    if (!text) throw new Error('no text tower');
    expect(text.isCausal).toBe(false);
    await expect(clip.encodeText([[1, 2]], { packed: true })).rejects.toThrow(/the beginning of a text depends on what follows/);
    using short = tensor(new Float32Array(24), { shape: [1, 2, 12], device: ctx.device });
    expect(() => text.forward({ embeddings: short, eot: [1] })).toThrow(/every token of this tower attends to all 7 positions/);
    using whole = tensor(new Float32Array(84), { shape: [1, 7, 12], device: ctx.device });
    expect(() => text.forward({ embeddings: whole, eot: [2] })).toThrow(/give 6 for every text/i);
    using row = tensor(new Float32Array(12), { shape: [1, 12], device: ctx.device });
    const prompts = { at: 'end', layers: [row] } as const;
    expect(() => text.forward({ embeddings: whole, eot: [6] }, { prompts })).toThrow(/after the position that is read/);
  });

  it('is written as transformers writes it, one tower too', async () => {
    using clip = await loadClip(FOLDER, { device: ctx.device });
    const written = await serializeHuggingFace(weightsOf(clip));
    const [before, after] = [await openSafetensors(`${FOLDER}/model.safetensors`), written['model.safetensors'] as Uint8Array];
    const again = await openSafetensors(after);
    expect([...again.tensors.keys()].sort()).toEqual([...before.tensors.keys()].sort());
    await before.close();
    const source = await openWeights(folder(written));
    const original = await openWeights(FOLDER);
    expect(source.config).toEqual(original.config);
    expect(await source.hash()).toBe(await original.hash());
    await source.close();
    await original.close();
    using image = await loadClip(FOLDER, { device: ctx.device, towers: ['image'] });
    expect(image.text).toBeUndefined();
  });
});

eachDevice('files of a SigLIP', (ctx) => {
  const broken = async (change: (files: Record<string, Uint8Array>) => Promise<void> | void) => {
    const files = await filesOf();
    await change(files);
    return loadClip(folder(files), { device: ctx.device });
  };
  const withConfig = (
    change: (config: { text_config: Record<string, unknown>; vision_config: Record<string, unknown> }) => object,
  ) =>
    broken((files) => {
      const config = JSON.parse(new TextDecoder().decode(files['config.json']));
      files['config.json'] = new TextEncoder().encode(JSON.stringify({ ...config, ...change(config) }));
    });

  it('that lack something, or are of another kind, are refused by name', async () => {
    await expect(
      broken(async (files) => {
        files['model.safetensors'] = await editedSafetensors(files['model.safetensors'] as Uint8Array, (tensors) => {
          tensors.delete('vision_model.head.probe');
          tensors.delete('text_model.head.bias');
        });
      }),
    ).rejects.toThrow(/missing: text_model\.head\.bias, vision_model\.head\.probe/);
    await expect(withConfig(({ vision_config: v }) => ({ vision_config: { ...v, patch_size: 4 } }))).rejects.toThrow(
      /patch_embedding\.weight \[16, 3, 5, 5\] instead of \[16, 3, 4, 4\]/,
    );
    await expect(withConfig(({ text_config: t }) => ({ text_config: { ...t, projection_size: 12 } }))).rejects.toThrow(
      /text_config\.projection_size is 12.*ends in features of its width 16/s,
    );
    await expect(withConfig(() => ({ model_type: 'siglip2' }))).rejects.toThrow(/NaFlex.*fixed resolution/s);
    await expect(withConfig(({ vision_config: v }) => ({ vision_config: { ...v, vision_use_head: false } }))).rejects.toThrow(
      /vision_use_head is false/,
    );
    await expect(withConfig(({ text_config: t }) => ({ text_config: { ...t, pad_token_id: 30 } }))).rejects.toThrow(
      /text_config\.pad_token_id is 30.*below the vocabulary 30/s,
    );
    await expect(
      broken((files) => {
        files['preprocessor_config.json'] = new TextEncoder().encode('{"resample": 1}');
      }),
    ).rejects.toThrow(/resample is 1.*2 \(bilinear\) or 3 \(bicubic\)/s);
  });
});
