// What all peers share: the job file, the inputs, timing. Runs inside the peers' own folder, beside their node_modules.
import { readFileSync } from 'node:fs';
import { create, globals } from 'webgpu';

/** The inputs that every engine gets: the same formula as bench/inputs.ts. @param {number} size @param {number} seed */
export function values(size, seed) {
  return Float32Array.from({ length: size }, (_, i) => (((i + seed * 131) * 7919) % 257) / 128 - 1);
}

/** Dawn as `navigator.gpu`, on the adapter that the environment names. */
export function offerWebGpu() {
  Object.assign(globalThis, globals);
  // The object must stay reachable: Dawn's process ends when it is collected.
  globalThis.__dawn = create(['enable-dawn-features=allow_unsafe_apis', 'disable-dawn-features=timestamp_quantization']);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: globalThis.__dawn, userAgent: 'node' }, configurable: true });
}

/**
 * Milliseconds per run. A sample is as many runs as last 20 ms or more, and one wait.
 * @param {() => unknown} start one run
 * @param {() => Promise<unknown>} finish waits for all started runs
 * @param {{ seconds: number, samples: number, least: number }} options
 */
export async function time(start, finish, { seconds, samples, least }) {
  const sample = async (/** @type {number} */ runs) => {
    const begin = performance.now();
    for (let i = 0; i < runs; i++) await start();
    await finish();
    return performance.now() - begin;
  };
  await sample(1);
  const once = await sample(1);
  const runs = Math.max(1, Math.ceil(20 / once));
  const times = [];
  const begin = performance.now();
  while (times.length < least || (times.length < samples && performance.now() - begin < seconds * 1000))
    times.push((await sample(runs)) / runs);
  return times;
}

/**
 * Runs the jobs of the file named in argv[2] and prints a line for each.
 * @param {(job: any) => Promise<{ times: number[], values: number[] } | undefined>} run undefined: this engine cannot do that
 */
export async function serve(run) {
  const jobs = JSON.parse(readFileSync(process.argv[2], 'utf8'));
  for (const job of jobs) {
    let line;
    try {
      line = await run(job);
    } catch (error) {
      line = { error: error instanceof Error ? error.message.split('\n')[0] : String(error) };
    }
    process.stdout.write(`@@${JSON.stringify({ id: job.id, ...line })}\n`);
  }
  process.exit(0);
}

/** Elements of a result at the places the job asks for. @param {ArrayLike<number>} data @param {number[]} places */
export const pick = (data, places) => places.map((place) => data[place] ?? Number.NaN);
