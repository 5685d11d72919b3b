/** Timing and checking: every figure is the best and the median of several samples, and of a result that was compared with an f64 reference. */
import { type Device, scope, type Tensor } from '@mudpt/tensor';
import { type Elapsed, stopwatch } from '@mudpt/testing/measure/stopwatch';
import type { Row } from './row.ts';

export { hasFailed, notMeasured, type Row } from './row.ts';

/** As many samples as `seconds` allow, of `least` to `samples`. */
export type Effort = { readonly seconds: number; readonly samples: number; readonly least: number };

export const FULL: Effort = { seconds: 4, samples: 15, least: 3 };
export const QUICK: Effort = { seconds: 1, samples: 5, least: 1 };

/** Progress, a line on stderr: tables come when a suite is done. Pages, which have none, show it in their own way. */
export function tell(line: string): void {
  const { process } = globalThis as { readonly process?: { readonly stderr?: { write(text: string): void } } };
  process?.stderr?.write(`${line}\n`);
}

/** A result may differ by rounding only. */
export const LARGEST_ERROR = 1e-3;

export function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function summary(times: readonly number[]): { readonly best: number; readonly median: number } {
  return { best: Math.min(...times), median: median(times) };
}

/** Milliseconds of work after which an idle GPU has raised its clocks: an H100 that rests runs at a sixth of its speed. */
const AWAKE = 400;

/** Lets `sample` run until a GPU that was idle works at its full speed; a no-op on CPU adapters. */
export async function wake(device: Device, sample: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  while (device.adapter.kind === 'gpu' && performance.now() - start < AWAKE) await sample();
}

/** From here on a first run is no slower than others by anything that counts. */
const LONG = 2000;

/**
 * Times per run, in samples of at least 20 ms and one wait each; two runs before that do not count (caches), unless a run is long.
 * @param run records one run, of kernels that are compiled; what it creates belongs to a scope that ends with it
 */
export async function time(device: Device, run: () => void, { seconds, samples, least }: Effort): Promise<Elapsed[]> {
  const sample = async (runs: number): Promise<Elapsed> => {
    const read = stopwatch(device);
    for (let i = 0; i < runs; i += 1) scope(run);
    await device.synchronize();
    const { wall, busy } = read();
    return { wall: wall / runs, busy: busy / runs };
  };
  const start = performance.now();
  const first = await sample(1);
  const isLong = first.wall > LONG;
  const times = isLong ? [first] : [];
  const runs = isLong ? 1 : Math.max(1, Math.ceil(20 / (await sample(1)).wall));
  await wake(device, () => sample(runs));
  const begin = isLong ? start : performance.now();
  while (times.length < least || (times.length < samples && performance.now() - begin < seconds * 1000))
    times.push(await sample(runs));
  return times;
}

/** Largest difference of `actual` from `expected`, relative to the largest expected magnitude. */
export function errorOf(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i += 1) {
    difference = Math.max(difference, Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? Number.NaN)));
    largest = Math.max(largest, Math.abs(expected[i] ?? Number.NaN));
    if (Number.isNaN(difference)) return Number.NaN;
  }
  return largest > 0 ? difference / largest : difference;
}

/** Elements of `result` at `at`, row-major. */
export async function pick(result: Tensor, at: readonly number[]): Promise<number[]> {
  const data = await result.data();
  return at.map((place) => data[place] ?? Number.NaN);
}

/** Times `run` and checks what it computes against `expected` at `at`. */
export async function measure(
  device: Device,
  row: Pick<Row, 'suite' | 'name' | 'engine' | 'flops' | 'bytes'>,
  run: () => Tensor,
  check: { readonly at: readonly number[]; readonly expected: readonly number[] },
  effort: Effort,
): Promise<Row> {
  tell(`  ${row.name}, ${row.engine}`);
  const values = await scope(async () => await pick(run(), check.at));
  const times = await time(device, () => void run(), effort);
  const busy = await kernelTime(device, run, times);
  return checked({ ...row, ...summary(times.map(({ wall }) => wall)), busy, error: errorOf(values, check.expected) });
}

/** Runs that are timed by timestamps. */
const PROFILED = 10;

/** {@link Row.busy} of a `run` that took `times`. */
export async function kernelTime(device: Device, run: () => void, times: readonly Elapsed[]): Promise<number> {
  const { kind, timestamps } = device.adapter;
  if (kind !== 'gpu' || !timestamps) return Math.min(...times.map(({ busy }) => busy));
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < PROFILED; i += 1) {
    const { spans } = await device.profile(() => scope(run));
    best = Math.min(
      best,
      spans.reduce((sum, { duration }) => sum + duration, 0),
    );
  }
  return best;
}

/** A row whose result is wrong counts as none: a broken kernel is fast. */
export function checked(row: Row, largestError = LARGEST_ERROR): Row {
  if (row.error === undefined || row.error <= largestError) return row;
  return { ...row, problem: `wrong result: relative error ${row.error}` };
}
