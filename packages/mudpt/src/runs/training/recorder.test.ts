import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openSafetensors, toFloat32 } from '@mudpt/tensor';
import type { Clip } from '@mudpt/clip';
import { eachDevice } from '@mudpt/testing/support';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { tinyClip } from '@mudpt/testing/models/small-clip';
import type { Dataset } from '../../data/index.ts';
import { openDataset } from '../../datasets/index.ts';
import { KEEP_ALL, type PromptMethod, type TrainingSettings } from '../../methods/index.ts';
import { readPosition } from '../files/checkpoint.ts';
import { resolveConfig } from '../settings/config.ts';
import type { RunInput } from '../settings/settings.ts';
import { budgetOf, bytesOfSize } from '../../memory/budget.ts';
import { DivergedError } from '../../train/diverged.ts';
import type { StepChoice } from '../../memory/choice.ts';
import { createMethod, runLoader } from '../material/prepare.ts';
import { RunFolder } from '../files/run-folder.ts';
import { trainPrompts } from '../../train/trainer.ts';
import type { TrainerOptions } from '../../train/trainer-options.ts';
import { type RecorderOptions, RunRecorder } from './recorder.ts';

type Outcome = { readonly learnt: Record<string, Uint8Array>; readonly folder: RunFolder };

const digest = (digit: string): string => digit.repeat(64);
const MARKS = { config: digest('a'), data: digest('b'), images: digest('c'), model: digest('d') };

