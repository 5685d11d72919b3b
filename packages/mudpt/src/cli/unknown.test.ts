import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { shapeImage, writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it, vi } from 'vitest';
import { evaluateCommand } from './evaluate.ts';
import { detectionOf } from '../evaluation/detection.ts';
import { openDataset } from '../datasets/index.ts';
import { evaluateRun } from '../runs/finished/evaluate.ts';
import { openRun } from '../runs/finished/open-run.ts';
import { predictFiles } from '../runs/finished/predict.ts';
import { train } from '../runs/training/run.ts';
import { openUnknown } from '../runs/finished/unknown.ts';
import type { UnknownEvaluation } from '../runs/records/records.ts';
import { unknownText } from './unknown.ts';

const KNOWN = ['red circle', 'green square'];

eachDevice('images of no class', (ctx) => {
  it('are told from the test images by both scores, tuned and zero-shot, in the record, the table and on the terminal', async () => {
    await using at = await temporaryFolder();
    const [data, model, strange] = ['shapes', 'model', 'strange'].map((name) => join(at.path, name)) as [string, string, string];
    await writeShapes(data, { train: 3, test: 3 }, KNOWN);
    await writeTinyModel(model);
    const others = [0, 1, 2, 3].map((index) => join(strange, 'deep', `${index}.png`));
    for (const [index, path] of others.entries()) await put(path, shapeImage('blue cross', index));
    const input = { data, model, shots: 2, method: 'coop', settings: { length: 2, initWords: '' }, alternatives: false };
    const options = { device: ctx.device, out: join(at.path, 'runs') };
    const { folder } = await train({ ...input, training: { batchSize: 4, epochs: 1 }, report: 'no' }, options);
    const opened = await openRun(folder.path, { device: ctx.device });
    const run = { ...opened, facts: { ...opened.facts, temperature: 2 } };
    try {
      const { unknown } = await evaluateRun(run, { unknown: [strange] });
      expect(unknown.map(({ what, known, count }) => [what, known, count])).toEqual([
        ['zero-shot', 6, 4],
        ['tuned', 6, 4],
      ]);
      // By another way: what `predict` says of the same files, with and without the temperature.
      const tests = KNOWN.flatMap((name) =>
        ['0', '1', '2'].map((file) => join(data, 'test', name.replace(' ', '_'), `${file}.png`)),
      );
      const certainty = async (from: typeof run, files: readonly string[]): Promise<number[]> =>
        (await predictFiles(from, files, 1)).map(({ top }) => top[0]?.probability ?? Number.NaN);
      const plain = { ...opened, facts: { ...opened.facts, temperature: undefined as never } };
      const [frozen, tuned] = unknown;
      expect(frozen?.scaled).toBeUndefined();
      expect(tuned?.temperature).toBe(2);
      for (const [made, from] of [
        [tuned?.softmax, plain],
        [tuned?.scaled, run],
      ] as const) {
        const wanted = detectionOf(await certainty(from, tests), await certainty(from, others));
        expect(made?.auroc).toBeCloseTo(wanted.auroc, 9);
        expect(made?.fpr95).toBeCloseTo(wanted.fpr95, 9);
        expect(made?.threshold).toBeCloseTo(wanted.threshold, 6);
      }
      // Another evaluation keeps what is not measured again, and the table has both.
      await evaluateRun(run);
      expect((await folder.readSummary()).unknown).toEqual(unknown);
      const lines = (await readFile(folder.file('results'), 'utf8')).trim().split('\n');
      expect(lines[0]).toMatch(/,adaptive_ece,unknown,unknown_pictures,auroc_softmax,fpr95_softmax,auroc_logit,fpr95_logit$/);
      expect(lines.map((line) => line.split(',')[8])).toEqual([
        ...['what', 'zero-shot', 'tuned', 'zero-shot against unknown', 'tuned against unknown'],
      ]);
      expect(new Set(lines.map((line) => line.split(',').length))).toEqual(new Set([22]));
      expect(lines[4]).toContain(`,${strange},4,${tuned?.softmax.auroc.toFixed(4)},`);
    } finally {
      await opened.close();
    }
    let told = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      told += text.toString();
      return true;
    });
    try {
      expect(await evaluateCommand([folder.path], { unknown: [strange] })).toBe(0);
    } finally {
      write.mockRestore();
    }
    expect(told).toMatch(
      /accuracy +balanced accuracy +error +macro F1 \(2 classes\) +ECE +adaptive ECE\nzero-shot( +[\d.]+ %){6}\ntuned( +[\d.]+ %){6}\n/,
    );
    expect(told).toMatch(/4 unknown pictures against 6 known ones\n +score +AUROC +FPR at 95 % TPR\n/);
    expect(told).toMatch(/tuned +maximum softmax probability( +[\d.]+ %){2}\ntuned +maximum cosine logit( +[\d.]+ %){2}\n/);
    expect(told).toMatch(/predict \S+ PICTURES --threshold 0\.\d{4} says "unsure" of [\d.]+ % of the unknown pictures/);
  });
});

