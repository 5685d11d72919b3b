import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '@mudpt/tensor';
import { temporaryFolder } from '@mudpt/testing/files';
import { SHAPE_NAMES, shapeImage } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import type { Dataset, Item } from '../../data/index.ts';
import { evaluateRun } from './evaluate.ts';
import { openRun } from './open-run.ts';
import { resumeRun, train } from '../training/run.ts';
import type { TrainInput } from '../settings/settings.ts';

/** Shapes as bytes, without files. */
function shapes({ name = 'my shapes', variant = 0 } = {}): Dataset {
  const items = (split: string, count: number): Item[] =>
    SHAPE_NAMES.flatMap((shape, label) =>
      Array.from({ length: count }, (_, index) => ({
        id: `${split}-${shape}-${index}`,
        image: shapeImage(shape, variant + 10 * index + label),
        label,
      })),
    );
  const splits = { train: items('train', 3), val: [], test: items('test', 2) };
  return { name, classNames: SHAPE_NAMES, template: 'a drawing of a {}.', splits, warnings: [] };
}

eachDevice('a data set given as a value', (ctx) => {
  it('is trained on, resumed to the same bits, and evaluated; another one is refused, and so is none', async () => {
    await using at = await temporaryFolder();
    const model = join(at.path, 'model');
    await writeTinyModel(model);
    const settings = { length: 2, initWords: '' };
    const input: TrainInput = {
      data: shapes(),
      ...{ model, shots: 2, method: 'coop', settings, training: { batchSize: 4, epochs: 2 }, logEvery: 1, alternatives: false },
    };
    const options = { device: ctx.device, out: join(at.path, 'runs') };
    const whole = await train(input, { ...options, out: join(at.path, 'whole') });
    expect(whole.summary).toMatchObject({ state: 'finished', data: { name: 'my shapes', template: 'a drawing of a {}.' } });
    expect(whole.folder.path).toMatch(/my_shapes.coop-model-2shots-[0-9a-f]{8}.seed1$/);

    const stop = new AbortController();
    const onProgress = (): void => stop.abort();
    const stopped = await train(input, { ...options, signal: stop.signal, observer: { onProgress } });
    expect(stopped.summary.state).toBe('stopped');
    const { path } = stopped.folder;
    // No name or path stands for it, so it is asked for.
    await expect(resumeRun(path, options)).rejects.toThrow(/"my shapes" was given as a value.*Give the same Dataset again/s);
    await expect(resumeRun(path, options)).rejects.toBeInstanceOf(InputError);
    await expect(resumeRun(path, { ...options, data: shapes({ variant: 1 }) })).rejects.toThrow(/holds a run with other data/);
    const resumed = await resumeRun(path, { ...options, data: shapes() });
    expect(resumed.summary.state).toBe('finished');
    const [a, b] = await Promise.all([whole, resumed].map(({ folder }) => readFile(folder.file('prompts'))));
    expect(a && b && Buffer.compare(a, b)).toBe(0);

    // By content: other images are another run, the same ones the same.
    const other = await train({ ...input, data: shapes({ variant: 1 }) }, options);
    expect(other.folder.path).not.toBe(path);
    await expect(train(input, options)).rejects.toThrow(/is there already and has finished/);

    const run = await openRun(path, { device: ctx.device });
    try {
      await expect(evaluateRun(run)).rejects.toThrow(/was given as a value.*evaluateRun\(run, \{ data \}\)/s);
      const { tuned } = await evaluateRun(run, { data: shapes() });
      expect(tuned.metrics).toEqual(resumed.summary.evaluations.find(({ what }) => what === 'tuned')?.metrics);
      const elsewhere = await evaluateRun(run, { data: shapes({ name: 'others', variant: 3 }) });
      expect(elsewhere.tuned).toMatchObject({ data: 'others', metrics: { count: 8 } });
    } finally {
      await run.close();
    }
  });

  it('is looked at before anything else', async () => {
    const set = shapes();
    const [first] = set.splits.test;
    const broken = { ...set, splits: { ...set.splits, test: [{ ...(first as Item), label: 9 }] } };
    await expect(train({ data: broken }, { device: ctx.device })).rejects.toThrow(/the label 9, and has 4 classes/);
  });
});
