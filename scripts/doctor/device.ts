/** The second half of `pnpm doctor`, in a process of its own: what the chosen adapter offers and does, seen through the engine. */
import { availableParallelism, cpus } from 'node:os';
import { Device } from '@mudpt/tensor';
import { measurePeaks } from '@mudpt/testing/measure/peaks';

const MIB = 2 ** 20;
const mebibytes = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;
const row = (name: string, value: string): void => console.log(`  ${name.padEnd(24)} ${value}`);

using device = await Device.open();
const { adapter, limits } = device;

console.log('\nFeatures');
row('f16 (shader-f16)', adapter.f16 ? 'yes' : 'no: f16 tensors are refused, weights load as f32');
row('subgroups', subgroups());
row('subgroup matrix', adapter.subgroupMatrix.map(matrix).join(', ') || 'no');
row('timestamps', adapter.timestamps ? 'yes: device.profile() works' : 'no: device.profile() is refused');

console.log('\nLimits');
row('largest tensor', mebibytes(Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize)));
row('workgroup memory', `${limits.maxComputeWorkgroupStorageSize / 1024} KiB`);
row('workgroup size', `${limits.maxComputeInvocationsPerWorkgroup}`);
row('buffers per kernel', `${limits.maxStorageBuffersPerShaderStage}`);

console.log('\nMeasured (outputs checked)');
const peaks = await measurePeaks(device);
const whole = adapter.kind === 'gpu' ? '' : ' of all cores, were they free';
row('f32 multiply-adds', `${peaks.gflops.toFixed(peaks.gflops < 100 ? 1 : 0)} GFLOP/s${whole}`);
row('copy', `${peaks.gbps.toFixed(1)} GB/s, read plus written`);
row('one more dispatch', `${peaks.dispatchMicroseconds.toFixed(1)} us`);
if (adapter.kind !== 'gpu') row('on', `${cpus()[0]?.model.trim() ?? 'a CPU'}, ${availableParallelism()} threads`);

function subgroups(): string {
  if (adapter.subgroupMax === 0) return 'no: plain kernels are used';
  if (adapter.subgroupSize > 0) return `of ${adapter.subgroupSize}`;
  return `of ${adapter.subgroupMin} to ${adapter.subgroupMax}, not fixed: plain kernels are used`;
}

function matrix({ componentType, resultComponentType, M, N, K }: (typeof adapter.subgroupMatrix)[number]): string {
  return `${M}x${N}x${K} ${componentType} to ${resultComponentType}`;
}
