/** Runs that learn from a finished run on another model: trained, resumed, evaluated and opened with it; and teachers that cannot be. */
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import { evaluateRun } from '../finished/evaluate.ts';
import { openRun } from '../finished/open-run.ts';
import { resumeRun, train } from '../training/run.ts';
import type { RunInput } from '../settings/settings.ts';

eachDevice('a teacher', (ctx) => {
  it('is a finished run: its student trains, goes on where it stopped with that teacher alone, and judges new classes', async () => {
    await using at = await temporaryFolder();
    await writeShapes(join(at.path, 'shapes'), { train: 3, val: 0, test: 2 });
    await writeTinyModel(join(at.path, 'model'));
    const common = {
      data: join(at.path, 'shapes'),
      model: join(at.path, 'model'),
      shots: 2,
      alternatives: false,
      report: 'no',
    } as const;
    const options = (out: string) => ({ device: ctx.device, out: join(at.path, out) });
    const coop: RunInput = {
      ...common,
      method: 'coop',
      classes: 'base',
      training: { batchSize: 2, epochs: 1, warmupEpochs: 0 },
      settings: { length: 2, initWords: '' },
    };
    const taught = await train(coop, options('teachers'));
    const student: RunInput = {
      ...common,
      method: 'promptkd',
      training: { batchSize: 4, epochs: 2, warmupEpochs: 0 },
      settings: { depth: 2, length: 1, teacher: taught.folder.path },
    };
    const notes: string[] = [];
    const whole = await train(student, { ...options('whole'), observer: { onNote: (note) => void notes.push(note) } });
    expect(notes.join()).toMatch(/it learns from CoOp on .*model, which takes \d+ MiB of device memory/);
    const stop = new AbortController();
    const observer = { onEpoch: () => stop.abort() };
    const stopped = await train(student, { ...options('stopped'), observer, signal: stop.signal });
    expect(stopped.summary.state).toBe('stopped');
    // What the teacher has learnt counts, not where it lies.
    const other = await train({ ...coop, seed: 2 }, options('teachers'));
    const files = ['prompts', 'promptFacts'] as const;
    for (const file of files) {
      await copyFile(taught.folder.file(file), join(at.path, file));
      await copyFile(other.folder.file(file), taught.folder.file(file));
    }
    await expect(resumeRun(stopped.folder.path, { device: ctx.device })).rejects.toThrow(/a run with another configuration/);
    for (const file of files) await copyFile(join(at.path, file), taught.folder.file(file));
    const { folder } = await resumeRun(stopped.folder.path, { device: ctx.device });
    expect(await readFile(folder.file('prompts'))).toEqual(await readFile(whole.folder.file('prompts')));
    const run = await openRun(folder.path, { device: ctx.device });
    const { tuned } = await evaluateRun(run, { classes: 'new' }).finally(() => run.close());
    expect(tuned.metrics.count).toBe(4);

    const ask = (teacher: string) => train({ ...student, settings: { ...student.settings, teacher } }, options('no'));
    await expect(ask('')).rejects.toThrow(/PromptKD learns from a second model, and none is named.*--set teacher=/s);
    await expect(ask(whole.folder.path)).rejects.toThrow(/PromptKD has a teacher itself/);
    await expect(ask(join(at.path, 'nowhere'))).rejects.toThrow(/nowhere/);
  });
});
