// mudpt-launch tune [FAMILY...]
//
// Measures the variants of every kernel family on this adapter and keeps the fastest of each class in its file, which `Device.open()`
// reads from then on. Run it on an idle machine.
import { Device } from '@mudpt/tensor';
import { checkMatrix, saveTuning, tune, tuningFamilies, tuningProblems } from '@mudpt/tensor/internal';

const families = process.argv.slice(2);
const unknown = families.filter((family) => !tuningFamilies.includes(family));
if (unknown.length > 0) {
  console.error(`tune: no kernel family is called ${unknown.join(', ')}; use ${tuningFamilies.join(', ')}`);
  process.exit(2);
}
const device = await Device.open({ tuning: families.length > 0 ? 'stored' : 'none' });
try {
  await checkMatrix(device);
  const problems = tuningProblems(device, families.length > 0 ? families : undefined);
  console.log(`${device.adapter.name}: ${problems.length} classes of problems`);
  await tune(device, problems, ({ family, key, ms, chosen }) => {
    const times = Object.entries(ms).map(
      ([variant, time]) => `${variant} ${time === undefined ? 'wrong' : `${time.toFixed(2)} ms`}`,
    );
    console.log(`${`${family} ${key}`.padEnd(28)} ${chosen.padEnd(10)} ${times.join(', ')}`);
  });
  console.log(`kept in ${await saveTuning(device.tuner, device.adapter.key)}`);
} finally {
  device.dispose();
}
