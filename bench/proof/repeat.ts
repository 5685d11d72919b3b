/**
 * Runs every variant of every kernel family twice and compares bits, and with the first variant in numbers; then a training step, eager and captured:
 * `repeat.ts OUT [--small]`. Writes repeat.json.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DataArray, Device, scope } from '@mudpt/tensor';
import { checkMatrix, relativeError, tuningProblems } from '@mudpt/tensor/internal';
import { stepBench } from '../suites/step.ts';

type Line = {
  readonly what: string;
  readonly isRepeated: boolean;
  /** Relative to the first variant; undefined for a variant that did not run. */
  readonly error?: number;
  readonly problem?: string;
};

/** Products of different summation orders differ by rounding only. */
const TOLERANCE = 1e-4;

const [out, small] = process.argv.slice(2);
if (!out) throw new Error('usage: repeat.ts OUT [--small]');
using device = await Device.open({ tuning: 'none' });
await checkMatrix(device);
const lines: Line[] = [];
const problems = tuningProblems(device).filter((_, index) => small !== '--small' || index % 3 === 0);
for (const problem of problems) {
  await scope(async () => {
    const inputs = problem.prepare(device);
    let reference: DataArray | undefined;
    for (const variant of problem.candidates) {
      const what = `${problem.family} ${problem.key} ${variant}`;
      try {
        using _ = device.tuner.force(problem.family, variant);
        const run = async (): Promise<DataArray> => await scope(async () => await problem.run(inputs).data());
        const [first, second] = [await run(), await run()];
        reference ??= first;
        lines.push({ what, isRepeated: equalBits(first, second), error: relativeError(first, reference) });
      } catch (error) {
        lines.push({ what, isRepeated: false, problem: error instanceof Error ? error.message : String(error) });
        device.clearError();
      }
    }
  });
  write();
}
try {
  await stepBench(device, { samples: 2 });
  lines.push({ what: 'training step, captured as eager', isRepeated: true });
} catch (error) {
  lines.push({ what: 'training step, captured as eager', isRepeated: false, problem: String(error) });
}
write();
const wrong = lines.filter(
  ({ isRepeated, error, problem }) => !isRepeated || problem || (error !== undefined && !(error <= TOLERANCE)),
);
for (const { what, isRepeated, error, problem } of wrong)
  console.log(`${what}: ${problem ?? (isRepeated ? `differs from the first variant by ${error}` : 'two runs differ in bits')}`);
console.log(`${lines.length - wrong.length} repeated and equal, ${wrong.length} not`);
process.exitCode = wrong.length > 0 ? 1 : 0;

function write(): void {
  writeFileSync(join(out ?? '', 'repeat.json'), `${JSON.stringify(lines, undefined, 1)}\n`);
}

function equalBits(a: DataArray, b: DataArray): boolean {
  const bytes = (x: DataArray): Buffer => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
  return bytes(a).equals(bytes(b));
}
