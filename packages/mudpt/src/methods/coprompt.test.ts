/** CoPrompt: the descriptions of a step, drawn anew in each one and kept in its state; and what its loss needs. */
import { capture, copyInto, l2Normalize, mean, mul, rand, scope, sub, sum, type Tensor, tensor } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { CLASSES, tinyBatch, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';

/** Unequal numbers of sentences, all of them different. */
const COUNTS = [3, 1, 4, 2];
const DESCRIPTIONS = CLASSES.map((name, label) =>
  Array.from({ length: COUNTS[label] as number }, (_, index) => `${name} with ${['fur', 'fins', 'wings', 'stripes'][index]}`),
);

eachDevice('CoPrompt', (ctx) => {
  it('draws one place for all classes in each captured step, and a checkpoint goes on with the same', async () => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const method = tinyMethod(await tinyContext(clip, { descriptions: DESCRIPTIONS }), 'coprompt', {
        depth: 2,
        consistencyWeight: 2,
      });
      const { images, labels } = tinyBatch(ctx.device);
      const images2 = mul(images, 0.5);
      const key = method.state.get('descriptions.key') as Tensor;
      using step = capture((input: { x: Tensor; y: Tensor; z: Tensor }) => method.loss(input.x, input.y, input.z).terms, {
        device: ctx.device,
      });
      const next = async (): Promise<number> =>
        (await (step({ x: images, y: labels, z: images2 })['text'] as Tensor).data())[0] as number;
      const units = await Promise.all(
        DESCRIPTIONS.map(async (sentences) => l2Normalize(await clip.encodeText(sentences)).data()),
      );
      const texts = l2Normalize(method.forward(images).textFeatures);
      const expected = async (): Promise<number> => {
        const place = await rand([1], { key }).item();
        const { embed } = clip.config;
        const drawn = units.flatMap((rows, label) => {
          const index = Math.floor(place * (COUNTS[label] as number));
          return Array.from(rows.slice(index * embed, (index + 1) * embed));
        });
        const all = tensor(Float32Array.from(drawn), { shape: [CLASSES.length, embed], device: ctx.device });
        return 2 * (await sub(1, mean(sum(mul(texts, all), [-1]))).item());
      };
      const found: number[] = [];
      const checkpoint = tensor((await key.data()).slice(), { device: ctx.device, dtype: 'u32' });
      for (let at = 0; at < 6; at += 1) {
        found.push(await next());
        expect(found[at]).toBeCloseTo(await expected(), 5);
      }
      expect(new Set(found).size).toBeGreaterThan(2);
      copyInto(key, checkpoint);
      for (const again of found) expect(await next()).toBe(again);
      method.dispose();
    });
  });

  it('draws nothing where each class has one text, and refuses a batch without second views', async () => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const { images, labels } = tinyBatch(ctx.device);
      const textOf = async (more: object, settings: object): Promise<number> => {
        const method = tinyMethod(await tinyContext(clip, more), 'coprompt', { depth: 2, ...settings });
        const drawn = method.state.size;
        const term = await (method.loss(images, labels, images).terms['text'] as Tensor).item();
        expect(() => method.loss(images, labels)).toThrow(/needs a second view of the images/);
        method.dispose();
        expect(drawn).toBe(0);
        return term;
      };
      const written = CLASSES.map((name) => [`a photo of a ${name.replaceAll('_', ' ')}.`]);
      const usual = await textOf({}, {});
      expect(await textOf({ descriptions: written }, {})).toBeCloseTo(usual, 6);
      expect(await textOf({ descriptions: written }, { templates: ['the {}.'] })).toBeCloseTo(usual, 6);
      expect(await textOf({}, { templates: ['the {}.'] })).not.toBeCloseTo(usual, 4);
    });
  });
});
