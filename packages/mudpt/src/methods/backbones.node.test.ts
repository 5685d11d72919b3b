/**
 * Methods on a SigLIP (texts without a start token, filled to the context, every token seeing every other; images without a class token), and on an EVA-02.
 */
import { readFileSync } from 'node:fs';
import { randomFrom } from '@mudpt/autograd';
import {
  type Clip,
  type ClipConfig,
  clipFromTensors,
  createSentencePieceTokenizer,
  randomClip,
  randomWeights,
} from '@mudpt/clip';
import { capture, l2Normalize, scope, type Tensor } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { fixturePath } from '@mudpt/testing/files';
import { eachDevice } from '@mudpt/testing/support';
import { CLASSES, numbers, relativeError, stepTensors, TINY, tinyBatch, tinyContext, tinyMethod } from '../../test/uneven.ts';
import { RECOMPUTE } from '../method/rematerialization.ts';
import { methodNamed } from './registry.ts';

const { tokenizer: tokenizerJson, config: tokenizerConfigJson } = JSON.parse(
  readFileSync(fixturePath('backbones/tokenizer-gemma.json'), 'utf8'),
) as { readonly tokenizer: object; readonly config: object };

const tower = { heads: 2, activation: 'gelu_tanh', eps: 1e-6, architecture: 'siglip' } as const;

const CONFIG: ClipConfig = {
  embed: 24,
  image: { ...tower, width: 24, layers: 3, hidden: 48, size: 16, patch: 8 },
  text: { ...tower, width: 20, layers: 4, hidden: 40, context: 24, vocabulary: 500, pad: 0 },
};

function tinySiglip(device: Clip['device']): Clip {
  const tokenizer = createSentencePieceTokenizer({ tokenizerJson, tokenizerConfigJson });
  return randomClip(CONFIG, randomFrom(4), { device, tokenizer });
}

const PROMPTED: readonly (readonly [name: string, settings: Record<string, unknown>])[] = [
  ['mudpt', { depth: 3 }],
  ['maple', { depth: 3 }],
  ['coop', { length: 3, position: 'middle' }],
  ['vpt', { depth: 2 }],
  ['ivlp', { textDepth: 4, imageDepth: 2 }],
  ['tcp', { length: 3, layer: 2 }],
  ['mmrl', { length: 2, width: 7, firstLayer: 2, lastLayer: 3 }],
  ['atprompt', { form: 'maple', depth: 3, length: 1, attributes: ['red'] }],
];

eachDevice('methods on SigLIP', (ctx) => {
  it('classes have the features that the model gives their texts', async () => {
    using clip = tinySiglip(ctx.device);
    await scope(async () => {
      const method = methodNamed('zero-shot').create(await tinyContext(clip), {});
      if (!('classFeatures' in method)) throw new Error('zero-shot has no class features');
      const texts = CLASSES.map((name) => `a photo of a ${name.replaceAll('_', ' ')}.`);
      const [found, wanted] = [method.classFeatures as Tensor, l2Normalize(await clip.encodeText(texts))];
      expect(relativeError(await found.data(), await wanted.data())).toBeLessThan(1e-5);
      method.dispose();
    });
  });

  it('a captured step of MuDPT has the numbers of a plain one', async () => {
    using clip = tinySiglip(ctx.device);
    await scope(async () => {
      const { images, labels } = tinyBatch(ctx.device);
      const method = tinyMethod(await tinyContext(clip), 'mudpt', { depth: 3 });
      expect(method.example).toBe('[v] [v] cat.');
      const plain = await numbers(method, images, labels);
      using step = capture(({ x, y }: { x: Tensor; y: Tensor }) => stepTensors(method, x, y), { device: ctx.device });
      for (let replay = 0; replay < 2; replay += 1) {
        const { loss, gradients } = step({ x: images, y: labels });
        expect(await loss.data()).toEqual(plain.get('loss'));
        for (const [key, gradient] of Object.entries(gradients)) {
          expect(await gradient.data(), key).toEqual(plain.get(`grad ${key}`));
          expect(
            (await gradient.data()).some((value) => value !== 0),
            key,
          ).toBe(true);
        }
      }
      method.dispose();
    });
  });

  it.each(PROMPTED)('%s %o learns, and evaluates as it learns', async (name, settings) => {
    using clip = tinySiglip(ctx.device);
    await scope(async () => {
      const { images, labels } = tinyBatch(ctx.device);
      const method = tinyMethod(await tinyContext(clip), name, settings);
      const { gradients, loss } = stepTensors(method, images, labels);
      expect(Number.isFinite(await loss.item())).toBe(true);
      for (const [key, gradient] of Object.entries(gradients))
        expect(
          (await gradient.data()).some((value) => value !== 0),
          key,
        ).toBe(true);
      if (name !== 'mmrl') {
        const [forward, evaluated] = [method.forward(images).logits, method.evaluate(images)];
        expect(relativeError(await evaluated.data(), await forward.data())).toBeLessThan(1e-6);
      }
      method.dispose();
    });
  });

  it('what cannot be on SigLIP says so', async () => {
    using clip = tinySiglip(ctx.device);
    const context = await tinyContext(clip);
    expect(() => methodNamed('prolip').create(context, {})).toThrow(/projection of the class token, and SigLIP's has neither/);
    const packed = { ...context, textPath: 'packed' } as const;
    expect(() => methodNamed('coop').create(packed, { length: 2 })).toThrow(/the beginning of a text depends on what follows/);
  });
});

eachDevice('methods on EVA-02', (ctx) => {
  it('a captured step of MuDPT has the numbers of a plain one, packed and with recomputed blocks too', async () => {
    const image = { ...TINY.image, activation: 'gelu', architecture: 'eva02', pretrainedSide: 3 } as const;
    using clip = randomClip({ ...TINY, image }, randomFrom(5), { device: ctx.device });
    await scope(async () => {
      const { images, labels } = tinyBatch(ctx.device);
      const method = tinyMethod(await tinyContext(clip), 'mudpt', { depth: 2 });
      const plain = await numbers(method, images, labels);
      using step = capture(({ x, y }: { x: Tensor; y: Tensor }) => stepTensors(method, x, y), { device: ctx.device });
      for (let replay = 0; replay < 2; replay += 1) {
        const { loss, gradients } = step({ x: images, y: labels });
        expect(await loss.data()).toEqual(plain.get('loss'));
        for (const [key, gradient] of Object.entries(gradients))
          expect(await gradient.data(), key).toEqual(plain.get(`grad ${key}`));
      }
      const lean = tinyMethod(await tinyContext(clip, { textPath: 'full', rematerialization: RECOMPUTE }), 'mudpt', { depth: 2 });
      for (const [key, values] of await numbers(lean, images, labels))
        expect(relativeError(values, plain.get(key) ?? []), key).toBeLessThan(1e-4);
      method.dispose();
      lean.dispose();
    });
  });

  it('ProLIP begins with the features of the model', async () => {
    const image = { ...TINY.image, activation: 'gelu', architecture: 'eva02', pretrainedSide: 3 } as const;
    const weights = randomWeights({ ...TINY, image }, randomFrom(5));
    weights['visual.proj_bias']?.data.fill(0.3);
    using clip = clipFromTensors({ ...TINY, image }, weights, { device: ctx.device });
    await scope(async () => {
      const { images } = tinyBatch(ctx.device);
      const method = tinyMethod(await tinyContext(clip), 'prolip');
      const [found, wanted] = [method.forward(images).imageFeatures, await clip.encodeImage(images)];
      expect(relativeError(await found.data(), await wanted.data())).toBeLessThan(1e-5);
      method.dispose();
    });
  });
});
