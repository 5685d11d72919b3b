/**
 * Methods on other backbones than OpenAI's: SigLIP (texts without a start token, filled to the context, every token seeing every other; images without a class
 * token), EVA-02, MobileCLIP, and ViTs with other activations and heads.
 */
import { readFileSync } from 'node:fs';
import { noGrad, randomFrom } from '@mudpt/autograd';
import {
  type Clip,
  type ClipConfig,
  clipFromTensors,
  createSentencePieceTokenizer,
  randomClip,
  randomWeights,
} from '@mudpt/clip';
import { copyInto, l2Normalize, scope, type Tensor, tensor } from '@mudpt/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { fixturePath } from '@mudpt/testing/files';
import { eachDevice } from '@mudpt/testing/support';
import { expectCapturedAs } from '../../test/captured.ts';
import { isElsewhere } from '../../test/services.ts';
import {
  CLASSES,
  numbers,
  PROMPT_METHODS,
  relativeError,
  stepTensors,
  TINY,
  tinyBatch,
  tinyContext,
  tinyMethod,
} from '../../test/uneven.ts';
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

/** Every method that learns prompts, once, but for those whose mathematics asks for what a backbone has not. */
const promptedOn = (without: readonly string[] = []): typeof PROMPT_METHODS =>
  PROMPT_METHODS.filter(
    ([name], place) => !without.includes(name) && PROMPT_METHODS.findIndex(([other]) => other === name) === place,
  );

/** A step has finite numbers and a gradient for everything learnt that it reads; evaluation has the logits of the forward pass. */
async function expectLearns(clip: Clip, name: string, settings: Record<string, unknown>): Promise<void> {
  await scope(async () => {
    const { images, labels } = tinyBatch(clip.device, 3, clip.config.image.size);
    const method = tinyMethod(await tinyContext(clip), name, settings);
    // Away from where it begins: what is multiplied with zeros has no gradient.
    let seed = 1;
    for (const parameter of method.learnable.values()) {
      if (parameter.size === 0) continue;
      const values = Array.from(await parameter.data(), (value, at) => value + 0.1 * Math.sin(at + (seed += 1)));
      noGrad(() => copyInto(parameter, tensor(Float32Array.from(values), { shape: parameter.shape, device: clip.device })));
    }
    const { gradients, loss } = stepTensors(method, images, labels);
    expect(Number.isFinite(await loss.item())).toBe(true);
    for (const [key, gradient] of Object.entries(gradients))
      expect(
        (await gradient.data()).some((value) => value !== 0),
        key,
      ).toBe(true);
    const [forward, evaluated] = [method.forward(images).logits, method.evaluate(images)];
    expect(relativeError(await evaluated.data(), await forward.data())).toBeLessThan(1e-5);
    method.dispose();
  });
}

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
      await expectCapturedAs(plain, method, { images, labels }, ctx.device);
      for (const key of method.learnable.keys())
        expect(
          Array.from(plain.get(`grad ${key}`) ?? []).some((value) => value !== 0),
          key,
        ).toBe(true);
      method.dispose();
    });
  });

  describe('learns, and evaluates as it learns', () => {
    beforeEach(({ skip }) => skip(isElsewhere !== undefined, 'its kernels are those of the step above'));

    it.each(promptedOn(['prolip']))('%s %o', async (name, settings) => {
      using clip = tinySiglip(ctx.device);
      // Texts are filled to 24 tokens, and letters are tokens.
      const fitting = name === 'atprompt' ? { form: 'maple', depth: 3, length: 1, attributes: ['red'] } : settings;
      await expectLearns(clip, name, fitting);
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

/** Small models of the backbones whose texts are CLIP's. */
const BACKBONES: Readonly<Record<string, ClipConfig>> = {
  'EVA-02': { ...TINY, image: { ...TINY.image, activation: 'gelu', architecture: 'eva02', pretrainedSide: 3 } },
  'MobileCLIP-B': { ...TINY, image: { ...TINY.image, activation: 'gelu', architecture: 'mobileclip', size: 32, patch: 16 } },
  'a ViT with exact gelu in both towers': {
    ...TINY,
    image: { ...TINY.image, activation: 'gelu' },
    text: { ...TINY.text, activation: 'gelu' },
  },
  'a ViT with tanh gelu, as deep as wide heads': {
    ...TINY,
    image: { ...TINY.image, activation: 'gelu_tanh', width: 80, heads: 1 },
    text: { ...TINY.text, activation: 'gelu_tanh' },
  },
};

eachDevice('methods on', (ctx) => {
  it.each(Object.entries(BACKBONES))(
    '%s: a captured step of MuDPT has the numbers of a plain one, packed and with recomputed blocks too',
    async (_, config) => {
      using clip = randomClip(config, randomFrom(5), { device: ctx.device });
      await scope(async () => {
        const { images, labels } = tinyBatch(ctx.device, 3, config.image.size);
        const method = tinyMethod(await tinyContext(clip), 'mudpt', { depth: 2 });
        const plain = await numbers(method, images, labels);
        await expectCapturedAs(plain, method, { images, labels }, ctx.device);
        const lean = tinyMethod(await tinyContext(clip, { textPath: 'full', rematerialization: RECOMPUTE }), 'mudpt', {
          depth: 2,
        });
        for (const [key, values] of await numbers(lean, images, labels))
          expect(relativeError(values, plain.get(key) ?? []), key).toBeLessThan(1e-4);
        method.dispose();
        lean.dispose();
      });
    },
  );

  describe('EVA-02 learns, and evaluates as it learns', () => {
    beforeEach(({ skip }) => skip(isElsewhere !== undefined, 'its kernels are those of the step above'));

    it.each(promptedOn())('%s %o', async (name, settings) => {
      using clip = randomClip(BACKBONES['EVA-02'] as ClipConfig, randomFrom(5), { device: ctx.device });
      await expectLearns(clip, name, settings);
    });
  });

  it('EVA-02: ProLIP begins with the features of the model', async () => {
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
