import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Clip } from '@mudpt/clip';
import { eachDevice } from '../../../tensor/test/support.ts';
import { temporaryFolder, writeShapes } from '../../test/pictures.ts';
import { tinyClip } from '../../test/tiny.ts';
import { type Dataset, openDataset } from '../data/index.ts';
import { KEEP_ALL, type PromptMethod, type TrainingSettings } from '../methods/index.ts';
import { readPosition } from './checkpoint.ts';
import { resolveConfig, type RunInput } from './config.ts';
import { bytesOfSize } from './budget.ts';
import type { StepChoice } from './memory.ts';
import { createMethod, runLoader } from './prepare.ts';
import { RunFolder } from './run-folder.ts';
import { updatesOf } from './pace.ts';
import { trainPrompts, type TrainerOptions } from './trainer.ts';

type Outcome = { readonly learnt: Record<string, Uint8Array>; readonly folder: RunFolder };

eachDevice('trainPrompts', (ctx) => {
  /** Trains a method and returns what it learnt. */
  async function trained(
    clip: Clip,
    dataset: Dataset,
    path: string,
    input: RunInput,
    more: Partial<TrainerOptions> = {},
  ): Promise<Outcome & { result: Awaited<ReturnType<typeof trainPrompts>> }> {
    const config = resolveConfig({ method: 'coop', settings: { length: 2, initWords: '' }, ...input });
    const method = (await createMethod(clip, config, dataset)) as PromptMethod;
    const loader = runLoader(clip, config, method);
    const folder = new RunFolder(path);
    await folder.create();
    try {
      const result = await trainPrompts({
        clip,
        method,
        loader,
        train: dataset.splits.train,
        val: dataset.splits.val,
        config,
        settings: config.training as TrainingSettings,
        folder,
        belongs: { identity: 'i', pictures: 'p', model: 'm' },
        resume: false,
        ...more,
      });
      const learnt: Record<string, Uint8Array> = {};
      for (const [name, tensor] of method.learnable) learnt[name] = new Uint8Array((await tensor.data()).slice().buffer);
      return { learnt, folder, result };
    } finally {
      method.dispose();
      await loader.close();
    }
  }

  async function shapes(path: string): Promise<Dataset> {
    await writeShapes(path, { train: 4, val: 2, test: 1 });
    return openDataset(path);
  }

  // PromptSRC carries an average over epochs beside what it learns.
  it.each([
    ['mudpt', { depth: 2 }],
    ['promptsrc', { textDepth: 2, imageDepth: 2, templates: ['a {}.', 'one {}.'], aggregationMean: 1 }],
  ])('%s, stopped and resumed anywhere, ends with the same bits', async (name, settings) => {
    await using at = await temporaryFolder();
    const dataset = await shapes(join(at.path, 'data'));
    using clip = tinyClip(ctx.device);
    const input: RunInput = { method: name, settings, training: { epochs: 2, batchSize: 4 }, logEvery: 1 };
    const whole = await trained(clip, dataset, join(at.path, 'whole'), input);
    expect(whole.result).toMatchObject({ epochsDone: 2, stepsPerEpoch: 4, isStopped: false });
    const path = join(at.path, 'parts');
    let sessions = 0;
    for (let done = false; !done; sessions++) {
      const stop = new AbortController();
      const own = await trained(clip, dataset, path, input, {
        resume: sessions > 0,
        signal: stop.signal,
        // Seen after the session's second step: in the middle of an epoch, then at its end.
        onProgress: () => stop.abort(),
      });
      done = !own.result.isStopped;
      if (done) expect(own.learnt).toEqual(whole.learnt);
    }
    expect(sessions).toBe(4);
    const numbers = async (folder: string) =>
      (await new RunFolder(folder).readMetrics()).filter((line) => line.kind === 'step').map(({ step, lr }) => [step, lr]);
    const steps = (await numbers(path)).map(([step]) => step);
    expect(steps).toEqual([...new Set(steps)].sort((a, b) => (a ?? 0) - (b ?? 0)));
    expect(steps.at(-1)).toBe(7);
  });

  it('within the smallest budget, a run stopped and resumed with another one ends with the same bits, and those of a large one nearly', async () => {
    await using at = await temporaryFolder();
    const dataset = await shapes(join(at.path, 'data'));
    using clip = tinyClip(ctx.device);
    const input: RunInput = { method: 'mudpt', settings: { depth: 2 }, training: { epochs: 1, batchSize: 4 }, logEvery: 1 };
    const refused = trained(clip, dataset, join(at.path, 'none'), { ...input, memory: '1KiB' });
    const message = await refused.then(
      () => '',
      (error: Error) => error.message,
    );
    const [, smallest = ''] = /--memory (\S+) or more/.exec(message) ?? [];
    const large = await trained(clip, dataset, join(at.path, 'large'), { ...input, memory: '1GiB' });
    const choices: StepChoice[] = [];
    const onChoice = (choice: StepChoice) => choices.push(choice);
    const whole = await trained(clip, dataset, join(at.path, 'whole'), { ...input, memory: smallest }, { onChoice });
    expect(choices[0]?.economy).not.toEqual(KEEP_ALL);
    expect(choices[0]?.bytes).toBeLessThanOrEqual(bytesOfSize(smallest) ?? 0);
    const stop = new AbortController();
    const path = join(at.path, 'parts');
    await trained(clip, dataset, path, { ...input, memory: smallest }, { signal: stop.signal, onProgress: () => stop.abort() });
    expect((await readPosition(join(path, 'last.safetensors'))).economy).toEqual(choices[0]?.economy);
    const rest = await trained(clip, dataset, path, { ...input, memory: 'auto' }, { resume: true, onChoice });
    expect(choices).toHaveLength(1);
    expect(rest.learnt).toEqual(whole.learnt);
    expect(distance(whole, large)).toBeLessThan(1e-6);
  });

  it('refuses a checkpoint of another configuration, model, or other pictures', async () => {
    await using at = await temporaryFolder();
    const dataset = await shapes(join(at.path, 'data'));
    using clip = tinyClip(ctx.device);
    const input: RunInput = { training: { epochs: 1, batchSize: 8 } };
    const path = join(at.path, 'run');
    await trained(clip, dataset, path, input);
    expect(await readPosition(join(path, 'last.safetensors'))).toMatchObject({ epoch: 1, step: 0, identity: 'i' });
    const resumed = (belongs: TrainerOptions['belongs']) => trained(clip, dataset, path, input, { resume: true, belongs });
    await expect(resumed({ identity: 'other', pictures: 'p', model: 'm' })).rejects.toThrow(/another configuration/);
    await expect(resumed({ identity: 'i', pictures: 'other', model: 'm' })).rejects.toThrow(/other training pictures/);
    await expect(resumed({ identity: 'i', pictures: 'p', model: 'other' })).rejects.toThrow(/another base model/);
  });

  it('accumulated batches are one large batch', async () => {
    await using at = await temporaryFolder();
    const dataset = await shapes(join(at.path, 'data'));
    using clip = tinyClip(ctx.device);
    const training = { epochs: 1, lr: 0.1, warmupEpochs: 0 };
    const large = await trained(clip, dataset, join(at.path, 'a'), { training: { ...training, batchSize: 8 } });
    const parts = await trained(clip, dataset, join(at.path, 'b'), { training: { ...training, batchSize: 2 }, accumulate: 4 });
    const single = await trained(clip, dataset, join(at.path, 'c'), { training: { ...training, batchSize: 2 } });
    expect(large.result.stepsPerEpoch).toBe(2);
    expect(parts.result.stepsPerEpoch).toBe(2);
    expect(distance(large, parts)).toBeLessThan(1e-4);
    expect(distance(large, single)).toBeGreaterThan(1e-2);
  });

  it('stops early on validation, and keeps the best epoch', async () => {
    await using at = await temporaryFolder();
    const dataset = await shapes(join(at.path, 'data'));
    using clip = tinyClip(ctx.device);
    // A learning rate of nothing: the first epoch stays the best.
    const input: RunInput = { training: { epochs: 9, batchSize: 8, lr: 1e-30, warmupLr: 1e-30 }, patience: 2 };
    const { result, folder } = await trained(clip, dataset, join(at.path, 'run'), input);
    expect(result).toMatchObject({ stoppedEarlyAt: 2, epochsDone: 3 });
    const lines = (await folder.readMetrics()).filter((line) => line.kind === 'epoch');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toHaveProperty('valAccuracy');
  });
});

function distance(a: Outcome, b: Outcome): number {
  let [differences, sizes] = [0, 0];
  for (const [name, bytes] of Object.entries(a.learnt)) {
    const own = new Float32Array(bytes.buffer);
    const other = new Float32Array(b.learnt[name]?.buffer ?? new ArrayBuffer(0));
    own.forEach((value, index) => {
      differences += (value - (other[index] ?? Number.NaN)) ** 2;
      sizes += value ** 2;
    });
  }
  return Math.sqrt(differences / sizes);
}

it('cuts an epoch into updates of whole groups, unless there is no whole one', () => {
  expect(updatesOf(16, 4, 1)).toEqual({ updates: 4, group: 1 });
  expect(updatesOf(23, 4, 2)).toEqual({ updates: 2, group: 2 });
  expect(updatesOf(3, 4, 2)).toEqual({ updates: 1, group: 1 });
  expect(updatesOf(0, 4, 2)).toEqual({ updates: 0, group: 0 });
});
