/**
 * Measurement of the variants of kernel families on this adapter; the fastest is stored. A variant whose results differ from the
 * first one's is never chosen: experimental features of drivers have been wrong before.
 */
import { DeviceError } from '../errors.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import type { Device } from '../device.ts';
import { relativeError } from './relative-error.ts';

/** A representative problem of a family. */
export type TuningProblem = {
  readonly family: string;
  /** The key the family passes to {@link Tuner.choose} for it. */
  readonly key: string;
  /** Every variant that runs on this adapter; the first is the reference. */
  readonly candidates: readonly string[];
  /** Makes the inputs; they are released with what `run` returns. */
  prepare(device: Device): readonly Tensor[];
  /** Records the problem once. */
  run(inputs: readonly Tensor[]): Tensor;
};

/** What {@link tune} found for one problem. */
export type Measurement = {
  readonly family: string;
  readonly key: string;
  /** Best milliseconds per run by variant; undefined for one that failed or computed something else. */
  readonly ms: Readonly<Record<string, number | undefined>>;
  readonly chosen: string;
};

const ROUNDS = 3;
/** Runs per submit, so that the event loop's part of a millisecond does not count. */
const REPEATS = 5;
const RELATIVE_TOLERANCE = 1e-4;

/** Measures `problems` one by one and lets `device.tuner` choose accordingly from then on. */
export async function tune(
  device: Device,
  problems: readonly TuningProblem[],
  report: (result: Measurement) => void = () => undefined,
): Promise<Measurement[]> {
  const results: Measurement[] = [];
  for (const problem of problems) {
    const result = await scope(async () => await measure(device, problem));
    device.tuner.remember(problem.family, problem.key, result.chosen);
    report(result);
    results.push(result);
  }
  return results;
}

async function measure(device: Device, problem: TuningProblem): Promise<Measurement> {
  const inputs = problem.prepare(device);
  const ms: Record<string, number | undefined> = {};
  let reference: ArrayLike<number> | undefined;
  for (const variant of problem.candidates) {
    using _ = device.tuner.force(problem.family, variant);
    const values = await valuesOf(device, problem, inputs);
    if (!values) continue;
    reference ??= values;
    ms[variant] = relativeError(values, reference) <= RELATIVE_TOLERANCE ? Number.POSITIVE_INFINITY : undefined;
  }
  await wake(device, problem, inputs);
  // Variants take turns, so that a busy moment of the machine does not fall on one of them alone.
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const variant of problem.candidates) {
      const before = ms[variant];
      if (before === undefined) continue;
      using _ = device.tuner.force(problem.family, variant);
      ms[variant] = Math.min(before, await time(device, problem, inputs));
    }
  }
  const chosen = problem.candidates.filter((variant) => ms[variant] !== undefined).sort((a, b) => (ms[a] ?? 0) - (ms[b] ?? 0))[0];
  if (chosen === undefined)
    throw new DeviceError('tune', `no variant of ${problem.family} ran for ${problem.key}`, 'report this adapter');
  return { family: problem.family, key: problem.key, ms, chosen };
}

/** What the forced variant gives; undefined where this adapter refuses it. Compiles, too. */
async function valuesOf(
  device: Device,
  problem: TuningProblem,
  inputs: readonly Tensor[],
): Promise<ArrayLike<number> | undefined> {
  const output = problem.run(inputs);
  try {
    return await output.data();
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    // A variant that does not compile or run is one that is not chosen.
    device.clearError();
    return undefined;
  } finally {
    output.dispose();
  }
}

/** Milliseconds of work after which a GPU that was idle while inputs were made has raised its clocks. */
const AWAKE = 100;

async function wake(device: Device, problem: TuningProblem, inputs: readonly Tensor[]): Promise<void> {
  const start = performance.now();
  while (device.adapter.kind === 'gpu' && performance.now() - start < AWAKE) await time(device, problem, inputs);
}

/**
 * Milliseconds of one run. On a GPU many take less time than the host needs to record them, so there its timestamps count: from the start of the
 * first dispatch to the end of the last, so that waits between the dispatches of a run are included.
 */
async function time(device: Device, problem: TuningProblem, inputs: readonly Tensor[]): Promise<number> {
  const runs = (): void => {
    for (let i = 0; i < REPEATS; i += 1) problem.run(inputs).dispose();
  };
  if (device.adapter.kind === 'gpu' && device.adapter.timestamps) {
    const { spans } = await device.profile(runs);
    return Math.max(0, ...spans.map(({ start, duration }) => start + duration)) / REPEATS;
  }
  await device.synchronize();
  const start = performance.now();
  runs();
  await device.synchronize();
  return (performance.now() - start) / REPEATS;
}
