import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { describe, expect, it } from 'vitest';
import { run, type Running, start } from '../../test/child.ts';
import { isElsewhere } from '../../test/services.ts';
import { RunFolder } from '../runs/index.ts';

/** One picture at a time, and many of them: a signal comes in their middle. */
const SLOW = ['--set', 'evaluationBatch=1', '--set', 'epochs=1', '--set', 'batchSize=4', '--set', 'alternatives=false'];

async function terminateOn({ child, ended }: Running, seen: (output: string) => boolean | Promise<boolean>): Promise<void> {
  let output = '';
  child.stdout?.on('data', (data: Buffer) => (output += data.toString()));
  while (child.exitCode === null) {
    if (await seen(output)) return void child.kill('SIGTERM');
    await sleep(2);
  }
  throw new Error(`it ended before the signal:\n${(await ended).output}`);
}

const contents = async (path: string): Promise<Record<string, string>> => {
  const names = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const files = names.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file, await readFile(file, 'base64')])));
};

describe('SIGTERM while a run is evaluated', () => {
  it('ends it soon with nothing recorded; the same command makes it', {
    timeout: 300_000,
    skip: isElsewhere !== undefined,
  }, async () => {
    await using at = await temporaryFolder();
    const [data = '', other = '', model = '', cache = '', out = ''] = ['a', 'b', 'model', 'cache', 'runs'].map((name) =>
      join(at.path, name),
    );
    await writeShapes(data, { train: 2, val: 1, test: 1 });
    await writeShapes(other, { train: 1, val: 0, test: 60 });
    await writeTinyModel(model);
    const training = ['--data', data, '--method', 'coop', '--shots', '2', '--model', model, '--report', 'no'];
    await run(['train', ...training, '--out', out, ...SLOW], cache);
    const path = await onlyRun(out);
    const before = await contents(path);
    const words = ['evaluate', path, '--data', other, '--cache', 'off'];
    const running = start(words, cache);
    await terminateOn(running, (output) => /zero-shot +1\/240/.test(output));
    const ended = await running.ended;
    expect(ended.code, ended.output).toBe(130);
    expect(ended.output).toMatch(/stopped; what was measured whole is recorded: the same command measures the rest/);
    expect(await contents(path)).toEqual(before);
    expect(await run(words, cache)).toMatch(/240 test pictures/);
    expect(await measured(path)).toEqual(['a all zero-shot', 'a all tuned', 'b all zero-shot', 'b all tuned']);
  });

  it('of a sweep ends its cell as one to go on with', { timeout: 300_000, skip: isElsewhere !== undefined }, async () => {
    await using at = await temporaryFolder();
    const [data = '', model = '', cache = '', sweep = ''] = ['a', 'model', 'cache', 'S'].map((name) => join(at.path, name));
    await writeShapes(data, { train: 2, val: 1, test: 60 });
    await writeTinyModel(model);
    const plan = ['--methods', 'coop', '--data', data, '--shots', '2', '--seeds', '1', '--model', model];
    await run(['sweep', 'plan', 'base-to-new', ...plan, ...SLOW, '--out', sweep], cache);
    const words = ['sweep', 'run', sweep, '--index', '0'];
    const environment = { ...process.env, MUDPT_CACHE_DIR: 'off' };
    const running = start(words, cache, environment);
    const isFinished = async (): Promise<boolean> => {
      const path = await onlyRun(join(sweep, 'runs')).catch(() => undefined);
      const text = path === undefined ? '' : await readFile(join(path, 'summary.json'), 'utf8').catch(() => '');
      return /"state": ?"finished"/.test(text);
    };
    await terminateOn(running, isFinished);
    const ended = await running.ended;
    expect(ended.code, ended.output).toBe(75);
    const path = await onlyRun(join(sweep, 'runs'));
    expect(await measured(path)).toEqual(['a base zero-shot', 'a base tuned']);
    const left = Object.keys(await contents(sweep));
    expect(left.filter((name) => /evaluations|\.lock$|\.tmp$/.test(name))).toEqual([]);
    const [record = ''] = left.filter((name) => name.includes('/cells/'));
    expect(JSON.parse(await readFile(record, 'utf8'))).toMatchObject({ state: 'stopped' });
    await run(words, cache);
    expect(await measured(path)).toEqual(['a base zero-shot', 'a base tuned', 'a new zero-shot', 'a new tuned']);
  });
});

async function measured(path: string): Promise<string[]> {
  const { evaluations } = await new RunFolder(path).readSummary();
  return evaluations.map(({ data, classes, what }) => `${data} ${classes} ${what}`);
}

async function onlyRun(out: string): Promise<string> {
  const [name] = (await readdir(out, { recursive: true })).filter((one) => one.endsWith('config.yaml'));
  if (name === undefined) throw new Error(`there is no run in ${out}`);
  return join(out, name, '..');
}
