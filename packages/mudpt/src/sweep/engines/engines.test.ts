import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, start } from '../../../test/child.ts';
import { readPlan } from '../plan.ts';
import { enqueue } from './queue.ts';
import { isElsewhere, SLURM_PROGRAMS, startRedis, startSlurm, whyNot } from '../../../test/services.ts';

const noRedis = isElsewhere ?? whyNot(['redis-server']);
const noSlurm = isElsewhere ?? whyNot(SLURM_PROGRAMS, { needsRoot: true });

describe.skipIf(noRedis !== undefined && noSlurm !== undefined)('one plan by several engines', () => {
  let at: Awaited<ReturnType<typeof temporaryFolder>>;
  let cache: string;
  let expected: Map<string, string>;

  const planned = async (name: string): Promise<string> => {
    const sweep = join(at.path, name);
    const words = ['--methods', 'coop,zero-shot', '--data', join(at.path, 'shapes'), '--shots', '1'];
    const settings = ['--set', 'epochs=1', '--set', 'batchSize=2', '--set', 'coop:length=2'];
    await run(
      ['sweep', 'plan', 'few-shot', ...words, '--seeds', '1-2', '--model', join(at.path, 'model'), ...settings, '--out', sweep],
      cache,
    );
    return sweep;
  };

  /** Every table of a sweep by its file. */
  async function tablesOf(sweep: string): Promise<Map<string, string>> {
    await run(['collect', sweep, '--pair', 'coop,zero-shot'], cache);
    const folder = join(sweep, 'tables');
    const files = (await readdir(folder)).sort();
    return new Map(await Promise.all(files.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)));
  }

  beforeAll(async () => {
    at = await temporaryFolder();
    cache = join(at.path, 'cache');
    await writeShapes(join(at.path, 'shapes'), { train: 1, val: 1, test: 2 });
    await writeTinyModel(join(at.path, 'model'));
    const sweep = await planned('one-process');
    await run(['sweep', 'run', sweep], cache);
    expected = await tablesOf(sweep);
    expect([...expected.keys()]).toContain('few-shot.tex');
  }, 300_000);
  afterAll(() => at[Symbol.asyncDispose]());

  it(`BullMQ, a worker killed at its first cell${noRedis ? `: skipped, ${noRedis}` : ''}`, {
    timeout: 300_000,
    skip: noRedis !== undefined,
  }, async () => {
    await using redis = await startRedis(at.path);
    const sweep = await planned('queue');
    const queue = ['--redis', redis.url];
    expect(await run(['sweep', 'enqueue', sweep, ...queue], cache)).toMatch(/4 added, 0 tried again, 0 there already, 0 done/);
    expect(await run(['sweep', 'enqueue', sweep, ...queue], cache)).toMatch(/0 added, 0 tried again, 4 there already, 0 done/);
    const killed = start(['sweep', 'worker', sweep, ...queue, '--silence', '3'], cache);
    const begins = new Promise<void>((resolve) =>
      killed.child.stdout?.on('data', (data: Buffer) => data.includes('begin') && resolve()),
    );
    await begins;
    killed.child.kill('SIGKILL');
    expect((await killed.ended).signal).toBe('SIGKILL');
    const output = await run(['sweep', 'worker', sweep, ...queue, '--silence', '3'], cache);
    expect(output).toMatch(/[34] cells done here/);
    expect(await run(['sweep', 'status', sweep], cache)).toMatch(/4 cells: 4 done/);
    expect(await tablesOf(sweep)).toEqual(expected);
    expect(await run(['sweep', 'enqueue', sweep, ...queue], cache)).toMatch(/0 added, 0 tried again, 0 there already, 4 done/);
  });

  it('a queue that nothing answers for is told', async () => {
    const sweep = join(at.path, 'one-process');
    await expect(enqueue(sweep, await readPlan(sweep), { redis: 'redis://127.0.0.1:1', attempts: 1 })).rejects.toThrow(
      /no Redis answers at redis:\/\/127\.0\.0\.1:1/,
    );
  });

  it(`a Slurm array${noSlurm ? `: skipped, ${noSlurm}` : ''}`, { timeout: 300_000, skip: noSlurm !== undefined }, async () => {
    const sweep = await planned('slurm');
    await using slurm = await startSlurm(join(at.path, 'slurm-node'));
    const running = start(['sweep', 'slurm', sweep, '--chunk', '3', '--time', '00:10:00', '--submit'], cache, slurm.environment);
    expect((await running.ended).output).toMatch(/submitted: job 1/);
    const queued = (): string => execFileSync('squeue', ['-h'], { encoding: 'utf8', env: slurm.environment });
    while (queued() !== '') await sleep(500);
    const logs = await Promise.all([0, 1].map((task) => readFile(join(sweep, 'slurm', `task-${task}.log`), 'utf8')));
    expect(await run(['sweep', 'status', sweep], cache), logs.join('\n')).toMatch(/4 cells: 4 done/);
    expect(logs.map((log) => log.match(/^done /gm)?.length)).toEqual([3, 1]);
    expect(await tablesOf(sweep)).toEqual(expected);
  });
});
