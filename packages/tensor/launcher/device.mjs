// The second half of `mudpt-launch doctor`, in a process of its own: what the chosen adapter offers, and one product whose result is
// checked, seen through the engine as it is installed.
import { Device, full, scope } from '@mudpt/tensor';
import { describeDevice, row } from './features.mjs';

const N = 512;
const TRIES = 5;

const device = await Device.open();
try {
  console.log(describeDevice(device));
  console.log('\nMeasured');
  const a = full([N, N], 1);
  const b = full([N, N], 0.5);
  let best = Infinity;
  for (let tries = 0; tries <= TRIES; tries++) {
    const begin = performance.now();
    const values = await scope(() => a.matmul(b)).data();
    if (values.length !== N * N || values.some((value) => value !== N / 2))
      throw new Error(`the product of ${N} x ${N} matrices is wrong on this adapter: ${device.adapter.name}`);
    if (tries > 0) best = Math.min(best, performance.now() - begin); // the first one compiles
  }
  console.log(row(`product of ${N} x ${N}`, `${best.toFixed(1)} ms with reading it back, right`));
} finally {
  device.dispose();
}
