/**
 * Measurement at the first use of an adapter: a handful of problems, within seconds, for adapters that the package does not know and nobody has tuned.
 * `mudpt-launch tune` measures all of them.
 */
import type { Device } from './device.ts';
import { saveTuning } from './engine/tuner.ts';
import { type Measurement, tune, type TuningProblem } from './kernels/tune.ts';
import { tuningProblems } from './tuning.ts';

/** The products and rows that take most of a transformer's time: projections, few rows, attention, norms. */
export const FIRST_ON_GPUS: readonly string[] = [
  'gemm/kk/tall/t128/k1024',
  'gemm/kn/tall/t128/k1024',
  'gemm/kk/tall/t512/k1024',
  'gemm/kn/tall/t128/k2048',
  'gemm/kk/tall/t128/k512',
  'gemm/kn/tall/t128/k512',
  'gemm/kk/flat/t8/k512',
  'gemm/kk/few/t8/k512',
  'attention/forward/short/64',
  'attention/dkv/short/64',
  'attention/dq/short/64',
  'attention/forward/packed/64',
  'norm/many/wide',
];
export const FIRST_ON_CPUS: readonly string[] = [
  'gemm/kk/small',
  'gemm/kn/small',
  'gemm/mn/small',
  'gemm/kk/few',
  'gemm/kn/few',
  'norm/many/wide',
  'pointwise/flat',
  'copy/elements',
];

/** Most milliseconds until the last problem is begun. */
const MOST_MS = 4000;

/** The problems of first use, the most important first. */
export function firstProblems(device: Device): TuningProblem[] {
  const names = device.adapter.kind === 'gpu' ? FIRST_ON_GPUS : FIRST_ON_CPUS;
  const problems = new Map(tuningProblems(device).map((problem) => [`${problem.family}/${problem.key}`, problem]));
  return names.flatMap((name) => problems.get(name) ?? []);
}

/**
 * Measures {@link firstProblems} and keeps the outcome for later runs. It says so on the console, because a start that takes seconds is a surprise.
 * @param options.most milliseconds after which no further problem is begun
 * @param options.problems to measure instead of those (tests)
 */
export async function measureFirst(
  device: Device,
  {
    most = MOST_MS,
    problems = firstProblems(device),
  }: { readonly most?: number; readonly problems?: readonly TuningProblem[] } = {},
): Promise<Measurement[]> {
  const { name, key } = device.adapter;
  console.warn(
    `mudpt: measuring kernels on ${name}, once and for some seconds (MUDPT_TUNING=stored: not at all; mudpt-launch tune: all)`,
  );
  const begin = performance.now();
  const results: Measurement[] = [];
  for (const problem of problems) {
    if (performance.now() - begin >= most) break;
    results.push(...(await tune(device, [problem])));
  }
  try {
    await saveTuning(device.tuner, key);
  } catch (error) {
    console.warn(
      `mudpt: what was measured could not be kept, so the next run measures again: ${error instanceof Error ? error.message : String(error)} ` +
        '(MUDPT_TUNING_DIR names another folder)',
    );
  }
  return results;
}
