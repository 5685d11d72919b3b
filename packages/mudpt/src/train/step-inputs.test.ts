/** ProLIP's features before the projection: the loss reads them as it reads images, and each augmentation is computed once. */
import { scope, type Tensor, tensor } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { stepTensors, TINY, tinyBatch, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import type { Batch, BatchLoader, Item } from '../data/index.ts';
import { StepInputs, stepShape } from './step-inputs.ts';

eachDevice('frozen inputs', (ctx) => {
  it('give the loss and the gradient of their images; views come in turn, and none is computed twice', async () => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const context = await tinyContext(clip);
      const method = tinyMethod(context, 'prolip', { views: 2, penalty: 1 });
      const fresh = tinyMethod(context, 'prolip', { penalty: 1 });
      expect(fresh.inputs).toBeUndefined();
      expect([stepShape(method, 5, 16), stepShape(fresh, 5, 16)]).toEqual([
        [5, TINY.image.width],
        [5, 3, 16, 16],
      ]);
      const { images, labels } = tinyBatch(ctx.device, 5);
      const pixels = Float32Array.from(await images.data());
      const items = Array.from(
        { length: 5 },
        (_, index): Item => ({ id: `${index}`, label: index % 4, image: new Uint8Array() }),
      );
      const asked: number[] = [];
      // View v of an image is the image, brighter by v.
      const loader = {
        async *epoch(_: readonly Item[], { epoch, from = 0 }: { epoch: number; from?: number }): AsyncGenerator<Batch> {
          asked.push(epoch);
          const batch = {
            shape: images.shape as [number, number, number, number],
            labels: Int32Array.from(await labels.data()),
            items,
          };
          const both = [0, 1].map(() => ({ ...batch, images: pixels.map((value) => value + 0.1 * epoch) }));
          yield* both.slice(from);
        },
      } as unknown as BatchLoader;
      const inputs = new StepInputs({ clip, method, loader, evaluationBatch: 2, epochs: 5 });
      const epoch = async (index: number, from = 0): Promise<Batch[]> => {
        const all: Batch[] = [];
        for await (const batch of inputs.epoch(items, { batch: 5, epoch: index, from })) all.push(batch);
        return all;
      };
      // One that is gone on with is not kept: its beginning is missing.
      expect(await epoch(0, 1)).toHaveLength(1);
      const [first, second, third] = [await epoch(0), await epoch(1), await epoch(2)];
      expect(asked).toEqual([1, 1, 0]);
      expect(third).toEqual(first);
      expect(await epoch(2, 1)).toEqual(first.slice(1));
      expect(second[0]?.images).not.toEqual(first[0]?.images);
      const given = second[0] ?? expect.fail('no batch');
      expect(given.shape).toEqual([5, TINY.image.width]);
      const read = async ({ loss, gradients }: ReturnType<typeof stepTensors>) => [
        await loss.item(),
        ...(await (gradients['visual.proj'] as Tensor).data()),
      ];
      const found = await read(stepTensors(method, tensor(given.images, { shape: given.shape, device: ctx.device }), labels));
      const expected = await read(stepTensors(fresh, images, labels));
      for (const [at, value] of found.entries()) expect(value).toBeCloseTo(expected[at] as number, 3);
      method.dispose();
      fresh.dispose();
    });
  });
});
