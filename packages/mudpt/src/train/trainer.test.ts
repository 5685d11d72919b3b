import { join } from 'node:path';
import type { Clip } from '@mudpt/clip';
import { copyInto, type HostArray, type Tensor, tensor } from '@mudpt/tensor';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { tinyClip } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import { BatchLoader, type Dataset } from '../data/index.ts';
import { openDataset } from '../datasets/index.ts';
import { methodContext, methodNamed, type PromptMethod, type TrainingInput } from '../methods/index.ts';
import { DivergedError } from './diverged.ts';
import type { MetricsLine } from './metrics-line.ts';
import type { TrainingRecorder, TrainingState } from './state.ts';
import { trainPrompts } from './trainer.ts';
import type { LoopSettings, TrainerOptions, TrainingResult } from './trainer-options.ts';
import { updatesOf } from './updates.ts';

const LOOP: LoopSettings = {
  accumulate: 1,
  patience: 0,
  finalModel: 'last_step',
  validateEvery: 1,
  evaluationBatch: 100,
  logEvery: 1,
  checkpointSeconds: 1e9,
};

/** Keeps numbers on the host. */
class MemoryRecorder implements TrainingRecorder {
  readonly lines: MetricsLine[] = [];
  saved = 0;
  /** What was kept where epochs ended, by how many were done. */
  readonly learntAfter = new Map<number, ReadonlyMap<string, HostArray>>();
  private kept: { numbers: Map<string, HostArray>; state: TrainingState; lines: number } | undefined;

  restore(tensors: ReadonlyMap<string, Tensor>): Promise<TrainingState | undefined> {
    if (!this.kept) return Promise.resolve(undefined);
    expect([...tensors.keys()]).toEqual([...this.kept.numbers.keys()]);
    for (const [name, target] of tensors) {
      if (target.size === 0) continue;
      const { shape, device, dtype } = target;
      using source = tensor(this.kept.numbers.get(name) as HostArray, { shape, device, dtype });
      copyInto(target, source);
    }
    this.lines.length = this.kept.lines;
    return Promise.resolve(this.kept.state);
  }

  log(line: MetricsLine): Promise<void> {
    this.lines.push(line);
    return Promise.resolve();
  }

  async save(tensors: ReadonlyMap<string, Tensor>, state: TrainingState): Promise<void> {
    const numbers = new Map<string, HostArray>();
    for (const [name, one] of tensors) numbers.set(name, (await one.data()).slice());
    this.kept = { numbers, state, lines: this.lines.length };
    if (state.step === 0) this.learntAfter.set(state.epoch, numbers);
    this.saved += 1;
  }
}

