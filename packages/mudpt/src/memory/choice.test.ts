import { capture, scope } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { CLASSES, TINY, tinyBatch, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import {
  type Rematerialization,
  KEEP_ALL,
  methodNamed,
  type PromptMethod,
  RECOMPUTE,
  type TrainingSettings,
} from '../methods/index.ts';
import { budgetOf, bytesOfSize } from './budget.ts';
import { heldBytes, type StepChoice } from './choice.ts';
import { evaluationBatch } from './evaluation-batch.ts';
import { Stepper } from '../train/step.ts';

const MANY = Array.from({ length: 6 }, (_, index) => `${CLASSES[index % 3]} ${index}`);
const BATCH = 2;

eachDevice('memory of a step', (ctx) => {
  const { size } = TINY.image;
  const shape = [BATCH, 3, size, size];

  /** A method under training, and the choice for a budget. */
  async function training<T>(
    name: string,
    accumulate: number,
    body: (parts: {
      method: PromptMethod;
      stepper: Stepper;
      choose: (bytes: number, isAsked?: boolean) => StepChoice;
    }) => Promise<T>,
  ): Promise<T> {
    using clip = tinyClip(ctx.device);
    const method = tinyMethod(await tinyContext(clip, { classNames: MANY }), name, name === 'cocoop' ? {} : { depth: 3 });
    const settings = methodNamed(name).training?.parse({}) as TrainingSettings;
    const stepper = new Stepper(ctx.device, method, settings, accumulate);
    const choose = (bytes: number, isAsked = true) => stepper.choose({ bytes, isAsked }, shape);
    try {
      return await body({ method, stepper, choose });
    } finally {
      stepper.dispose();
      method.dispose();
    }
  }

  const batchOf = async () => {
    const { images, labels } = tinyBatch(ctx.device, BATCH);
    const data = { images: (await images.data()) as Float32Array, labels: (await labels.data()) as Int32Array };
    images.dispose();
    labels.dispose();
    return { ...data, shape: [BATCH, 3, size, size], items: [] } as const;
  };

  it.each([
    ['mudpt', 1],
    ['mudpt', 2],
    ['cocoop', 1],
  ])('%s: what is told beforehand is what training holds (accumulating %i)', async (name, accumulate) => {
    await training(name, accumulate, async ({ stepper, choose }) => {
      const large = choose(2 ** 30);
      expect(large).toMatchObject({ rematerialization: KEEP_ALL, considered: { length: 1 } });
      const batch = await batchOf();
      // What reading made stays in the pool: it is none of the step's.
      await stepper.read();
      await ctx.device.synchronize();
      ctx.device.trim();
      const before = heldBytes(ctx.device);
      stepper.step(
        Array.from({ length: accumulate }, () => batch),
        0.01,
      );
      await ctx.device.synchronize();
      expect(heldBytes(ctx.device) - before).toBe(stepper.cost(shape).bytes);
      expect(large.bytes).toBe(before + stepper.cost(shape).bytes);
    });
  });

  it('takes the fastest way that fits, in the order kept, recomputed, micro-batches, and names the smallest budget', async () => {
    await training('mudpt', 1, async ({ choose, stepper }) => {
      const least = choose(1000, false);
      const [kept, ...others] = least.considered;
      expect(kept).toMatchObject({ rematerialization: KEEP_ALL });
      expect(Math.min(...others.map(({ bytes }) => bytes))).toBe(least.bytes);
      expect(Math.min(...others.map(({ flops }) => flops))).toBeGreaterThan(kept?.flops ?? 0);
      // A kibibyte less than the last way needs: the next one, down to the smallest.
      const rank = ({ text, image }: Rematerialization) =>
        Math.max(...[text, image].map(({ recompute, microBatches }) => (microBatches > 0 ? 2 : recompute ? 1 : 0)));
      const blocks = choose((kept?.bytes ?? 0) - 1);
      const both = others.find(({ rematerialization }) => JSON.stringify(rematerialization) === JSON.stringify(RECOMPUTE));
      const parts = choose((both?.bytes ?? 0) - 1);
      for (const [choice, of] of [
        [blocks, 1],
        [parts, 2],
      ] as const) {
        expect(rank(choice.rematerialization)).toBe(of);
        expect(choice.bytes).toBeLessThanOrEqual(choice.budget.bytes);
      }
      const text = `give --memory ${Math.ceil(least.bytes / 1024)}KiB or more`;
      expect(() => choose(1000)).toThrow(
        expect.objectContaining({
          problem: expect.stringContaining('1KiB do not suffice for a step of mudpt with 6 classes and 2 images'),
          fix: expect.stringContaining(text),
        }),
      );
      // The method is left as chosen.
      expect(choose(2 ** 30).rematerialization).toEqual(KEEP_ALL);
      expect(heldBytes(ctx.device) + stepper.cost(shape).bytes).toBe(kept?.bytes);
    });
  });

  it.each(['mudpt', 'cocoop'])('evaluates in batches that leave the budget alone: %s', async (name) => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const method = tinyMethod(await tinyContext(clip), name, name === 'mudpt' ? { depth: 3 } : {});
      const texts = method.textFeatures();
      const evaluate = capture<'images', unknown>(({ images }) => method.evaluate(images, texts), { device: ctx.device });
      const held = heldBytes(ctx.device);
      for (const room of [1e5, 1e6, 4e6]) {
        const batch = evaluationBatch(clip, 1e6, method, { bytes: held + room, isAsked: true });
        expect(evaluate.cost({ images: { shape: [batch, 3, size, size] } }).bytes).toBeLessThan(room);
      }
      evaluate.dispose();
      method.dispose();
    });
  });

  it('guesses a budget from the machine or the driver', () => {
    const { bytes, isAsked } = budgetOf('auto', ctx.device);
    expect(isAsked).toBe(false);
    expect(bytes).toBeGreaterThan(heldBytes(ctx.device));
    expect(budgetOf('2GiB', ctx.device)).toEqual({ bytes: 2 ** 31, isAsked: true });
  });
});

describe('bytesOfSize', () => {
  it('reads sizes as people write them', () => {
    expect(['2GiB', '1.5 gb', '800MiB', '64', '3 KB', '1e9', 'GiB', '-1GiB', '', '5 parsecs'].map(bytesOfSize)).toEqual([
      2 ** 31,
      1.5e9,
      800 * 2 ** 20,
      64,
      3000,
      ...Array.from({ length: 5 }, () => undefined),
    ]);
  });
});
