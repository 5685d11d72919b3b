/**
 * The run that `pnpm train` makes by default, until its first step has been read: prints one line of JSON, a {@link Startup}, and stops. The suite
 * `startup` starts it as a process of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Device } from '@mudpt/tensor';
import { train } from 'mudpt';

/** What the process tells. Times are milliseconds since 1970, as another process can compare them. */
export type Startup = {
  /** When each part was done: modules loaded, everything open, zero-shot accuracy known, first step done. */
  readonly done: Readonly<Record<'modules' | 'ready' | 'zero-shot' | 'step', number>>;
  /** Labels of the pipelines compiled by then. */
  readonly pipelines: readonly string[];
};

const now = (): number => performance.timeOrigin + performance.now();

const done = { modules: now(), ready: Number.NaN, 'zero-shot': Number.NaN, step: Number.NaN };
const out = await mkdtemp(join(tmpdir(), 'mudpt-startup-'));
const device = await Device.open();
const stop = new AbortController();
let startup: Startup | undefined;
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
          startup ??= { done: { ...done, step: now() }, pipelines: device.pipelines.compiled };
          stop.abort(new Error('stopped'));
        },
      },
    },
  );
} finally {
  await rm(out, { recursive: true });
  device.dispose();
}
console.log(JSON.stringify(startup));
