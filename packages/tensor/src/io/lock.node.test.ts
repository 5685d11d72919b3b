import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FileLock, removeLeftovers } from './lock.node.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lock-'));
  path = join(folder, 'run.lock');
});
afterEach(() => rm(folder, { recursive: true }));

const take = (options = {}) => FileLock.take(path, 'the run', options);
/** A lock that somebody else left. */
const left = async (change: object): Promise<void> => {
  const lock = await take();
  const holder = JSON.parse(await readFile(path, 'utf8')) as object;
  await lock.release();
  await writeFile(path, JSON.stringify({ ...holder, token: 'theirs', ...change }));
};
const deadPid = async (): Promise<number> => {
  const child = spawn(process.execPath, ['--version']);
  await new Promise((resolve) => child.on('exit', resolve));
  return child.pid ?? 0;
};

it('is held by one, says by whom, and leaves nothing', async () => {
  const first = await take();
  await expect(take()).rejects.toThrow(new RegExp(`the run is being written by process ${process.pid} on .*run\\.lock`, 's'));
  await first.expectHeld();
  expect(await FileLock.holderOf(path)).toMatch(new RegExp(`^process ${process.pid} on `));
  await first.release();
  expect(await FileLock.holderOf(path)).toBeUndefined();
  expect(await readdir(folder)).toEqual([]);
  await using again = await take();
  await again.expectHeld();
});

it('whoever waits goes on once it is free, or when told to stop', async () => {
  const first = await take();
  const order: string[] = [];
  const second = take({ wait: true }).then((lock) => {
    order.push('second');
    return lock;
  });
  await new Promise((resolve) => setTimeout(resolve, 250));
  order.push('first');
  await first.release();
  await using _second = await second;
  expect(order).toEqual(['first', 'second']);
  await expect(take({ wait: true, signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
});

it('is taken over from a process that is no more', async () => {
  await left({ pid: await deadPid() });
  expect(await FileLock.holderOf(path)).toBeUndefined();
  await using lock = await take();
  await lock.expectHeld();
});

it.skipIf(process.platform !== 'linux')('is taken over from a killed process that its parent has not asked for', async () => {
  // A shell that sleeps on after its child has ended, and does not wait for it.
  const shell = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const pid = Number(await new Promise<Buffer>((resolve) => shell.stdout.once('data', resolve)));
    await vi.waitFor(async () => expect(await readFile(`/proc/${pid}/stat`, 'utf8')).toContain(') Z '));
    await left({ pid });
    await using lock = await take();
    await lock.expectHeld();
  } finally {
    shell.kill('SIGKILL');
  }
});

it('is taken over from one of before a restart, and from a later process with the same number', async () => {
  await left({ boot: 'another' });
  await (await take()).release();
  await left({ began: '12345' });
  // Systems without /proc cannot distinguish them.
  if (process.platform === 'linux') await (await take()).release();
  else await rm(path);
});

it('of another machine counts while it is touched', async () => {
  await left({ host: 'elsewhere' });
  await expect(take()).rejects.toThrow(/on elsewhere/);
  const old = new Date(Date.now() - 600_000);
  await utimes(path, old, old);
  await using lock = await take();
  await lock.expectHeld();
});

it('one with senseless contents counts while it is young', async () => {
  for (const text of ['', '{}', 'null', '[1']) {
    await writeFile(path, text);
    await expect(take()).rejects.toThrow(/by another process/);
  }
});

it('who lost it learns of that, and does not remove the one of another', async () => {
  const first = await take();
  await rm(path);
  await expect(first.expectHeld()).rejects.toThrow(/no longer this process's to write/);
  await using second = await take();
  await first.release();
  await second.expectHeld();
});

it('of many that take over at once one gets it at a time', { timeout: 60_000 }, async () => {
  await left({ pid: await deadPid() });
  const log = join(folder, 'log');
  const script = `
    import { appendFileSync } from 'node:fs';
    import { FileLock } from ${JSON.stringify(new URL('lock.node.ts', import.meta.url).href)};
    for (let i = 0; i < 5; i++) {
      const lock = await FileLock.take(${JSON.stringify(path)}, 'it', { wait: true });
      appendFileSync(${JSON.stringify(log)}, 'in\\n');
      await new Promise((resume) => setTimeout(resume, 5));
      await lock.expectHeld();
      appendFileSync(${JSON.stringify(log)}, 'out\\n');
      await lock.release();
    }`;
  const root = new URL('../../../../', import.meta.url);
  const go = () =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], { cwd: root });
  await Promise.all([go(), go(), go()]);
  expect(await readFile(log, 'utf8')).toBe('in\nout\n'.repeat(15));
});

it('what killed writes left is removed, and nothing else', async () => {
  const names = ['.last.safetensors.0123abcd-45ef.tmp', '.lock.0123abcd-45ef.tmp', '.hidden', 'kept.tmp', '.x.tmp'];
  for (const name of names) await writeFile(join(folder, name), '');
  await removeLeftovers(folder, { olderThanMs: 60_000 });
  await removeLeftovers(folder, { of: 'las' });
  expect((await readdir(folder)).length).toBe(names.length);
  await removeLeftovers(folder, { of: 'last' });
  expect(await readdir(folder)).toHaveLength(names.length - 1);
  await removeLeftovers(folder);
  expect((await readdir(folder)).sort()).toEqual(['.hidden', '.x.tmp', 'kept.tmp']);
});
