/** Packed texts after a shared prefix, texts cut after the longest end, and all positions of the context: the same numbers. */
import { parameter, randomFrom, lossAndGradients } from '@mudpt/autograd';
import { scope, tensor } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { expectCapturedAs } from '../../test/captured.ts';
import { numbers, relativeError, tinyBatch, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import { RECOMPUTE } from '../method/rematerialization.ts';
import type { TextPath } from '../method/method.ts';
import type { TextPromptSpec } from '../method/prompt-spec.ts';
import { AFTER_START, separatePrompts } from '../prompts/layers.ts';
import { TextPrompts } from '../prompts/texts/text-prompts.ts';

/** Two layers of as many prompt tokens. */
const deepText = (nCtx: number, width: number): TextPromptSpec => ({
  ...separatePrompts(['first', 'deep'], [nCtx, width]).tower,
  ...AFTER_START,
});

eachDevice('text paths', (ctx) => {
  it('recomputing blocks in the backward changes no bit; a captured step neither', async () => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const { images, labels } = tinyBatch(ctx.device);
      const method = tinyMethod(await tinyContext(clip), 'mudpt', { depth: 3 });
      const plain = await numbers(method, images, labels);
      const lean = tinyMethod(await tinyContext(clip, { rematerialization: RECOMPUTE }), 'mudpt', { depth: 3 });
      expect(await numbers(lean, images, labels)).toEqual(plain);
      await expectCapturedAs(plain, method, { images, labels }, ctx.device);
      method.dispose();
      lean.dispose();
    });
  });

  it('texts in groups have the same features and gradients', async () => {
    using clip = tinyClip(ctx.device);
    const { text } = clip;
    if (!text) throw new Error('no text tower');
    await scope(async () => {
      const width = text.config.width;
      const random = randomFrom(2);
      const values = Float32Array.from({ length: 4 * width }, () => 2 * random() - 1);
      const first = parameter(tensor(values.slice(0, 2 * width), { shape: [2, width], device: ctx.device }));
      const deep = parameter(tensor(values.slice(2 * width), { shape: [2, width], device: ctx.device }));
      const ids = [1, 2, 3, 4, 5].map((id) => [9, -1, -2, ...Array.from({ length: id }, () => id), 99]);
      const run = async (path: TextPath, most: number) => {
        const texts = new TextPrompts(text, ids, deepText(2, width), { device: ctx.device, path, most });
        const { value, gradients } = lossAndGradients(() => {
          const features = texts.forward([first, deep]);
          return { loss: features.mul(features).sum(), features };
        });
        const found = [value.features, gradients.of(first), gradients.of(deep)].map((tensor) => tensor.data());
        texts.dispose();
        return await Promise.all(found);
      };
      const whole = await run('auto', 1000);
      for (const path of ['auto', 'plain'] as const)
        for (const most of [1, 14])
          for (const [index, part] of (await run(path, most)).entries())
            expect(relativeError(part, whole[index] ?? []), `${path} ${most} ${index}`).toBeLessThan(1e-5);
      first.dispose();
      deep.dispose();
    });
  });

  it('texts that share no replaced tokens cannot be packed by force', () => {
    using clip = tinyClip(ctx.device);
    const { text } = clip;
    if (!text) throw new Error('no text tower');
    const make = (path: TextPath) => {
      const ids = [
        [1, -1, 2, 9],
        [1, -2, 3, 4, 9],
      ];
      return new TextPrompts(text, ids, deepText(1, text.config.width), { device: ctx.device, path });
    };
    expect(() => make('packed')).toThrow(/share their first 1 tokens, and tokens 1 to 1 are replaced/);
    const texts = make('auto');
    expect(texts.isPacked).toBe(false);
    texts.dispose();
  });
});