eachDevice('trainPrompts', (ctx) => {
  type Outcome = TrainingResult & { readonly learnt: Readonly<Record<string, Float32Array>> };

  async function trained(
    clip: Clip,
    { classNames, template, descriptions, splits }: Dataset,
    training: TrainingInput,
    more: Partial<Omit<TrainerOptions, 'loop' | 'settings'>> & {
      loop?: Partial<LoopSettings>;
      name?: string;
      settings?: object;
    } = {},
  ): Promise<Outcome> {
    const { name = 'coop', loop, settings: chosen = { length: 2, initWords: '' }, ...others } = more;
    const definition = methodNamed(name);
    const context = await methodContext(clip, { classNames, template, descriptions, seed: 1 });
    const method = definition.create(context, chosen) as PromptMethod;
    const settings = definition.training?.parse(training);
    if (!settings) throw new Error(`${name} is not trained`);
    const loader = new BatchLoader({ size: clip.config.image.size, seed: 1, workers: 0 });
    try {
      const result = await trainPrompts({
        clip,
        method,
        loader,
        train: splits.train,
        val: splits.val,
        loop: { ...LOOP, ...loop },
        budget: { bytes: 2 ** 32, isAsked: false },
        ...others,
        settings,
      });
      const learnt: Record<string, Float32Array> = {};
      for (const [key, one] of method.learnable) learnt[key] = (await one.data()).slice() as Float32Array;
      return { ...result, learnt };
    } finally {
      method.dispose();
      await loader.close();
    }
  }

  async function shapes(path: string): Promise<Dataset> {
    await writeShapes(path, { train: 4, val: 2, test: 1 });
    return openDataset(path);
  }

  const promptsrc = { textDepth: 2, imageDepth: 2, templates: ['a {}.', 'one {}.'], aggregationMean: 1 };

  it.each([
    ['promptsrc', promptsrc, undefined],
    // By Adam, which counts the steps of every 256 elements of a parameter.
    ['tcp', { layer: 2 }, undefined],
    // With descriptions that are drawn, and a second view of each image.
    ['coprompt', { depth: 2 }, (label: number) => ['one', 'another', 'and one more'].slice(0, 1 + (label % 3))],
  ] as const)('needs no folder; kept anywhere else, it goes on to the same bits: %s', async (name, settings, described) => {
    await using at = await temporaryFolder();
    const opened = await shapes(join(at.path, 'data'));
    const dataset = { ...opened, ...(described && { descriptions: opened.classNames.map((_, label) => described(label)) }) };
    using clip = tinyClip(ctx.device);
    const training = { epochs: 2, batchSize: 8 };
    const more = { name, settings };
    const alone = await trained(clip, dataset, training, more);
    expect(alone).toMatchObject({ epochsDone: 2, stepsPerEpoch: 2, isStopped: false });
    const whole = new MemoryRecorder();
    expect((await trained(clip, dataset, training, { ...more, recorder: whole })).learnt).toEqual(alone.learnt);
    const parts = new MemoryRecorder();
    let [sessions, last] = [0, undefined as Outcome | undefined];
    for (; last?.isStopped !== false; sessions++) {
      const stop = new AbortController();
      const onProgress = () => stop.abort();
      last = await trained(clip, dataset, training, { ...more, recorder: parts, signal: stop.signal, onProgress });
    }
    expect(sessions).toBe(4);
    expect(last.learnt).toEqual(alone.learnt);
    const curve = ({ lines }: MemoryRecorder) =>
      lines.map(({ kind, epoch, loss, accuracy, lr }) => [kind, epoch, loss, accuracy, lr]);
    expect(curve(parts)).toEqual(curve(whole));
  });

  it('stops after so many iterations, cuts the last epoch, and counts the schedule by them; in parts, too', async () => {
    await using at = await temporaryFolder();
    const dataset = await shapes(join(at.path, 'data'));
    using clip = tinyClip(ctx.device);
    const training: TrainingInput = {
      epochs: 9,
      iterations: 3,
      batchSize: 8,
      lr: 0.1,
      warmupEpochs: 0,
      schedule: 'cosine-per-step',
    };
    const whole = new MemoryRecorder();
    const result = await trained(clip, dataset, training, { recorder: whole });
    expect(result).toMatchObject({ epochsDone: 2, stepsPerEpoch: 2, isStopped: false });
    const rates = whole.lines.flatMap((line) => (line.kind === 'step' ? [line.lr] : []));
    expect(rates).toHaveLength(3);
    for (const [step, rate] of rates.entries()) expect(rate).toBeCloseTo(0.05 * (1 + Math.cos((Math.PI * step) / 3)), 12);
    const parts = new MemoryRecorder();
    let [sessions, last] = [0, undefined as Outcome | undefined];
    for (; last?.isStopped !== false; sessions++) {
      const stop = new AbortController();
      last = await trained(clip, dataset, training, { recorder: parts, signal: stop.signal, onProgress: () => stop.abort() });
    }
    expect(sessions).toBe(3);
    expect(last.learnt).toEqual(result.learnt);
    // Epochs that hold as many are the same training, but for the schedule.
    const constant = { ...training, schedule: 'constant' } as const;
    const [counted, even] = [
      { ...constant, iterations: 4 },
      { ...constant, iterations: 0, epochs: 2 },
    ];
    expect((await trained(clip, dataset, counted)).learnt).toEqual((await trained(clip, dataset, even)).learnt);
  });

  it('what is not finite is never kept', async () => {
    await using at = await temporaryFolder();
    const dataset = await shapes(join(at.path, 'data'));
    using clip = tinyClip(ctx.device);
    const recorder = new MemoryRecorder();
    const training = { epochs: 1, batchSize: 16, lr: 3e38, warmupEpochs: 0 };
    await expect(trained(clip, dataset, training, { recorder })).rejects.toBeInstanceOf(DivergedError);
    // The beginning.
    expect(recorder.saved).toBe(1);
  });

  it('accumulated batches are one large batch', async () => {
    await using at = await temporaryFolder();
    const dataset = await shapes(join(at.path, 'data'));
    using clip = tinyClip(ctx.device);
    const training = { epochs: 1, lr: 0.1, warmupEpochs: 0 };
    const large = await trained(clip, dataset, { ...training, batchSize: 8 });
    const parts = await trained(clip, dataset, { ...training, batchSize: 2 }, { loop: { accumulate: 4 } });
    const single = await trained(clip, dataset, { ...training, batchSize: 2 });
    expect(large.stepsPerEpoch).toBe(2);
    expect(parts.stepsPerEpoch).toBe(2);
    expect(distance(large, parts)).toBeLessThan(1e-4);
    expect(distance(large, single)).toBeGreaterThan(1e-2);
  });

  it('stops early on validation, and keeps the best epoch', async () => {
    await using at = await temporaryFolder();
    const dataset = await shapes(join(at.path, 'data'));
    using clip = tinyClip(ctx.device);
    const recorder = new MemoryRecorder();
    // A learning rate of nothing: the first epoch stays the best.
    const training = { epochs: 9, batchSize: 8, lr: 1e-30, warmupLr: 1e-30 };
    const result = await trained(clip, dataset, training, { recorder, loop: { patience: 2 } });
    expect(result).toMatchObject({ stoppedEarlyAt: 2, epochsDone: 3 });
    const lines = recorder.lines.filter((line) => line.kind === 'epoch');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toHaveProperty('valAccuracy');
    const without = { ...dataset, splits: { ...dataset.splits, val: [] } };
    await expect(trained(clip, without, training, { loop: { patience: 2 } })).rejects.toThrow(/no validation pictures to stop/);
  });

  it('ends with the best epoch on validation, the first of equal ones, stopped or not', async () => {
    await using at = await temporaryFolder();
    await writeShapes(join(at.path, 'data'), { train: 4, val: 4, test: 1 });
    const all = await openDataset(join(at.path, 'data'));
    // Each class has another number of them, so that a model that names one class alone is more often right with some.
    const val = all.splits.val.filter((item, index) => index % 4 <= item.label);
    const dataset = { ...all, splits: { ...all.splits, val } };
    using clip = tinyClip(ctx.device);
    const training = { epochs: 6, batchSize: 8, lr: 1000, warmupEpochs: 0 };
    const loop = { finalModel: 'best_val' } as const;
    const recorder = new MemoryRecorder();
    const whole = await trained(clip, dataset, training, { recorder, loop });
    expect(whole.epochsDone).toBe(6);
    const curve = recorder.lines.flatMap((line) => (line.kind === 'epoch' ? [line.valAccuracy ?? Number.NaN] : []));
    expect(curve).toHaveLength(6);
    const accuracy = Math.max(...curve);
    const epoch = curve.indexOf(accuracy);
    expect(whole.best).toEqual({ accuracy, epoch });
    // Neither where it began nor where it ended: better than the epochs before, and the first of several that are as good.
    expect([...curve.keys()].slice(1, -1)).toContain(epoch);
    const then = recorder.learntAfter.get(epoch + 1);
    for (const [name, values] of Object.entries(whole.learnt)) expect(values).toEqual(then?.get(`learnt.${name}`));
    const last = await trained(clip, dataset, training);
    expect(last.best).toBeUndefined();
    expect(last.learnt).not.toEqual(whole.learnt);

    const parts = new MemoryRecorder();
    let resumed: Outcome | undefined;
    for (let stopAt = 1; resumed === undefined || resumed.isStopped; stopAt += 2) {
      const stop = new AbortController();
      const onEpoch = (line: MetricsLine): void => void (line.epoch === stopAt && stop.abort());
      resumed = await trained(clip, dataset, training, { recorder: parts, loop, signal: stop.signal, onEpoch });
      if (resumed.isStopped) expect(resumed.best).toBeUndefined();
    }
    expect(resumed.learnt).toEqual(whole.learnt);
    expect(resumed.best).toEqual(whole.best);
  });

  it('looks at validation every so many epochs and after the last, and keeps the first of equal epochs', async () => {
    await using at = await temporaryFolder();
    const dataset = await shapes(join(at.path, 'data'));
    using clip = tinyClip(ctx.device);
    const recorder = new MemoryRecorder();
    const training = { epochs: 5, batchSize: 8, lr: 1e-30, warmupLr: 1e-30 };
    const loop = { finalModel: 'best_val', validateEvery: 2 } as const;
    const result = await trained(clip, dataset, training, { recorder, loop });
    expect(result).toMatchObject({ epochsDone: 5, best: { epoch: 1 } });
    const looked = recorder.lines.flatMap((line) =>
      line.kind === 'epoch' && line.valAccuracy !== undefined ? [line.epoch] : [],
    );
    expect(looked).toEqual([1, 3, 4]);
    const without = { ...dataset, splits: { ...dataset.splits, val: [] } };
    await expect(trained(clip, without, training, { loop })).rejects.toThrow(
      /no validation pictures to choose the best epoch by/,
    );
  });

  function distance(a: Outcome, b: Outcome): number {
    let [differences, sizes] = [0, 0];
    for (const [name, values] of Object.entries(a.learnt))
      values.forEach((value, index) => {
        differences += (value - (b.learnt[name]?.[index] ?? Number.NaN)) ** 2;
        sizes += value ** 2;
      });
    return Math.sqrt(differences / sizes);
  }
});

it('cuts an epoch into updates of whole groups, unless there is no whole one', () => {
  expect(updatesOf(16, 4, 1)).toEqual({ updates: 4, group: 1 });
  expect(updatesOf(23, 4, 2)).toEqual({ updates: 2, group: 2 });
  expect(updatesOf(3, 4, 2)).toEqual({ updates: 1, group: 1 });
  expect(updatesOf(0, 4, 2)).toEqual({ updates: 0, group: 0 });
});
