/**
 * How long `pnpm train` takes from the start of its process to the end of its first training step, with nothing compiled before and with Mesa's
 * shader cache filled, and which pipelines that takes.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Device } from '@mudpt/tensor';
import { byKernel } from '../first-step.ts';
import { type Effort, type Row, summary, tell } from '../harness.ts';
import type { Startup } from '../startup.ts';
import { OURS } from './ours.ts';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** Milliseconds from the start of the process, through the launcher, to the end of each part. */
type Times = Startup['done'];

/** @param cache folder of Mesa's compiled shaders */
async function start(kind: string, cache: string): Promise<{ readonly times: Times; readonly pipelines: readonly string[] }> {
  tell('  first step of pnpm train');
  const begin = Date.now();
  const command = [path('../../scripts/launch.mjs'), '--adapter', kind, 'node', '--import', 'tsx', path('../startup.ts')];
  const env = { ...process.env, MESA_SHADER_CACHE_DIR: cache, MUDPT_QUIET: '1' };
  const { stdout } = await promisify(execFile)(process.execPath, command, { env });
  const { done, pipelines } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Startup;
  const since = Object.entries(done).map(([part, at]) => [part, at - begin]);
  return { times: Object.fromEntries(since) as Times, pipelines };
}

/** Starts with an empty shader cache, and on lavapipe, which is alone in having one, with a full one. */
export async function startup(device: Device, { least }: Effort): Promise<Row[]> {
  const { kind } = device.adapter;
  const runs: Record<string, Awaited<ReturnType<typeof start>>[]> = { cold: [], warm: [] };
  for (let sample = 0; sample < least; sample += 1) {
    const cache = await mkdtemp(join(tmpdir(), 'mudpt-shaders-'));
    try {
      runs['cold']?.push(await start(kind, cache));
      if (kind === 'lavapipe') runs['warm']?.push(await start(kind, cache));
    } finally {
      await rm(cache, { recursive: true });
    }
  }
  return Object.entries(runs).flatMap(([state, ofState]): Row[] => {
    const [best] = [...ofState].sort((a, b) => a.times.step - b.times.step);
    if (!best) return [];
    const { times, pipelines } = best;
    const seconds = (part: keyof Times): string => `${(times[part] / 1000).toFixed(1)} s`;
    return [
      {
        suite: 'startup',
        name: `first step of pnpm train, ${state} shader cache`,
        engine: OURS,
        ...summary(ofState.map((run) => run.times.step)),
        extra: {
          'modules after': seconds('modules'),
          'open after': seconds('ready'),
          'zero-shot after': seconds('zero-shot'),
          pipelines: pipelines.length,
          kernels: byKernel(pipelines),
        },
      },
    ];
  });
}
