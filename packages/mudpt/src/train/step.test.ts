import { scope } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { TINY, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import type { Batch } from '../data/index.ts';
import { MethodError, methodNamed, type PromptMethod, type StepLoss, type TrainingSettings } from '../methods/index.ts';
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
});
