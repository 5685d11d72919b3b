import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import type { RunInput } from '../settings/settings.ts';
import { estimateRun } from './estimate.ts';
import { openRun } from '../finished/open-run.ts';
import { predictFiles } from '../finished/predict.ts';
import { train } from './run.ts';
import type { RunFolder } from '../files/run-folder.ts';
import type { FinishedRun } from './run-options.ts';
import { writeReport } from '../../report/index.ts';

eachDevice('train', (ctx) => {
  async function prepared(path: string): Promise<RunInput> {
    await writeShapes(join(path, 'shapes'), { train: 4, val: 2, test: 2 });
    await put(join(path, 'shapes', 'train', 'red_circle', 'cut.png'), '');
    await writeTinyModel(join(path, 'model'));
    return { data: join(path, 'shapes'), model: join(path, 'model'), shots: 'all' };
  }

  it('fits a method on features, which predicts the same when it is opened again', async () => {
    await using at = await temporaryFolder();
    const input: RunInput = { ...(await prepared(at.path)), method: 'linear-probe' };
    const notes: string[] = [];
    const out = join(at.path, 'runs');
    const { folder, summary } = await train(input, { device: ctx.device, out, observer: { onNote: (note) => notes.push(note) } });
    expect(summary).toMatchObject({ state: 'finished', method: { name: 'linear-probe' }, training: { epochs: 0 } });
    expect(notes).toContain('1 training picture is left out: it cannot be read');
    expect(summary.data.unreadable).toEqual([{ id: 'train/red_circle/cut.png', why: expect.stringContaining('is empty') }]);
    const predictions = await folder.readPredictions();
    expect(predictions).toHaveLength(8);
    const run = await openRun(folder.path, { device: ctx.device });
    try {
      const files = predictions.map(({ path }) => path ?? '');
      const again = await predictFiles(run, files, 4);
      for (const [index, { top }] of again.entries()) expect(top[0]?.label, files[index]).toBe(predictions[index]?.tuned[0]?.[0]);
    } finally {
      await run.close();
    }
    await expect(train(input, { device: ctx.device, out })).rejects.toThrow(/is there already and has finished.*--fresh/);
    const before = await readFile(folder.file('prompts'));
    const anew = await train(input, { device: ctx.device, out, fresh: true });
    expect(Buffer.compare(await readFile(anew.folder.file('prompts')), before)).toBe(0);
  });

  it('records its protocol, and tells that nothing was published for it', async () => {
    await using at = await temporaryFolder();
    const input: RunInput = { ...(await prepared(at.path)), method: 'linear-probe', protocol: 'domain' };
    const notes: string[] = [];
    const options = { device: ctx.device, out: join(at.path, 'runs'), observer: { onNote: (note: string) => notes.push(note) } };
    const { folder } = await train(input, options);
    expect(notes).toContain('Linear probe publishes nothing for domain: the run takes its usual settings');
    expect(folder.path).toMatch(/shapes\/linear-probe-model-all-domain-[0-9a-f]{8}\/seed1$/);
    expect(await readFile(folder.file('config'), 'utf8')).toMatch(/^protocol: domain$/m);
    expect(await folder.readConfig()).toMatchObject({ protocol: 'domain', classes: 'all' });
  });

  it('compares prompts with what is fitted, and predicts at a temperature fitted on validation', async () => {
    await using at = await temporaryFolder();
    await writeShapes(join(at.path, 'shapes'), { train: 2, val: 3, test: 1 });
    await writeTinyModel(join(at.path, 'model'));
    const input: RunInput = {
      data: join(at.path, 'shapes'),
      model: join(at.path, 'model'),
      shots: 'all',
      method: 'coop',
      training: { epochs: 1, batchSize: 4 },
    };
    const options = { device: ctx.device, out: join(at.path, 'runs') };
    const { folder, summary } = await train(input, options);
    expect(summary.alternatives?.map(({ method, count }) => [method, count])).toEqual([
      ['linear-probe', 12],
      ['tip-adapter', 12],
    ]);
    expect(summary.validation).toBeGreaterThanOrEqual(0);
    const run = await openRun(folder.path, { device: ctx.device });
    try {
      expect(run.facts.temperature).toBeGreaterThan(0);
      const file = join(at.path, 'shapes', 'test', 'red_circle', '0.png');
      const told: string[] = [];
      const [scaled, lost] = await predictFiles(run, [file, join(at.path, 'none.png')], 4, {
        onPrediction: (one) => told.push(one.file),
      });
      const plain = await predictFiles({ ...run, facts: { ...run.facts, temperature: undefined } }, [file], 4);
      const logits = (prediction: typeof scaled): number[] =>
        (prediction?.top ?? []).map(({ probability }) => Math.log(probability));
      const [warm, cold] = [logits(scaled), logits(plain[0])];
      for (let index = 1; index < 4; index += 1)
        expect(((warm[index] ?? 0) - (warm[0] ?? 0)) * (run.facts.temperature ?? 0)).toBeCloseTo(
          (cold[index] ?? 0) - (cold[0] ?? 0),
          3,
        );
      expect(lost?.why).toBeDefined();
      expect(told).toHaveLength(2);
    } finally {
      await run.close();
    }
    const without = await train({ ...input, seed: 2, alternatives: false }, options);
    expect(without.summary.alternatives).toBeUndefined();
  });

  it('goes on with the features it had when fitting was stopped, to the same bits', async () => {
    await using at = await temporaryFolder();
    await writeShapes(join(at.path, 'shapes'), { train: 3, val: 2, test: 2 });
    await writeTinyModel(join(at.path, 'model'));
    const settings = { cachePasses: 1, epochs: 2, betaSteps: 4, alphaSteps: 4 };
    const data = { data: join(at.path, 'shapes'), model: join(at.path, 'model') };
    const input: RunInput = { ...data, shots: 'all', method: 'tip-adapter-f', settings };
    const run = async (out: string, resume: boolean, stopAt?: string) => {
      const stop = new AbortController();
      const parts = new Set<string>();
      const observer = {
        onPart: (what: string) => {
          parts.add(what);
          if (what === stopAt) stop.abort();
        },
      };
      const options = { device: ctx.device, out: join(at.path, out), resume, signal: stop.signal, observer };
      return { ...(await train(input, options)), parts };
    };
    const whole = await run('whole', false);
    const second = 'augmented features, pass 2 of 3';
    expect([...whole.parts]).toEqual(expect.arrayContaining(['training features', second]));
    expect((await run('stopped', false, second)).summary.state).toBe('stopped');
    const resumed = await run('stopped', true);
    expect(resumed.summary.state).toBe('finished');
    expect(resumed.parts.has('training features')).toBe(false);
    expect(resumed.parts.has('augmented features, pass 3 of 3')).toBe(true);
    const [a, b] = await Promise.all([whole, resumed].map(({ folder }) => readFile(folder.file('prompts'))));
    expect(a && b && Buffer.compare(a, b)).toBe(0);
    expect(existsSync(resumed.folder.file('features'))).toBe(false);
  });

  it('a run that diverges says so in its summary and its report, and writes no prompts', async () => {
    await using at = await temporaryFolder();
    const training = { batchSize: 4, epochs: 1, lr: 1e30, warmupEpochs: 0 };
    const input: RunInput = { ...(await prepared(at.path)), method: 'coop', training };
    let folder: RunFolder | undefined;
    const afterwards = async (run: FinishedRun) => {
      expect(run.method).toBe(undefined);
      folder = run.folder;
      await writeReport(run);
    };
    const out = join(at.path, 'runs');
    await expect(train(input, { device: ctx.device, out, afterwards })).rejects.toThrow(/diverged in epoch 1.*--lr 1e\+29/s);
    const summary = await folder?.readSummary();
    expect(summary).toMatchObject({ state: 'diverged', training: { divergence: { epoch: 0, lr: 1e30 }, stepsPerEpoch: 4 } });
    expect(await readFile(join(folder?.path ?? '', 'report.html'), 'utf8')).toMatch(/CoOp on shapes: diverged.*What to try/s);
    expect(existsSync(folder?.file('prompts') ?? '')).toBe(false);
  });

  it('stops when asked to before training, and estimates without writing', async () => {
    await using at = await temporaryFolder();
    const input: RunInput = { ...(await prepared(at.path)), method: 'coop', training: { batchSize: 4, epochs: 3 } };
    const stop = new AbortController();
    const out = join(at.path, 'runs');
    const observer = { onEvaluation: () => stop.abort(), onNote: () => undefined };
    const { summary } = await train(input, { device: ctx.device, out, signal: stop.signal, observer });
    expect(summary).toMatchObject({ state: 'stopped', evaluations: [{ what: 'zero-shot' }] });
    const estimate = await estimateRun(input, ctx.device);
    // 17 images, one of them broken: 4 steps an epoch.
    expect(estimate).toMatchObject({ classes: 4, trainImages: 17, testImages: 8, updates: 12 });
    for (const value of [estimate.secondsPerUpdate, estimate.trainingSeconds, estimate.evaluationSeconds, estimate.bytes])
      expect(value).toBeGreaterThan(0);
  });
});