eachDevice('training kept in a folder', (ctx) => {
  /** Trains a method and returns what it learnt. */
  async function trained(
    clip: Clip,
    dataset: Dataset,
    path: string,
    input: RunInput,
    more: Partial<TrainerOptions> & Partial<RecorderOptions> = {},
  ): Promise<Outcome & { result: Awaited<ReturnType<typeof trainPrompts>> }> {
    const config = resolveConfig({ method: 'coop', settings: { length: 2, initWords: '' }, ...input });
    const method = (await createMethod(clip, config, dataset)) as PromptMethod;
    const loader = runLoader(clip, config, method);
    const folder = new RunFolder(path);
    await folder.create();
    const { resume = false, marks = MARKS, expectWriter, ...others } = more;
    try {
      const result = await trainPrompts({
        clip,
        method,
        loader,
        train: dataset.splits.train,
        val: dataset.splits.val,
        settings: config.training as TrainingSettings,
        loop: config,
        budget: budgetOf(config.memory, ctx.device),
        recorder: new RunRecorder({ folder, marks, resume, expectWriter }),
        ...others,
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
      const session = await trained(clip, dataset, path, input, {
        resume: sessions > 0,
        signal: stop.signal,
        // After each step: in the middle of an epoch, and at its end.
        onProgress: () => stop.abort(),
      });
      done = !session.result.isStopped;
      if (done) expect(session.learnt).toEqual(whole.learnt);
    }
    expect(sessions).toBe(8);
    expect(await curve(path)).toEqual(await curve(join(at.path, 'whole')));
  });

  it('the curve of a run that was stopped between two readings is that of one that was not', async () => {
    await using at = await temporaryFolder();
    const dataset = await shapes(join(at.path, 'data'));
    using clip = tinyClip(ctx.device);
    const input: RunInput = { training: { epochs: 2, batchSize: 2 }, logEvery: 3 };
    await trained(clip, dataset, join(at.path, 'whole'), input);
    const path = join(at.path, 'parts');
    let [sessions, isStopped] = [0, true];
    for (; isStopped; sessions++) {
      // A checkpoint after each step; asked to stop at the second checkpoint of a session, the run has made one step more.
      const stop = new AbortController();
      let checkpoints = 0;
      const expectWriter = async (): Promise<void> => {
        checkpoints += 1;
        if (checkpoints === 2) stop.abort();
      };
      const more = { resume: sessions > 0, signal: stop.signal, expectWriter };
      ({ isStopped } = (await trained(clip, dataset, path, { ...input, checkpointSeconds: 0 }, more)).result);
    }
    expect(sessions).toBeGreaterThan(4);
    expect((await curve(path)).map(([kind, , step]) => (kind === 'step' ? step : kind))).toEqual([
      0,
      3,
      6,
      7,
      'epoch',
      8,
      11,
      14,
      15,
      'epoch',
    ]);
    expect(await curve(path)).toEqual(await curve(join(at.path, 'whole')));
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
    expect(choices[0]?.rematerialization).not.toEqual(KEEP_ALL);
    expect(choices[0]?.bytes).toBeLessThanOrEqual(bytesOfSize(smallest) ?? 0);
    const stop = new AbortController();
    const path = join(at.path, 'parts');
    await trained(clip, dataset, path, { ...input, memory: smallest }, { signal: stop.signal, onProgress: () => stop.abort() });
    expect((await readPosition(join(path, 'last.safetensors'))).rematerialization).toEqual(choices[0]?.rematerialization);
    const rest = await trained(clip, dataset, path, { ...input, memory: 'auto' }, { resume: true, onChoice });
    expect(choices).toHaveLength(1);
    expect(rest.learnt).toEqual(whole.learnt);
    expect(distance(whole, large)).toBeLessThan(1e-6);
  });

  it('refuses a checkpoint of another configuration, model, or other data', async () => {
    await using at = await temporaryFolder();
    const dataset = await shapes(join(at.path, 'data'));
    using clip = tinyClip(ctx.device);
    const input: RunInput = { training: { epochs: 1, batchSize: 8 } };
    const path = join(at.path, 'run');
    await trained(clip, dataset, path, input);
    expect(await readPosition(join(path, 'last.safetensors'))).toMatchObject({ epoch: 1, step: 0, marks: MARKS });
    const resumed = (part: keyof typeof MARKS) =>
      trained(clip, dataset, path, input, { resume: true, marks: { ...MARKS, [part]: digest('0') } });
    await expect(resumed('config')).rejects.toThrow(/another configuration/);
    await expect(resumed('data')).rejects.toThrow(/other data/);
    await expect(resumed('images')).rejects.toThrow(/other training images/);
    await expect(resumed('model')).rejects.toThrow(/another base model/);
  });

  it('stops where the loss or an update is not finite, and leaves the last good checkpoint', async () => {
    await using at = await temporaryFolder();
    const dataset = await shapes(join(at.path, 'data'));
    using clip = tinyClip(ctx.device);
    const failed = async (name: string, training: object): Promise<DivergedError> => {
      const input: RunInput = { training: { batchSize: 4, warmupEpochs: 0, ...training }, logEvery: 1, checkpointSeconds: 0 };
      const error: unknown = await trained(clip, dataset, join(at.path, name), input).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(DivergedError);
      return error as DivergedError;
    };
    const [loss, update] = [
      await failed('loss', { epochs: 3, lr: 1e30 }),
      await failed('update', { epochs: 1, batchSize: 16, lr: 3e38 }),
    ];
    expect(loss.divergence).toMatchObject({ epoch: 0, lr: 1e30 });
    expect(loss.message).toMatch(/diverged in epoch 1, step \d+: .*learning rate 1e\+30.*--lr 1e\+29/s);
    // Its one loss was finite; what followed from it was not.
    expect(update.divergence).toMatchObject({ epoch: 0, step: 0, what: expect.stringMatching(/not finite/) });
    expect(Number.isFinite(Number(update.divergence.loss))).toBe(true);
    for (const name of ['loss', 'update']) {
      const file = await openSafetensors(join(at.path, name, 'last.safetensors'));
      for (const tensor of file.tensors.keys()) {
        const { dtype, bytes } = await file.read(tensor);
        expect(toFloat32(dtype, bytes).every(Number.isFinite), `${name}: ${tensor}`).toBe(true);
      }
      await file.close();
    }
  });
});

/** Everything of the metrics but what depends on the clock or the memory. */
async function curve(folder: string): Promise<unknown[][]> {
  return (await new RunFolder(folder).metrics.read()).map((line) =>
    line.kind === 'step'
      ? [line.kind, line.epoch, line.step, line.loss, line.accuracy, line.lr, line.terms]
      : [line.kind, line.epoch, line.loss, line.accuracy, line.lr, line.valAccuracy],
  );
}

function distance(a: Outcome, b: Outcome): number {
  let [differences, sizes] = [0, 0];
  for (const [name, bytes] of Object.entries(a.learnt)) {
    const values = new Float32Array(bytes.buffer);
    const other = new Float32Array(b.learnt[name]?.buffer ?? new ArrayBuffer(0));
    values.forEach((value, index) => {
      differences += (value - (other[index] ?? Number.NaN)) ** 2;
      sizes += value ** 2;
    });
  }
  return Math.sqrt(differences / sizes);
}
