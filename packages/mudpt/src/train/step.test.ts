import { copyInto, scope, tensor } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { TINY, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import type { Batch } from '../data/index.ts';
import { MethodError, methodNamed, type PromptMethod, type StepLoss, type TrainingSettings } from '../methods/index.ts';
import { alignedGradient } from '../methods/prograd.ts';
import { Stepper } from './step.ts';

const { size } = TINY.image;
const settings = methodNamed('vpt').training?.parse({}) as TrainingSettings;

eachDevice('Stepper', (ctx) => {
  const withMethod = async (body: (method: PromptMethod) => Promise<void>): Promise<void> => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const method = tinyMethod(await tinyContext(clip), 'vpt', { depth: 2, length: 2 });
      await body(method);
      method.dispose();
    });
  };
  const batchOf = (shape: Batch['shape']): Batch => ({
    images: new Float32Array(shape.reduce((product, length) => product * length, 1)),
    shape,
    labels: new Int32Array(shape[0]),
    items: [],
  });
  /** The method with terms of the loss, each equal to the whole loss. */
  const told = (method: PromptMethod, names: readonly string[]): PromptMethod => {
    const original = method.loss.bind(method);
    return Object.assign(method, {
      loss: (...given: Parameters<PromptMethod['loss']>): StepLoss => {
        const step = original(...given);
        return { ...step, terms: Object.fromEntries(names.map((name) => [name, step.loss])) };
      },
    });
  };

  it('takes images in the shape that their batch carries', () =>
    withMethod(async (method) => {
      using stepper = new Stepper(ctx.device, method, settings);
      stepper.step([batchOf([2, 3, size, size])], 0.01);
      const { batches, loss } = await stepper.read();
      expect([batches, Number.isFinite(loss)]).toEqual([1, true]);
      expect(() => stepper.step([batchOf([1, 3, 2 * size, size / 2])], 0.01)).toThrow(/images have shape \[1, 3, 32, 8\]/);
    }));

  it('hands the second view of a batch to a method that declares it, which refuses one without', async () => {
    using clip = tinyClip(ctx.device);
    const context = await tinyContext(clip);
    const lossOf = async (second?: number): Promise<number> =>
      await scope(async () => {
        const method = tinyMethod(context, 'coprompt', { depth: 2 });
        using stepper = new Stepper(ctx.device, method, settings);
        const batch = batchOf([2, 3, size, size]);
        const images2 = second === undefined ? undefined : batch.images.map((_, at) => Math.sin(second * at));
        try {
          stepper.step([{ ...batch, ...(images2 && { images2 }) }], 0.01);
          return (await stepper.read()).terms?.['image'] as number;
        } finally {
          method.dispose();
        }
      });
    const [one, other] = [await lossOf(1), await lossOf(2)];
    expect(one).not.toBeCloseTo(other, 4);
    expect(await lossOf(1)).toBe(one);
    await expect(lossOf()).rejects.toThrow(/coprompt: its loss needs a second view of the images/);
  });

  it('takes the rate factors of a method, by name', () =>
    withMethod(async (method) => {
      const learnt = [...method.learnable].filter(([, { size: count }]) => count > 0);
      const [still, moved] = learnt.map(([name]) => name) as [string, string];
      Object.assign(method, { rateFactors: new Map([[still, 0]]) });
      const valueOf = async (name: string) => [...(await (method.learnable.get(name) as (typeof learnt)[0][1]).data())];
      const before = [await valueOf(still), await valueOf(moved)];
      using stepper = new Stepper(ctx.device, method, settings);
      const batch = batchOf([2, 3, size, size]);
      stepper.step([{ ...batch, images: batch.images.map((_, at) => Math.sin(at)) }], 0.1);
      expect(await valueOf(still)).toEqual(before[0]);
      expect(await valueOf(moved)).not.toEqual(before[1]);
      Object.assign(method, { rateFactors: new Map([['nothing', 2]]) });
      expect(() => new Stepper(ctx.device, method, settings)).toThrow(/vpt: it has a rate factor for nothing/);
    }));

  const names = ['a', 'b', 'c', 'd', 'e', 'f'];

  it('tells six parts of a loss', () =>
    withMethod(async (method) => {
      using stepper = new Stepper(ctx.device, told(method, names), settings);
      stepper.step([batchOf([2, 3, size, size])], 0.01);
      const { loss, terms } = await stepper.read();
      expect(terms).toEqual(Object.fromEntries(names.map((name) => [name, loss])));
    }));

  it('refuses more of them by name', () =>
    withMethod(async (method) => {
      using stepper = new Stepper(ctx.device, told(method, [...names, 'g']), settings);
      const step = () => stepper.step([batchOf([2, 3, size, size])], 0.01);
      expect(step).toThrow(/its loss has 7 parts, and at most 6 are told \(a, b, c, d, e, f, g\)/);
      expect(step).toThrow(MethodError);
    }));

  it('combines gradients after accumulated batches are averaged', async () => {
    using clip = tinyClip(ctx.device);
    const context = await tinyContext(clip);
    const learnt = async (sizes: readonly number[]): Promise<{ values: number[]; moved: number }> =>
      await scope(async () => {
        // From where training has gone against the frozen model, so that the gradients conflict.
        const method = tinyMethod(context, 'prograd', { length: 3, projectionWeight: 1 });
        const [parameter] = [...method.learnable.values()];
        if (!parameter) throw new Error('nothing is learnt');
        copyInto(
          parameter,
          tensor(
            Float32Array.from({ length: parameter.size }, (_, at) => Math.sin(7 * at)),
            { shape: parameter.shape, device: ctx.device },
          ),
        );
        const before = Array.from(await parameter.data());
        using stepper = new Stepper(ctx.device, method, settings, sizes.length);
        let from = 0;
        const batches = sizes.map((count): Batch => {
          const pixels = 3 * size * size;
          const images = Float32Array.from({ length: count * pixels }, (_, at) => Math.sin(from * pixels + at));
          const labels = Int32Array.from({ length: count }, (_, at) => (from + at) % 2);
          from += count;
          return { images, shape: [count, 3, size, size], labels, items: [] };
        });
        stepper.step(batches, 0.1);
        const values = Array.from(await parameter.data());
        method.dispose();
        return { values, moved: Math.hypot(...values.map((value, at) => value - (before[at] as number))) };
      });
    const [whole, halves] = [await learnt([4]), await learnt([2, 2])];
    expect(whole.moved).toBeGreaterThan(0);
    const apart = Math.hypot(...whole.values.map((value, at) => value - (halves.values[at] as number)));
    expect(apart / whole.moved).toBeLessThan(1e-4);
  });

  it('takes from a gradient what goes against its guide', async () => {
    const aligned = (gradient: number[], guide: number[], weight: number): Promise<number[]> =>
      scope(async () => {
        const at = (values: number[]) => tensor(values, { device: ctx.device });
        return Array.from(await alignedGradient(at(gradient), at(guide), weight).data());
      });
    expect(await aligned([1, -2], [0, 4], 1)).toEqual([1, 0]);
    expect(await aligned([1, -2], [0, 4], 0.5)).toEqual([1, -1]);
    expect(await aligned([1, 2], [0, 4], 1)).toEqual([1, 2]);
    expect(await aligned([1, -2], [0, 0], 1)).toEqual([1, -2]);
  });
});
