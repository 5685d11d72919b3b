import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import { type EvaluateOptions, evaluateRun, type EvaluationResult } from './evaluate.ts';
import { openRun } from './open-run.ts';
import type { Prediction } from '../records/records.ts';
import { train } from '../training/run.ts';
import type { RunInput } from '../settings/settings.ts';

eachDevice('an evaluation with other texts', (ctx) => {
  it('is what a run with those texts measures, and stands apart', async () => {
    await using at = await temporaryFolder();
    await writeShapes(join(at.path, 'shapes'), { train: 2, val: 0, test: 2 });
    await writeTinyModel(join(at.path, 'model'));
    const data = { data: join(at.path, 'shapes'), model: join(at.path, 'model'), shots: 'all', alternatives: false } as const;
    const options = { device: ctx.device, out: join(at.path, 'runs') };
    const of = async (path: string, asked: EvaluateOptions): Promise<EvaluationResult & { lines: readonly Prediction[] }> => {
      const run = await openRun(path, { device: ctx.device });
      let lines: readonly Prediction[] = [];
      const onPredictions = (made: readonly Prediction[]): Promise<void> => {
        lines = made;
        return Promise.resolve();
      };
      try {
        const result = await evaluateRun(run, { ...asked, onPredictions });
        return { ...result, lines };
      } finally {
        await run.close();
      }
    };
    const zero: RunInput = { ...data, method: 'zero-shot' };
    const { folder } = await train(zero, options);
    const template = 'this is {}, no doubt';
    const withTemplate = await train({ ...zero, template }, options);
    const templated = await of(folder.path, { template });
    expect(templated.tuned.variation).toEqual({ template });
    expect(templated.lines).toEqual(await withTemplate.folder.readPredictions());
    expect((await of(withTemplate.folder.path, { template })).tuned.variation).toBeUndefined();
    await expect(of(folder.path, { template: 'no place' })).rejects.toThrow(/no place for the class name/);

    const names = join(at.path, 'names.txt');
    await writeFile(names, 'a cross\r\na box\r\na ball\r\na wedge\r\n');
    const renamed = await of(folder.path, { classNames: names, classes: 'new' });
    expect(renamed.classNames).toEqual(['a ball', 'a wedge']);
    expect(renamed.tuned.variation).toEqual({ classNames: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const plain = await of(folder.path, { classes: 'new' });
    expect(renamed.lines.map(({ zeroShot }) => zeroShot)).not.toEqual(plain.lines.map(({ zeroShot }) => zeroShot));
    await writeFile(names, JSON.stringify(['x', 'y', 'red circle', 'yellow triangle']));
    expect((await of(folder.path, { classNames: names, classes: 'new' })).lines).toEqual(plain.lines);
    await writeFile(names, 'a\nb\nc\n');
    await expect(of(folder.path, { classNames: names })).rejects.toThrow(/has 3 names, and the data has 4 classes/);
    await writeFile(names, 'a\n\nc\nd\n');
    await expect(of(folder.path, { classNames: names })).rejects.toThrow(/no name in place 2/);
    await writeFile(names, '["a", 2]');
    await expect(of(folder.path, { classNames: names })).rejects.toThrow(/no JSON list of names/);
    const { evaluations } = await folder.readSummary();
    // Of the run, with the template, and of new classes: with their names and two other lists.
    expect(evaluations.filter(({ what }) => what === 'tuned')).toHaveLength(5);

    await writeFile(names, 'a\nb\nc\nd\n');
    const training = { epochs: 1, batchSize: 4 };
    const specific = await train({ ...data, method: 'coop', settings: { length: 2, classSpecific: true }, training }, options);
    await expect(of(specific.folder.path, { classNames: names })).rejects.toThrow(/cannot classify others/);
    expect((await specific.folder.readSummary()).evaluations).toHaveLength(2);
  });
});
