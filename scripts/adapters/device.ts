/** The second half of `pnpm adapters`, in a process of its own: what the chosen adapter offers and does, seen through the engine. */
import { availableParallelism, cpus } from 'node:os';
import { Device } from '@mudpt/tensor';
import { describeDevice } from '@mudpt/tensor/launcher';
import { measurePeaks } from '@mudpt/testing/measure/peaks';

const row = (name: string, value: string): void => console.log(`  ${name.padEnd(24)} ${value}`);

using device = await Device.open();
const { adapter } = device;
console.log(describeDevice(device));

console.log('\nMeasured (outputs checked)');
const peaks = await measurePeaks(device);
const whole = adapter.kind === 'gpu' ? '' : ' of all cores, were they free';
row('f32 multiply-adds', `${peaks.gflops.toFixed(peaks.gflops < 100 ? 1 : 0)} GFLOP/s${whole}`);
row('copy', `${peaks.gbps.toFixed(1)} GB/s, read plus written`);
row('one more dispatch', `${peaks.dispatchMicroseconds.toFixed(1)} us`);
if (adapter.kind !== 'gpu') row('on', `${cpus()[0]?.model.trim() ?? 'a CPU'}, ${availableParallelism()} threads`);
