/**
 * Measures every variant of every kernel family and keeps the fastest, as `pnpm tune` does, for the steps after it: `tuning.ts OUT [--small]`.
 * Writes tuning.json, and the table that `Device.open()` reads into MUDPT_TUNING_DIR.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Device } from '@mudpt/tensor';
import { checkMatrix, type Measurement, saveTuning, tune, tuningProblems } from '@mudpt/tensor/internal';

const [out, small] = process.argv.slice(2);
if (!out) throw new Error('usage: tuning.ts OUT [--small]');
using device = await Device.open({ tuning: 'none' });
const hasMatrix = await checkMatrix(device);
const measured: Measurement[] = [];
const problems = tuningProblems(device).filter((_, index) => small !== '--small' || index % 4 === 0);
await tune(device, problems, (one) => {
  measured.push(one);
  const times = Object.entries(one.ms).map(
    ([variant, time]) => `${variant} ${time === undefined ? 'wrong' : `${time.toFixed(3)} ms`}`,
  );
  console.log(`${one.family} ${one.key}: ${one.chosen}; ${times.join(', ')}`);
  write();
});
await saveTuning(device.tuner, device.adapter.key);

function write(): void {
  const { name, device: hardware, kind, vendor, architecture } = device.adapter;
  const head = { adapter: { name: hardware || name, kind, vendor, architecture }, hasMatrix };
  writeFileSync(
    join(out ?? '', 'tuning.json'),
    `${JSON.stringify({ ...head, measured, table: device.tuner.export() }, undefined, 1)}\n`,
  );
}
