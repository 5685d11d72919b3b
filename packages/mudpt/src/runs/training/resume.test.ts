import { cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TensorError } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { shapeImage, writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { readPosition } from '../files/checkpoint.ts';
import type { RunInput } from '../settings/settings.ts';
import { openRun } from '../finished/open-run.ts';
import { resumeRun, train } from './run.ts';
import type { RunFolder } from '../files/run-folder.ts';
import type { RunOptions, RunResult } from './run-options.ts';

eachDevice('a run', (ctx) => {
  async function prepared(path: string): Promise<RunInput> {
    await writeShapes(join(path, 'shapes'), { train: 3, test: 1 });
    await writeTinyModel(join(path, 'model'));
    const training = { batchSize: 4, epochs: 2 };
    const settings = { length: 2, initWords: '' };
    return {
      data: join(path, 'shapes'),
      model: join(path, 'model'),
      shots: 'all',
      method: 'coop',
      training,
      settings,
      logEvery: 1,
    };
  }

  type Told = RunResult & { notes: string[] };
  async function go(
    start: (options: RunOptions) => Promise<RunResult>,
    out: string,
    more: Partial<RunOptions> = {},
  ): Promise<Told> {
    const notes: string[] = [];
    const observer = { onNote: (note: string) => void notes.push(note), ...more.observer };
    return { ...(await start({ device: ctx.device, out, ...more, observer })), notes };
  }

  /** Stopped in its first epoch. */
  async function stopped(input: RunInput, out: string): Promise<Told> {
    const stop = new AbortController();
    const onProgress = ({ step }: { step: number }): void => void (step === 2 && stop.abort());
    return go((options) => train(input, options), out, { signal: stop.signal, observer: { onProgress } });
  }

  /** Contents of a folder's files and of those below, to see whether anything was written. */
  async function contents({ path }: RunFolder): Promise<Record<string, string>> {
    const all: Record<string, string> = {};
    for (const name of await readdir(path, { recursive: true })) {
      const found = await stat(join(path, name));
      all[name] = `${found.mtimeMs} ${found.isDirectory() ? 'folder' : await readFile(join(path, name), 'base64')}`;
    }
    return all;
  }

  it('that has finished stays as it is; one with nothing to go on from says so', async () => {
    await using at = await temporaryFolder();
    const input = await prepared(at.path);
    const out = join(at.path, 'runs');
    const first = await go((options) => train(input, options), out, { resume: true });
    expect(first.notes).toEqual([`nothing to resume in ${first.folder.path}: a new run begins`]);
    expect(first.summary.state).toBe('finished');
    const before = await contents(first.folder);
    expect(Object.keys(before)).not.toContain('run.lock');
    for (const start of [
      (options: RunOptions) => train(input, { ...options, resume: true }),
      (options: RunOptions) => resumeRun(first.folder.path, options),
    ]) {
      const again = await go(start, out);
      expect(again.notes).toEqual([`the run in ${first.folder.path} has finished: there is nothing to resume`]);
      expect(again.summary).toEqual(first.summary);
      expect(await contents(first.folder)).toEqual(before);
    }
  });

  it('never shares a folder with one on other data of the same name, and refuses changed data before it writes', async () => {
    await using at = await temporaryFolder();
    const input = await prepared(at.path);
    const out = join(at.path, 'runs');
    const first = await stopped(input, out);
    const before = await contents(first.folder);
    const other = join(at.path, 'elsewhere', 'shapes');
    await cp(join(at.path, 'shapes'), other, { recursive: true });
    await put(join(other, 'test', 'red_circle', '0.png'), shapeImage('red circle', 99));
    const second = await go((options) => train({ ...input, data: other }, options), out);
    expect(second.folder.path).not.toBe(first.folder.path);
    expect(await contents(first.folder)).toEqual(before);

    await put(join(at.path, 'shapes', 'train', 'red_circle', '0.png'), shapeImage('red circle', 99));
    const starts: ((options: RunOptions) => Promise<RunResult>)[] = [
      (options) => train(input, { ...options, resume: true }),
      (options) => train(input, { ...options, fresh: true }),
      (options) => resumeRun(first.folder.path, options),
    ];
    for (const start of starts) await expect(go(start, out)).rejects.toThrow(/holds a run with other training images.*--out/s);
    await writeTinyModel(join(at.path, 'model'), 5);
    await expect(go(starts[2] as never, out)).rejects.toThrow(/other training images|another base model/);
    expect(await contents(first.folder)).toEqual(before);
  });

  it('is written by one process at a time', async () => {
    await using at = await temporaryFolder();
    const input = await prepared(at.path);
    const out = join(at.path, 'runs');
    const { folder } = await stopped(input, out);
    const both = await Promise.allSettled([0, 1].map(() => go((options) => train(input, { ...options, resume: true }), out)));
    const failed = both.filter((one) => one.status === 'rejected');
    expect(failed).toHaveLength(1);
    expect(String(failed[0]?.reason)).toMatch(/is being written by process \d+/);
    expect((await folder.readSummary()).state).toBe('finished');
  });

  it('goes on from the generation before where the last checkpoint is damaged, to the same bits; damage of both is told', async () => {
    await using at = await temporaryFolder();
    const input = await prepared(at.path);
    const whole = await go((options) => train(input, options), join(at.path, 'whole'));
    const { folder } = await stopped({ ...input, checkpointSeconds: 0 }, join(at.path, 'parts'));
    await writeFile(join(folder.path, '.last.safetensors.01234567-89ab.tmp'), 'cut');
    const last = folder.file('checkpoint');
    const [good, previous] = [await readFile(last), await readFile(folder.file('previous'))];
    expect((await readPosition(last)).step).toBeGreaterThan((await readPosition(folder.file('previous'))).step);
    const flipped = (bytes: Uint8Array, at = bytes.length - 1) => bytes.map((byte, index) => (index === at ? byte ^ 16 : byte));

    await writeFile(last, flipped(good));
    await writeFile(folder.file('previous'), flipped(previous, 40));
    const before = await contents(folder);
    await expect(go((options) => resumeRun(folder.path, options), '')).rejects.toThrow(/last\.safetensors: its SHA-256 is not/);
    const { '.last.safetensors.01234567-89ab.tmp': _left, ...rest } = before;
    expect(await contents(folder)).toEqual(rest);

    await writeFile(folder.file('previous'), previous);
    const resumed = await go((options) => resumeRun(folder.path, options), '');
    expect(resumed.notes.join()).toMatch(
      /last\.safetensors: its SHA-256 is not.*goes on from the checkpoint before, .*previous\.safetensors/,
    );
    expect(resumed.summary.state).toBe('finished');
    expect(await readFile(folder.file('prompts'))).toEqual(await readFile(whole.folder.file('prompts')));
    const curve = async (run: RunFolder) =>
      (await run.metrics.read()).map((line) => [line.kind, line.epoch, line.loss, line.accuracy, line.lr]);
    expect(await curve(folder)).toEqual(await curve(whole.folder));
  });

  it('metrics that are shorter than the checkpoint counts are told, not filled up', async () => {
    await using at = await temporaryFolder();
    const input = await prepared(at.path);
    const { folder } = await stopped(input, join(at.path, 'runs'));
    const metrics = await readFile(folder.file('metrics'));
    await writeFile(folder.file('metrics'), metrics.subarray(0, 20));
    await rm(folder.file('previous'));
    await expect(go((options) => resumeRun(folder.path, options), '')).rejects.toThrow(
      /metrics\.jsonl has 20 bytes, and \d+ were written/,
    );
    await writeFile(
      folder.file('metrics'),
      metrics.map((byte, at) => (at === 30 ? byte ^ 1 : byte)),
    );
    await expect(go((options) => resumeRun(folder.path, options), '')).rejects.toThrow(
      /metrics\.jsonl, line 1, is not what was written/,
    );
  });

  it('no changed byte of what it learnt is believed', async () => {
    await using at = await temporaryFolder();
    const input = await prepared(at.path);
    const { folder } = await go((options) => train(input, options), join(at.path, 'runs'));
    const random = lcg(7);
    for (const name of ['prompts', 'promptFacts', 'config'] as const) {
      const good = await readFile(folder.file(name));
      for (let i = 0; i < 12; i++) {
        const [place, bit] = [Math.floor(random() * good.length), Math.floor(random() * 8)];
        await writeFile(
          folder.file(name),
          good.map((byte, index) => (index === place ? byte ^ (1 << bit) : byte)),
        );
        const opened = await openRun(folder.path, { device: ctx.device }).then(
          (run) => run.close().then(() => 'believed'),
          (error: unknown) => error,
        );
        expect(opened, `${name}, byte ${place}, bit ${bit}`).toBeInstanceOf(TensorError);
      }
      await writeFile(folder.file(name), good);
    }
    await writeFile(folder.file('prompts'), await readFile(folder.file('checkpoint')));
    await expect(openRun(folder.path, { device: ctx.device })).rejects.toThrow(/are not of one run/);
  });
});

/** Numbers in [0, 1), always the same ones. */
function lcg(state: number): () => number {
  let now = state;
  return () => {
    now = (Math.imul(now, 1664525) + 1013904223) >>> 0;
    return now / 2 ** 32;
  };
}
