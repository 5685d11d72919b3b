/** Training steps with weights and activations in f16: against those in f32, captured and plain, and followed for 20 steps. */
import { type Clip, type ClipOptions } from '@mudpt/clip';
import { capture, scope, type Tensor } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { distance } from '@mudpt/testing/numbers';
import { stepTensors, TINY, tinyBatch, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import { methodNamed, type PromptMethod, type TrainingSettings } from '../methods/index.ts';
import { KEEP_ALL, RECOMPUTE, SELECTIVE } from '../method/rematerialization.ts';
import { Stepper } from './step.ts';

type DTypes = Pick<ClipOptions, 'dtype' | 'activationDType'>;
const WEIGHTS: DTypes = { dtype: 'f16' };
const BOTH: DTypes = { dtype: 'f16', activationDType: 'f16' };

/** Relative errors of losses, and of all gradients of a step together. */
const [LOSS, GRADIENTS] = [2e-3, 2e-2];

const METHODS: readonly (readonly [name: string, settings: Record<string, unknown>])[] = [
  ['mudpt', { depth: 3 }],
  ['maple', { depth: 3 }],
  ['coop', { length: 4 }],
  ['clip-lora', { dropout: 0 }],
  ['mma', { width: 5, firstLayer: 2, lastLayer: 3, scale: 0.5 }],
];

type Step = { readonly loss: readonly number[]; readonly gradients: readonly number[] };

eachDevice('mixed precision', (ctx) => {
  const its = (name: string, body: () => Promise<void>): void =>
    it(name, async ({ skip }) => {
      skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
      await body();
    });
  const withMethod = async <R>(
    [name, settings]: (typeof METHODS)[number],
    dtypes: DTypes,
    body: (method: PromptMethod, clip: Clip) => Promise<R>,
  ): Promise<R> => {
    using clip = tinyClip(ctx.device, dtypes);
    return await scope(async () => {
      const method = tinyMethod(await tinyContext(clip), name, settings);
      try {
        return await body(method, clip);
      } finally {
        method.dispose();
      }
    });
  };
  const read = async ({ loss, gradients }: ReturnType<typeof stepTensors>): Promise<Step> => {
    const all = await Promise.all(Object.values(gradients).map(async (gradient) => Array.from(await gradient.data())));
    return { loss: Array.from(await loss.data()), gradients: all.flat() };
  };
  const plainStep = async (method: PromptMethod): Promise<Step> => {
    const { images, labels } = tinyBatch(ctx.device);
    return await scope(() => read(stepTensors(method, images, labels)));
  };

  describe.each(METHODS)('%s', (...method) => {
    for (const [name, dtypes] of [
      ['weights', WEIGHTS],
      ['weights and activations', BOTH],
    ] as const)
      its(`with ${name} in f16 has the loss and the gradients of f32, and the same bits captured`, async () => {
        const wanted = await withMethod(method, {}, plainStep);
        await withMethod(method, dtypes, async (learner) => {
          const found = await plainStep(learner);
          const gap = distance(found.gradients, wanted.gradients);
          expect(gap).toBeGreaterThan(1e-6);
          expect(gap).toBeLessThan(GRADIENTS);
          expect(distance(found.loss, wanted.loss)).toBeLessThan(LOSS);
          const { images, labels } = tinyBatch(ctx.device);
          using step = capture(({ x, y }: { x: Tensor; y: Tensor }) => stepTensors(learner, x, y), { device: ctx.device });
          for (let replay = 0; replay < 2; replay += 1) expect(await read(step({ x: images, y: labels }))).toEqual(found);
        });
      });

    its('has the same bits with blocks computed twice', () =>
      withMethod(method, BOTH, async (learner) => {
        const kept = await plainStep(learner);
        for (const rematerialization of [RECOMPUTE, SELECTIVE]) {
          learner.rematerialize(rematerialization);
          expect(await plainStep(learner)).toEqual(kept);
        }
      }),
    );
  });

  /** Losses of 20 updates on one batch, each read, and what an update is planned to take. */
  const train = (dtypes: DTypes) =>
    withMethod(['mudpt', { depth: 3 }], dtypes, async (method) => {
      const { size } = TINY.image;
      const shape = [4, 3, size, size] as const;
      const images = Float32Array.from({ length: 4 * 3 * size * size }, (_, at) => Math.sin(at));
      const labels = Int32Array.from({ length: 4 }, (_, at) => at % 3);
      const settings = methodNamed('mudpt').training?.parse({}) as TrainingSettings;
      using stepper = new Stepper(ctx.device, method, settings);
      const losses: number[] = [];
      for (let step = 0; step < 20; step += 1) {
        stepper.step([{ images, shape, labels, items: [] }], 0.05);
        losses.push((await stepper.read()).loss);
      }
      method.rematerialize(KEEP_ALL);
      return { losses, cost: stepper.cost(shape) };
    });

  its('follows the loss of f32 for 20 steps, in as many dispatches and less memory', async () => {
    const [exact, weights, both] = [await train({}), await train(WEIGHTS), await train(BOTH)];
    const [first = 0, last = 0] = [exact.losses[0], exact.losses.at(-1)];
    expect(last).toBeLessThan(0.7 * first);
    for (const { losses } of [weights, both])
      for (const [step, loss] of losses.entries())
        expect(Math.abs(loss - exact.losses[step]!), `step ${step}`).toBeLessThan(0.02 * first);
    expect(both.cost.dispatches).toBe(exact.cost.dispatches);
    expect(weights.cost.bytes).toBe(exact.cost.bytes);
    expect(both.cost.bytes).toBeLessThan(exact.cost.bytes);
  });
});
