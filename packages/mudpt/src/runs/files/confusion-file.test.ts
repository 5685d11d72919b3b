import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { confusionOf, metricsOf } from '../../evaluation/index.ts';
import { confusionFile } from './confusion-file.ts';
import type { Evaluation } from '../records/records.ts';
import { RunFolder } from './run-folder.ts';

const LABELS = [2, 0, 0, 1, 1, 0];
const GUESSES = [2, 0, 2, 1, 0, 2];
const evaluation = (metrics = metricsOf(LABELS, GUESSES, 3), data = 'a/b: "c"'): Evaluation => ({
  ...{ what: 'tuned', data, split: 'test', classes: 'base', time: '' },
  metrics,
});

describe('confusions of an evaluation', () => {
  it('are read as they were written, in a file for each evaluation', async () => {
    await using at = await temporaryFolder();
    const folder = new RunFolder(at.path);
    const confusion = confusionOf(LABELS, GUESSES, 3);
    await folder.writeConfusion(evaluation(), confusion);
    expect(await folder.readConfusion(evaluation())).toEqual({
      classes: 3,
      cells: [
        { truth: 0, prediction: 0, count: 1 },
        { truth: 0, prediction: 2, count: 2 },
        { truth: 1, prediction: 0, count: 1 },
        { truth: 1, prediction: 1, count: 1 },
        { truth: 2, prediction: 2, count: 1 },
      ],
    });
    await expect(folder.readConfusion(evaluation(undefined, 'other'))).rejects.toThrow(/is missing.*Evaluate the run again/s);
    await folder.clear();
    await expect(folder.readConfusion(evaluation())).rejects.toThrow(/is missing/);
  });

  it('are refused where a byte is another, and where they are of other images', async () => {
    await using at = await temporaryFolder();
    const folder = new RunFolder(at.path);
    await folder.writeConfusion(evaluation(), confusionOf(LABELS, GUESSES, 3));
    const path = `${folder.file('confusion')}/${confusionFile(evaluation())}`;
    for (const other of [metricsOf(LABELS, LABELS, 3), metricsOf(LABELS, GUESSES, 4), metricsOf([0], [0], 3)])
      await expect(folder.readConfusion(evaluation(other))).rejects.toThrow(/counts other images/);
    await put(path, (await readFile(path, 'utf8')).replace('[0,1,2,2]', '[0,2,2,1]'));
    await expect(folder.readConfusion(evaluation())).rejects.toThrow(/is not what was written/);
  });

  it('of version 0.1 stand in the summary', async () => {
    await using at = await temporaryFolder();
    const old = {
      ...metricsOf([0, 1, 1], [0, 0, 0], 2),
      confusion: [
        [1, 0],
        [2, 0],
      ],
    };
    expect(await new RunFolder(at.path).readConfusion(evaluation(old))).toEqual(confusionOf([0, 1, 1], [0, 0, 0], 2));
  });
});
