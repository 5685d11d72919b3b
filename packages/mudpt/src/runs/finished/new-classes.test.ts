import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import { openFolder } from '../../data/index.ts';
import { writeReport } from '../../report/index.ts';
import { evaluateRun } from './evaluate.ts';
import { openRun } from './open-run.ts';
import { train } from '../training/run.ts';
import type { RunInput } from '../settings/settings.ts';

eachDevice('new classes after each epoch', (ctx) => {
  async function prepared(path: string): Promise<RunInput> {
    await writeShapes(join(path, 'shapes'), { train: 3, val: 1, test: 3 });
    await writeTinyModel(join(path, 'model'));
    return {
      data: join(path, 'shapes'),
      model: join(path, 'model'),
      shots: 2,
      classes: 'base',
      method: 'coop',
      training: { batchSize: 2, epochs: 3, lr: 300, warmupEpochs: 0 },
      settings: { length: 2, initWords: '' },
      alternatives: false,
    };
  }

  it('are measured as evaluate measures that epoch, are told as what chooses nothing, and change no bit', async () => {
    await using at = await temporaryFolder();
    const input = await prepared(at.path);
    const options = (out: string) => ({ device: ctx.device, out: join(at.path, out) });
    const asked = { ...input, newEachEpoch: true, keepEpochs: 'all', tensorboard: true } as const;
    const { folder } = await train(asked, { ...options('asked'), afterwards: async (run) => void (await writeReport(run)) });
    const lines = (await folder.metrics.read()).flatMap((line) => (line.kind === 'epoch' ? [line] : []));
    expect(lines).toHaveLength(3);
    for (const { epoch, newAccuracy, valAccuracy } of lines) {
      expect(valAccuracy).toBeUndefined();
      const run = await openRun(folder.path, { device: ctx.device, epoch: epoch + 1 });
      const { tuned } = await evaluateRun(run, { classes: 'new' }).finally(() => run.close());
      expect(tuned.metrics.count).toBe(6);
      expect(newAccuracy, `epoch ${epoch}`).toBe(tuned.metrics.accuracy);
    }
    const report = await readFile(join(folder.path, 'report.html'), 'utf8');
    expect(report).toMatch(/new classes<\/text>/);
    expect(report).toMatch(/accuracy on new classes is of test pictures.*nothing was chosen by it/);
    const [events] = (await readdir(folder.path)).filter((name) => name.startsWith('events'));
    expect((await readFile(join(folder.path, events ?? ''))).toString('latin1').split('new/accuracy')).toHaveLength(4);

    const plain = await train(input, options('plain'));
    expect(await readFile(plain.folder.file('prompts'))).toEqual(await readFile(folder.file('prompts')));
    expect(plain.summary.marks).toEqual((await folder.readSummary()).marks);
    // The data set may be a value.
    const data = await openFolder(join(at.path, 'shapes'));
    const given = await train({ ...input, data, newEachEpoch: true }, options('given'));
    const ofGiven = (await given.folder.metrics.read()).flatMap((line) => (line.kind === 'epoch' ? [line.newAccuracy] : []));
    expect(ofGiven).toEqual(lines.map(({ newAccuracy }) => newAccuracy));
  });

  it('are refused where they cannot be, before anything is written', async () => {
    await using at = await temporaryFolder();
    const input = { ...(await prepared(at.path)), newEachEpoch: true };
    const out = join(at.path, 'runs');
    const go = (more: RunInput) => train({ ...input, ...more }, { device: ctx.device, out });
    await expect(go({ classes: 'all' })).rejects.toThrow(/looks at new classes, and the run trains on all.*--classes base/s);
    await expect(go({ settings: { classSpecific: true, length: 2 } })).rejects.toThrow(
      /context of its own.*so it cannot classify others/,
    );
    await expect(go({ method: 'linear-probe', settings: {}, training: {} })).rejects.toThrow(/has no newEachEpoch/);
    const written = await readdir(out, { recursive: true });
    expect(written.filter((name) => /\.(yaml|jsonl?|safetensors)$/.test(name))).toEqual([]);
  });
});
