/** The run that `pnpm train` makes by default, until its first step has been read. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device } from '@mudpt/tensor';
import { engineOf } from '@mudpt/tensor/internal';
import { train } from 'mudpt';

export type FirstStep = {
  /** When each part was done, in milliseconds since 1970, as another process can compare them: everything open, zero-shot accuracy known, first step done. */
  readonly done: Readonly<Record<'ready' | 'zero-shot' | 'step', number>>;
  /** Labels of the pipelines compiled by then. */
  readonly pipelines: readonly string[];
};

export const now = (): number => performance.timeOrigin + performance.now();

/** Runs on `device`, which must be fresh: pipelines compiled before count. The run leaves nothing on disk. */
export async function firstStep(device: Device): Promise<FirstStep> {
  const out = await mkdtemp(join(tmpdir(), 'mudpt-startup-'));
  const stop = new AbortController();
  const done = { ready: Number.NaN, 'zero-shot': Number.NaN, step: Number.NaN };
  let pipelines: readonly string[] | undefined;
  try {
    await train(
      {},
      {
        device,
        out,
        signal: stop.signal,
        observer: {
          onReady: () => void (done.ready = now()),
          onEvaluation: () => void (done['zero-shot'] = now()),
          onProgress: () => {
            if (pipelines) return;
            done.step = now();
            pipelines = engineOf(device).pipelines.compiled;
            stop.abort(new Error('stopped'));
          },
        },
      },
    );
  } finally {
    await rm(out, { recursive: true });
  }
  if (!pipelines) throw new Error('training ended without a step');
  return { done, pipelines };
}

/** Pipelines by kernel, the most first: 'gemm.broadcast 12, norm 3'. */
export function byKernel(labels: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const label of labels) {
    const [kernel = label] = label.split('{');
    counts.set(kernel, (counts.get(kernel) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([a, x], [b, y]) => y - x || a.localeCompare(b));
  return sorted.map(([kernel, count]) => `${kernel} ${count}`).join(', ');
}