it('of a data set are those of other classes; test images themselves, and nothing, are refused', async () => {
  await using at = await temporaryFolder();
  const [shapes, more, empty] = ['shapes', 'more', 'empty'].map((name) => join(at.path, name)) as [string, string, string];
  await writeShapes(shapes, { train: 1, test: 2 }, KNOWN);
  await writeShapes(more, { train: 1, test: 2 }, ['green square', 'blue cross']);
  await put(join(empty, 'note.txt'), 'no picture');
  const known = await openDataset(shapes);
  const rows = ['path,class,split', ...['green_square', 'blue_cross'].map((name) => `test/${name}/0.png,${name},test`)];
  await put(join(more, 'list.csv'), [...rows, 'train/green_square/0.png,green_square,train'].join('\n'));
  const { items, notes } = await openUnknown(join(more, 'list.csv'), known, '');
  expect(items.map(({ image }) => image)).toEqual([join(more, 'test', 'blue_cross', '0.png')]);
  expect(notes).toEqual([expect.stringMatching(/1 class of .*list\.csv is known and left aside: green_square/)]);
  await expect(openUnknown(shapes, known, '')).rejects.toThrow(/4 pictures of .*shapes are test pictures of shapes/);
  await expect(openUnknown(empty, known, '')).rejects.toThrow(/no picture that belongs to no class/);
  await expect(openUnknown(join(at.path, 'absent'), known, '')).rejects.toThrow(
    /^unknown: .*neither a path nor the name of a data set.*one of/,
  );
});

it("the threshold for predict is told where it can do the same: the run's classes and texts, after any epoch", () => {
  const measured = { auroc: 90, fpr95: 40, threshold: 0.5 };
  const evaluation: UnknownEvaluation = {
    ...{ what: 'tuned', data: 'shapes', split: 'test', classes: 'base', time: '2026-01-01T00:00:00Z' },
    ...{ unknown: 'strange', count: 4, known: 6, softmax: measured, logit: measured },
  };
  const run = { method: 'coop', path: 'runs/one', data: 'shapes', classes: 'base' } as const;
  const advice = (varied: Partial<UnknownEvaluation>) =>
    unknownText([{ ...evaluation, ...varied }], run)
      .filter((line) => line.includes('predict '))
      .map((line) => line.split(' PICTURES')[1]);
  expect(advice({})[0]).toMatch(/^ --threshold 0\.5000 says "unsure" of 60/);
  expect(advice({ variation: { epoch: 2 } })[0]).toMatch(/^ --load-epoch 2 --threshold 0\.5000 /);
  expect(advice({ variation: { classNames: 'a'.repeat(64) } })).toEqual([]);
  expect(advice({ variation: { template: 'a {}' } })).toEqual([]);
  expect(advice({ data: 'other' })).toEqual([]);
  expect(advice({ classes: 'new' })).toEqual([]);
});
