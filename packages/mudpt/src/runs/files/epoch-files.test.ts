import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '@mudpt/tensor';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import { comparisons } from '../../cli/compare.ts';
import { type OutputForm, PredictionWriter } from '../../cli/predict-output.ts';
import { expectRoomForEpochs } from './epoch-files.ts';
import { evaluateRun } from '../finished/evaluate.ts';
import { openRun } from '../finished/open-run.ts';
import { resumeRun, train } from '../training/run.ts';
import type { RunFolder } from './run-folder.ts';
import type { RunOptions } from '../training/run-options.ts';
import type { RunInput } from '../settings/settings.ts';

eachDevice('kept epochs', (ctx) => {
  async function prepared(path: string): Promise<RunInput> {
    await writeShapes(join(path, 'shapes'), { train: 3, test: 2 });
    await writeTinyModel(join(path, 'model'));
    return {
      data: join(path, 'shapes'),
      model: join(path, 'model'),
      shots: 'all',
      method: 'coop',
      training: { batchSize: 4, epochs: 3, lr: 0.1, warmupEpochs: 0 },
      settings: { length: 2, initWords: '' },
      keepEpochs: 'all',
    };
  }

  const files = async ({ path }: RunFolder): Promise<Record<string, string>> => {
    const at = join(path, 'epochs');
    const names = (await readdir(at)).sort();
    return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(at, name), 'base64')])));
  };

  const learntOf = async (path: string, epoch?: number): Promise<number[]> => {
    const run = await openRun(path, { device: ctx.device, epoch });
    try {
      expect(run.epoch).toBe(epoch);
      const [tensor] = [...run.method.learnable.values()];
      return [...((await tensor?.data()) ?? [])];
    } finally {
      await run.close();
    }
  };

  it('are the same whether the run was stopped or not, and are what was learnt then', async () => {
    await using at = await temporaryFolder();
    const input = await prepared(at.path);
    const options = (out: string, more: Partial<RunOptions> = {}) => ({ device: ctx.device, out: join(at.path, out), ...more });
    const whole = await train(input, options('whole'));
    const kept = await files(whole.folder);
    expect(Object.keys(kept)).toEqual([1, 2, 3].map((epoch) => `epoch-000${epoch}.safetensors`));

    const stop = new AbortController();
    const onProgress = ({ epoch, step }: { epoch: number; step: number }) => void (epoch === 1 && step === 1 && stop.abort());
    const { folder } = await train(input, options('parts', { signal: stop.signal, observer: { onProgress } }));
    expect(Object.keys(await files(folder))).toEqual(['epoch-0001.safetensors']);
    // Killed after an epoch was kept and before its checkpoint, and in the middle of a write.
    await cp(join(folder.path, 'epochs', 'epoch-0001.safetensors'), join(folder.path, 'epochs', 'epoch-0003.safetensors'));
    await writeFile(join(folder.path, 'epochs', '.epoch-0002.safetensors.01234567-89ab.tmp'), 'cut');
    const seen: string[][] = [];
    const observer = { onEpoch: () => void readdir(join(folder.path, 'epochs')).then((names) => seen.push(names.sort())) };
    await resumeRun(folder.path, options('parts', { observer }));
    expect(seen[0]).not.toContain('epoch-0003.safetensors');
    expect(await files(folder)).toEqual(kept);

    const last = await learntOf(folder.path);
    expect(await learntOf(folder.path, 3)).toEqual(last);
    const [first, second] = [await learntOf(folder.path, 1), await learntOf(folder.path, 2)];
    expect(first).not.toEqual(second);
    expect(second).not.toEqual(last);
    await expect(openRun(folder.path, { device: ctx.device, epoch: 4 })).rejects.toThrow(/has 3 epochs, and no epoch 4/);
    await cp(join(folder.path, 'epochs', 'epoch-0001.safetensors'), join(folder.path, 'epochs', 'epoch-0002.safetensors'));
    await expect(openRun(folder.path, { device: ctx.device, epoch: 2 })).rejects.toThrow(/another run or another epoch/);
  });

  it('are the last ones, as many as were asked for; what they measure stands apart', async () => {
    await using at = await temporaryFolder();
    const input = { ...(await prepared(at.path)), keepEpochs: 2 };
    const options = { device: ctx.device, out: join(at.path, 'runs') };
    const { folder, config } = await train(input, options);
    expect(Object.keys(await files(folder))).toEqual(['epoch-0002.safetensors', 'epoch-0003.safetensors']);
    await expect(openRun(folder.path, { device: ctx.device, epoch: 1 })).rejects.toThrow(
      /epoch 1 was not kept; kept are 2, 3.*larger --keep-epochs/s,
    );
    const before = await folder.readSummary();
    const run = await openRun(folder.path, { device: ctx.device, epoch: 2 });
    const { tuned, zeroShot } = await evaluateRun(run).finally(() => run.close());
    expect(tuned.variation).toEqual({ epoch: 2 });
    expect(zeroShot.variation).toBeUndefined();
    const summary = await folder.readSummary();
    const final = before.evaluations.find(({ what }) => what === 'tuned');
    expect(summary.evaluations.filter(({ what }) => what === 'tuned')).toEqual([final, tuned]);
    expect(await folder.readConfusion(tuned)).toBeDefined();
    expect((await readdir(folder.file('confusion'))).filter((name) => name.startsWith('tuned'))).toHaveLength(2);
    expect(await readFile(folder.file('results'), 'utf8')).toMatch(
      /,adaptive_ece,variation\n[^]*,tuned,[^\n]*,\n[^]*,tuned,[^\n]*,epoch 2\n/,
    );
    const lines = comparisons([{ path: folder.path, config, summary }]);
    expect(Object.fromEntries(lines.map(({ data, mean }) => [data, mean]))).toEqual({
      shapes: final?.metrics.accuracy,
      'shapes, epoch 2': tuned.metrics.accuracy,
    });
    // Begun anew without them, none of the old ones is left.
    await train({ ...input, keepEpochs: 0 }, { ...options, fresh: true });
    await expect(readdir(folder.file('epochs'))).rejects.toThrow(/ENOENT/);
    await expect(openRun(folder.path, { device: ctx.device, epoch: 1 })).rejects.toThrow(/kept no epochs.*--keep-epochs all/s);
  });

  it('are named by every record that is predicted with them', () => {
    const written = (form: OutputForm, epoch?: number): string => {
      let text = '';
      const writer = new PredictionWriter(form, 0, (part) => (text += part), { epoch });
      writer.add({ file: 'a.png', top: [{ label: 0, name: 'cat', probability: 0.75 }] });
      writer.end();
      return text;
    };
    expect(JSON.parse(written('jsonl', 2))).toMatchObject({ file: 'a.png', epoch: 2 });
    expect(JSON.parse(written('json', 2))).toMatchObject([{ file: 'a.png', epoch: 2 }]);
    expect(written('csv', 2)).toBe('file,rank,label,class,probability,status,error,epoch\na.png,1,0,cat,0.750000,ok,,2\n');
    expect(written('csv')).not.toMatch(/epoch/);
  });

  it('refuses what has no epochs, and more than a disk should hold', async () => {
    await using at = await temporaryFolder();
    const input = { ...(await prepared(at.path)), method: 'linear-probe', settings: {}, training: {} };
    await expect(train(input, { device: ctx.device, out: join(at.path, 'runs') })).rejects.toThrow(
      /linear-probe is fitted, not trained, so it has no keepEpochs/,
    );
    expect(() => expectRoomForEpochs(2 ** 24, 200, 'all')).toThrow(InputError);
    expect(() => expectRoomForEpochs(2 ** 24, 200, 'all')).toThrow(/take 13 GiB.*at most 128/s);
    expect(() => expectRoomForEpochs(2 ** 24, 200, 100)).not.toThrow();
  });
});
