/**
 * Measures every variant of every kernel family and keeps the fastest, as `pnpm tune` does, for the steps after it: `tuning.ts OUT [--small]`.
 * Writes tuning.json, and the table that `Device.open()` reads into MUDPT_TUNING_DIR, after each problem, what takes most of a model's time first: a
 * step that is stopped leaves what it measured.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Device } from '@mudpt/tensor';
import { checkMatrix, type Measurement, saveTuning, tune, type TuningProblem, tuningProblems } from '@mudpt/tensor/internal';

const [out, small] = process.argv.slice(2);
if (!out) throw new Error('usage: tuning.ts OUT [--small]');
using device = await Device.open({ tuning: 'none' });
const hasMatrix = await checkMatrix(device);
const measured: Measurement[] = [];
const problems = tuningProblems(device)
  .filter((_, index) => small !== '--small' || index % 4 === 0)
  .sort((one, other) => rankOf(one) - rankOf(other));
for (const problem of problems) {
  const [one] = await tune(device, [problem]);
  if (!one) continue;
  measured.push(one);
  const times = Object.entries(one.ms).map(
    ([variant, time]) => `${variant} ${time === undefined ? 'wrong' : `${time.toFixed(3)} ms`}`,
  );
  console.log(`${one.family} ${one.key}: ${one.chosen}; ${times.join(', ')}`);
  write();
  await saveTuning(device.tuner, device.adapter.key);
}

/** Attention, then large products, products in f16, other products, and all else. */
function rankOf({ family, key }: TuningProblem): number {
  if (family === 'attention') return 0;
  if (family !== 'gemm') return 4;
  if (key.includes('/units-')) return 2;
  return /tall\/t(64|128|256|512|1024)\/k(512|1024|2048)/.test(key) ? 1 : 3;
}

function write(): void {
  const { name, device: hardware, kind, vendor, architecture } = device.adapter;
  const head = { adapter: { name: hardware || name, kind, vendor, architecture }, hasMatrix };
  writeFileSync(
    join(out ?? '', 'tuning.json'),
    `${JSON.stringify({ ...head, measured, table: device.tuner.export() }, undefined, 1)}\n`,
  );
}
