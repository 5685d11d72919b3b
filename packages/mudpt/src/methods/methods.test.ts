/** Relations between methods that hold by definition, sizes, settings, and what is refused. */
import { randomFrom, lossAndGradients } from '@mudpt/autograd';
import { type Clip, randomClip } from '@mudpt/clip';
import { copyInto, scope, type Tensor, tensor } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { sharedVpt } from '../../test/example-method.ts';
import { relativeError, TINY, tinyBatch, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import { independentPrompts } from '../prompts/independent.ts';
import { randomPrompts } from '../prompts/initial.ts';
import { MapleLearner } from './maple.ts';
import { type CreationContext, type MethodContext, methodContext, type PromptMethod } from '../method/method.ts';
import { MudptLearner, mudptSettings } from './mudpt.ts';
import { layoutOf } from '../method/prompt-spec.ts';
import { methodNamed, methodNames } from './registry.ts';
import { UmudptLearner } from './umudpt.ts';

const size = (learnable: ReadonlyMap<string, Tensor>): number =>
  [...learnable.values()].reduce((sum, tensor) => sum + tensor.size, 0);

function copyAll(pairs: Readonly<Record<string, string>>, from: PromptMethod, to: PromptMethod): void {
  for (const [target, source] of Object.entries(pairs)) {
    const [copy, original] = [to.learnable.get(target), from.learnable.get(source)];
    if (!copy || !original) throw new Error(`${target} or ${source} is not learnt`);
    copyInto(copy, original);
  }
}

eachDevice('methods', (ctx) => {
  const withClip = async (body: (clip: Clip) => Promise<void>): Promise<void> => {
    using clip = tinyClip(ctx.device);
    await scope(() => body(clip));
  };

  it('MuDPT with one layer is CoOp on the text side, its gradient too', () =>
    withClip(async (clip) => {
      const context = await tinyContext(clip);
      const mudpt = tinyMethod(context, 'mudpt', { depth: 1, length: 2 });
      const coop = tinyMethod(context, 'coop', { initWords: 'a photo' });
      const [ctxName, ownName] = ['prompt_learner.ctx', 'uumudpt_prompt_learner.ctx'];
      expect(await coop.learnable.get(ctxName)?.data()).toEqual(await mudpt.learnable.get(ownName)?.data());
      const gradient = async (method: PromptMethod, name: string) => {
        const { value, gradients } = lossAndGradients(() => {
          const features = method.textFeatures() as Tensor;
          return { loss: features.mul(features).sum(), features };
        });
        return [await value.features.data(), await gradients.of(method.learnable.get(name) as Tensor).data()];
      };
      expect(await gradient(mudpt, ownName)).toEqual(await gradient(coop, ctxName));
      mudpt.dispose();
      coop.dispose();
    }));

  it('MuDPT with linears of zeros is IVLP', () =>
    withClip(async (clip) => {
      const context = await tinyContext(clip);
      const mudpt = tinyMethod(context, 'mudpt', { depth: 3, injection: 'linear', zeroInit: true });
      // IVLP keeps the words beyond its context tokens, so it gets no more words than those.
      const ivlp = tinyMethod(context, 'ivlp', { textDepth: 3, imageDepth: 3, initWords: 'a photo' });
      copyAll({ 'prompt_learner.ctx': 'mudpt_prompt_learner.ctx', 'image_encoder.VPT': 'image_encoder.visual_ctx' }, mudpt, ivlp);
      for (const [tower, deep] of [
        ['text_encoder', 'mudpt_prompt_learner.deep_prompts'],
        ['image_encoder', 'image_encoder.visual_ctx_deep_prompts'],
      ] as const)
        for (const layer of [1, 2]) {
          const rows = (mudpt.learnable.get(deep) as Tensor).select(0, layer - 1);
          copyInto(ivlp.learnable.get(`${tower}.transformer.resblocks.${layer}.VPT_shallow`) as Tensor, rows);
        }
      const { images, labels } = tinyBatch(ctx.device);
      const [one, other] = [mudpt.loss(images, labels), ivlp.loss(images, labels)];
      expect(relativeError(await one.outputs.logits.data(), await other.outputs.logits.data())).toBeLessThan(1e-6);
      expect(await one.loss.item()).toBeCloseTo(await other.loss.item(), 5);
      mudpt.dispose();
      ivlp.dispose();
    }));

  it('one class name in two labels gives equal columns; a context of each class does not', () =>
    withClip(async (clip) => {
      const context = await tinyContext(clip);
      const { images } = tinyBatch(ctx.device, 1);
      const shared = tinyMethod(context, 'coop', { length: 3 });
      const specific = tinyMethod(context, 'coop', { length: 3, classSpecific: true });
      const [a, , , b] = await shared.evaluate(images).data();
      expect(a).toBeCloseTo(b ?? 0, 5);
      const [c, , , d] = await specific.evaluate(images).data();
      expect(Math.abs((c ?? 0) - (d ?? 0))).toBeGreaterThan(1e-4);
      expect(() => specific.forContext({ ...context, classNames: ['dog'] })).toThrow(
        /every one of the 4 classes has a context of its own \(classSpecific\), so it cannot classify others/,
      );
      shared.dispose();
      specific.dispose();
    }));

  it('words with underscores between them are the same words', () =>
    withClip(async (clip) => {
      const context = await tinyContext(clip);
      for (const name of ['coop', 'cocoop', 'kgcoop', 'prograd']) {
        const start = async (initWords: string) => {
          const method = tinyMethod(context, name, {
            initWords,
            ...(name === 'kgcoop' || name === 'prograd' ? { length: 4 } : {}),
          });
          const tokens = method.learnable.get('prompt_learner.ctx') as Tensor;
          const read = { shape: tokens.shape, values: Array.from(await tokens.data()), example: method.example };
          method.dispose();
          return read;
        };
        expect(await start('a_photo_of_a'), name).toEqual(await start('a photo of a'));
      }
    }));

  it('PromptSRC ends with the weighted mean of its epochs', () =>
    withClip(async (clip) => {
      const settings = { textDepth: 1, imageDepth: 1, templates: ['a {}.'], aggregationMean: 2, aggregationDeviation: 1 };
      const method = tinyMethod(await tinyContext(clip), 'promptsrc', settings);
      const learnt = method.learnable.get('image_encoder.VPT') as Tensor;
      const [middle, side] = [1 / (1 + 2 * Math.exp(-0.5)), Math.exp(-0.5) / (1 + 2 * Math.exp(-0.5))];
      for (const [epoch, value] of [1, 10, 100].entries()) {
        copyInto(learnt, tensor(new Float32Array(learnt.size).fill(value), { shape: learnt.shape, device: ctx.device }));
        method.endEpoch?.(epoch, 3);
      }
      expect((await learnt.data())[0]).toBeCloseTo(side + 10 * middle + 100 * side, 4);
      expect([...method.state.keys()]).toContain('aggregated.image_encoder.VPT');
      method.dispose();
    }));

  it('the example of the page on adding a method learns one tensor that all layers read', () =>
    withClip(async (clip) => {
      const method = sharedVpt.create(await tinyContext(clip), { depth: 3 });
      if (method.kind !== 'prompts') throw new Error('it learns prompts');
      const { images, labels } = tinyBatch(ctx.device);
      const { gradients } = lossAndGradients(() => method.loss(images, labels));
      const [rows] = [...method.learnable.values()];
      const gradient = await gradients.of(rows as Tensor).data();
      expect(gradient).toHaveLength(4 * TINY.image.width);
      expect(gradient.some((value) => value !== 0)).toBe(true);
      // The same rows as three tensors of VPT's: their gradients add up to it.
      const vpt = tinyMethod(await tinyContext(clip), 'vpt', { depth: 3, length: 4 });
      for (const prompt of vpt.learnable.values()) copyInto(prompt, rows as Tensor);
      const { gradients: separate } = lossAndGradients(() => vpt.loss(images, labels));
      const parts = await Promise.all([...vpt.learnable.values()].map((prompt) => separate.of(prompt).data()));
      const sum = gradient.map((_, i) => parts.reduce((total, part) => total + (part[i] ?? 0), 0));
      expect(relativeError(gradient, sum)).toBeLessThan(1e-5);
      method.dispose();
      vpt.dispose();
    }));

  it('draws where prompts enter', () =>
    withClip(async (clip) => {
      const method = tinyMethod(await tinyContext(clip), 'mudpt', { depth: 3 });
      const { text, image, example } = layoutOf(method.spec, method.example);
      expect(example).toBe('[v] [v] cat .');
      expect(text.map(({ layer, rows }) => [layer, rows])).toEqual([
        [0, 2],
        [1, 2],
        [2, 2],
      ]);
      expect(image[0]?.sources).toEqual(['image_encoder.visual_ctx', 'uumudpt_prompt_learner.ctx']);
      for (const { sources } of [...text, ...image]) for (const name of sources) expect(method.learnable.has(name)).toBe(true);
      method.dispose();
    }));

  it('refuses what cannot be', () =>
    withClip(async (clip) => {
      const context = await tinyContext(clip);
      const make = (name: string, settings: Record<string, unknown>, more: Partial<MethodContext> = {}) =>
        tinyMethod({ ...context, ...more }, name, settings);
      expect(() => make('mudpt', { depth: 4 })).toThrow(/depth is 4, and the image tower has 3 blocks. Set depth to at most 3/);
      expect(() => make('coop', { length: 22 })).toThrow(/the text of class 0 \("cat"\) has 26 tokens, the text tower holds 24/);
      expect(() => make('coop', { lenght: 4 })).toThrow(/lenght/);
      expect(() => make('vpt', { depth: 1, template: 'no place' })).toThrow(/no place for the class name/);
      expect(() => make('maple', { depth: 2 }, { classNames: [] })).toThrow(/there are no classes/);
      expect(() => make('tcp', { layer: 2, length: 5, template: 'a photo of a {}.' })).toThrow(
        /length is 5, and the template "a photo of a {}\." has 4 tokens before the class name, which would be replaced too/,
      );
      expect(() => methodNamed('mudtp')).toThrow(/no method "mudtp".*mudpt/);
    }));

  it('needs both towers', async () => {
    using half = randomClip(TINY, randomFrom(1), { device: ctx.device, towers: ['image'] });
    await expect(methodContext(half, { classNames: ['a'], template: '{}', seed: 1 })).rejects.toThrow(/no text tower/);
  });

  it('learns as many numbers as the authors do at the size of ViT-B/16', async () => {
    const tower = (width: number) => ({ config: { width } });
    const context = {
      device: ctx.device,
      random: randomFrom(1),
      text: tower(512),
      image: tower(768),
    } as unknown as CreationContext;
    const first = () => randomPrompts([2, 512], context, randomFrom(1));
    const mudpt = (given: Record<string, unknown>) => new MudptLearner(context, first(), mudptSettings.parse(given));
    const learners = {
      linear: mudpt({ injection: 'linear' }),
      transformer: mudpt({}),
      umudpt: new UmudptLearner(context, first(), { length: 2, depth: 9, initWords: '', norm: 'pre', zeroInit: false }),
      maple: new MapleLearner(context, first(), 9),
      independent: independentPrompts('ivlp', context, { text: { first: first(), depth: 9 }, image: { length: 2, depth: 9 } }),
    };
    const sizes = Object.fromEntries(Object.entries(learners).map(([name, { learnable }]) => [name, size(learnable)]));
    expect(sizes).toEqual({
      linear: 1_204_736,
      transformer: 11_056_128,
      umudpt: 3_557_632,
      maple: 3_555_072,
      independent: 23_040,
    });
    // Injected prompts begin about 30 times as large as the learnt ones.
    const deviation = async (injected: Tensor | undefined): Promise<number> => {
      const values = (await injected?.data()) ?? [];
      return Math.sqrt([...values].reduce((sum, value) => sum + value * value, 0) / values.length);
    };
    await scope(async () => {
      const { imageDeep } = learners.transformer.injected();
      expect(await deviation(imageDeep)).toBeGreaterThan(0.5);
      expect(await deviation(imageDeep)).toBeLessThan(0.65);
      expect(await deviation(learners.linear.injected().imageDeep)).toBeLessThan(0.05);
    });
    for (const { learnable } of Object.values(learners)) for (const tensor of learnable.values()) tensor.dispose();
  });
});

describe('registry', () => {
  it('every preset parses by itself, and every published variant with it', () => {
    expect(methodNames()).toEqual(
      expect.arrayContaining(['zero-shot', 'coop', 'cocoop', 'vpt', 'ivlp', 'maple', 'promptsrc', 'mudpt']),
    );
    for (const name of methodNames()) {
      const { settings, training, variants } = methodNamed(name);
      expect(settings.parse({}), name).toBeTypeOf('object');
      for (const [variant, published] of Object.entries(variants)) {
        expect(() => settings.parse(published.settings ?? {}), `${name} ${variant}`).not.toThrow();
        expect(() => training?.parse(published.training ?? {}), `${name} ${variant}`).not.toThrow();
        if (!training) expect(published.training, `${name} ${variant}`).toBeUndefined();
      }
    }
  });

  it('published hyper-parameters', () => {
    const published = (name: string) => {
      const { lr, epochs, batchSize, momentum, weightDecay, warmupEpochs, warmupLr } =
        methodNamed(name).training?.parse({}) ?? {};
      return [lr, epochs, batchSize, momentum, weightDecay, warmupEpochs, warmupLr];
    };
    expect(published('mudpt')).toEqual([0.0025, 10, 4, 0.9, 5e-4, 1, 1e-5]);
    expect(published('coop')).toEqual([0.002, 200, 32, 0.9, 5e-4, 1, 1e-5]);
    expect(published('cocoop')).toEqual([0.002, 10, 1, 0.9, 5e-4, 1, 1e-5]);
    expect(published('maple')).toEqual([0.0035, 5, 4, 0.9, 5e-4, 1, 1e-5]);
    expect(published('promptsrc')).toEqual([0.0025, 20, 4, 0.9, 5e-4, 1, 1e-5]);
    expect(published('vpt')).toEqual([0.0025, 5, 4, 0.9, 5e-4, 1, 1e-5]);
    expect(methodNamed('promptsrc').settings.parse({})).toMatchObject({
      textLossWeight: 25,
      imageLossWeight: 10,
      aggregationMean: 15,
      aggregationDeviation: 1,
    });
    expect((methodNamed('promptsrc').settings.parse({}) as { templates: string[] }).templates).toHaveLength(60);
    expect(() => methodNamed('mudpt').training?.parse({ lr: -1 })).toThrow();
  });
});
