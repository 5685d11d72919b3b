/** CLIP-LoRA's dropout: other numbers in every step, none in evaluation, and a stream that a checkpoint continues. */
import { noGrad } from '@mudpt/autograd';
import { capture, copyInto, keep, scope, tensor, type Tensor } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { type Numbers, numbers, relativeError, tinyBatch, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import { RECOMPUTE } from '../method/rematerialization.ts';

eachDevice('clip-lora', (ctx) => {
  it('drops other inputs in every step, also in a captured one, and none in evaluation', async () => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const method = tinyMethod(await tinyContext(clip), 'clip-lora', { dropout: 0.5 });
      // Updates begin at zero, where nothing can be seen of what is dropped.
      for (const parameter of method.learnable.values()) {
        const values = Float32Array.from({ length: parameter.size }, (_, at) => Math.sin(at) / 2);
        copyInto(parameter, tensor(values, { shape: parameter.shape, device: ctx.device }));
      }
      const { images, labels } = tinyBatch(ctx.device);
      const seed = method.state.get('dropout.seed') as Tensor;
      const began = keep(tensor(await seed.data(), { device: ctx.device, dtype: 'u32' }));
      const loss = () => noGrad(() => method.loss(images, labels).loss).item();
      const losses = [await loss(), await loss(), await loss()];
      expect(new Set(losses).size).toBe(3);
      const evaluated = await method.evaluate(images).data();
      expect(await method.evaluate(images).data()).toEqual(evaluated);
      copyInto(seed, began);
      const step = capture(({ x, y }: { x: Tensor; y: Tensor }) => ({ loss: method.loss(x, y).loss }), { device: ctx.device });
      const replayed: number[] = [];
      for (let replay = 0; replay < 3; replay += 1) replayed.push(await step({ x: images, y: labels }).loss.item());
      step.dispose();
      expect(replayed).toEqual(losses);
      copyInto(seed, began);
      method.rematerialize(RECOMPUTE);
      expect(await loss()).toBeCloseTo(losses[0] as number, 5);
      began.dispose();
      method.dispose();
    });
  });

  it.each(['packed', 'plain'] as const)('drops the same inputs in every memory policy, with texts %s', async (textPath) => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const { images, labels } = tinyBatch(ctx.device);
      const settings = { dropout: 0.5, projections: ['q', 'k', 'v', 'out'] };
      const method = tinyMethod(await tinyContext(clip, { textPath }), 'clip-lora', settings);
      for (const parameter of method.learnable.values()) {
        const values = Float32Array.from({ length: parameter.size }, (_, at) => Math.sin(at) / 2);
        copyInto(parameter, tensor(values, { shape: parameter.shape, device: ctx.device }));
      }
      const seed = method.state.get('dropout.seed') as Tensor;
      const began = tensor(await seed.data(), { device: ctx.device, dtype: 'u32' });
      const told = async (): Promise<Numbers> => {
        copyInto(seed, began);
        return await numbers(method, images, labels);
      };
      const expected = await told();
      // Parts of one image and of two, of one text and of several; none of them begins with the first rows.
      for (const [text, image] of [
        [4, 3],
        [2, 2],
        [0, 3],
        [4, 0],
      ] as const)
        for (const recompute of [false, true]) {
          method.rematerialize({ text: { microBatches: text, recompute }, image: { microBatches: image, recompute } });
          for (const [name, values] of await told())
            expect(relativeError(values, expected.get(name) ?? []), `${text} ${image} ${recompute} ${name}`).toBeLessThan(2e-5);
        }
      method.dispose();
    });
  });
});
