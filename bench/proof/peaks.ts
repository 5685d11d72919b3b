/**
 * What the adapter can do at best: f32 and f16 multiply-adds, subgroup matrices, bandwidth, and the cost of a dispatch, a submit and a read-back:
 * `peaks.ts OUT [--small]`. Writes peaks.json. Every figure's kernel is checked.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Device, empty, full, scope, zeros } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { kernel } from '@mudpt/tensor/kernels';
import { measurePeaks } from '@mudpt/testing/measure/peaks';

/** f16 multiply-adds: four chains of vectors of four, each step needs the one before it of two chains. */
const halves = kernel({
  name: 'peak-f16',
  params: { loops: 'u32', factor: 'f32' },
  source: `
enable f16;
@group(0) @binding(0) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let factor = vec4<f16>(f16(params.factor));
#for c in 4
  var x\${c} = vec4<f16>(\${c + 1}.0h);
#endfor
  for (var i = 0u; i < params.loops; i++) {
#for u in 8
    let first\${u} = x0;
#for c in 4
    x\${c} = fma(x\${c}, factor, \${c == 3 ? "first" : "x"}\${c == 3 ? u : c + 1});
#endfor
#endfor
  }
  y[id.x] = f32(x0.x);
}
`,
});

/** Four accumulators a subgroup, of ones times ones: every element of the sum is K times the loops. */
const matrices = kernel({
  name: 'peak-matrix',
  params: { loops: 'u32' },
  source: `
#if T == "f16"
enable f16;
#endif
enable subgroups;
enable chromium_experimental_subgroup_matrix;
@group(0) @binding(0) var<storage, read> ones: array<\${T}>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(\${SG})
fn main(@builtin(workgroup_id) group: vec3<u32>) {
  let a = subgroupMatrixLoad<subgroup_matrix_left<\${T}, \${K}, \${M}>, row_major>(&ones, 0u, \${K}u);
  let b = subgroupMatrixLoad<subgroup_matrix_right<\${T}, \${N}, \${K}>, row_major>(&ones, 0u, \${N}u);
#for i in 4
  var s\${i}: subgroup_matrix_result<f32, \${N}, \${M}>;
#endfor
  for (var i = 0u; i < params.loops; i++) {
#for i in 4
    s\${i} = subgroupMatrixMultiplyAccumulate(a, b, s\${i});
#endfor
  }
#for i in 4
  subgroupMatrixStore<row_major>(&y, (group.x * 4u + \${i}u) * \${M * N}u, s\${i}, \${N}u);
#endfor
}
`,
});

type MatrixConfig = Device['adapter']['subgroupMatrix'][number];

const [out, small] = process.argv.slice(2);
if (!out) throw new Error('usage: peaks.ts OUT [--small]');
const isSmall = small === '--small';
using device = await Device.open();
const found: Record<string, number | string> = {};
const note = (name: string, value: number | string): void => {
  found[name] = value;
  console.log(`${name}: ${typeof value === 'number' ? value.toPrecision(4) : value}`);
  writeFileSync(join(out ?? '', 'peaks.json'), `${JSON.stringify(found, undefined, 1)}\n`);
};

const { gflops, gbps, dispatchMicroseconds } = await measurePeaks(device, isSmall ? 0.02 : 0.1);
note('f32 GFLOP/s', gflops);
note('copy GB/s, read plus written', gbps);
note('one more dispatch in a submit, us', dispatchMicroseconds);
note('f16 GFLOP/s', device.adapter.f16 ? await peakHalves() : 'no f16');
if (device.adapter.subgroupMatrix.length === 0) note('subgroup matrix GFLOP/s', 'none offered');
for (const config of device.adapter.subgroupMatrix) {
  const name = `subgroup matrix ${config.M}x${config.N}x${config.K} ${config.componentType} to ${config.resultComponentType} GFLOP/s`;
  try {
    note(name, config.resultComponentType === 'f32' ? await peakMatrices(config) : 'not measured: its sums are not f32');
  } catch (error) {
    note(name, `failed: ${error instanceof Error ? error.message : String(error)}`);
    device.clearError();
  }
}
await costs();

/** Best milliseconds of `run` followed by a wait. */
async function best(run: () => void, samples = 8): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < samples; i += 1) {
    const start = performance.now();
    run();
    await device.synchronize();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

async function peakHalves(): Promise<number> {
  const threads = isSmall ? 1 << 12 : 1 << 19;
  const loops = isSmall ? 64 : 512;
  return await scope(async () => {
    const y = empty(device, [threads]);
    const ms = await best(() => halves.dispatch(device, { buffers: { y }, params: { loops, factor: 0 }, grid: [threads / 64] }));
    const value = (await y.data())[threads - 1];
    const expected = ((loops * 8) % 4) + 1;
    if (value !== expected) throw new Error(`the f16 kernel gave ${value}, not ${expected}`);
    return (threads * 4 * 4 * 8 * loops * 2) / ms / 1e6;
  });
}

async function peakMatrices({ componentType, M, N, K }: MatrixConfig): Promise<number> {
  const groups = isSmall ? 16 : 132 * 64;
  const loops = isSmall ? 16 : 2048;
  return await scope(async () => {
    const ones = full([Math.max(M, N) * K], 1, { device, dtype: componentType === 'f16' ? 'f16' : 'f32' });
    const y = zeros([groups * 4 * M * N], { device });
    const defines = { T: componentType, M, N, K, SG: device.subgroupSize };
    const ms = await best(() => matrices.dispatch(device, { buffers: { ones, y }, params: { loops }, grid: [groups], defines }));
    const value = (await y.data())[0];
    if (value !== K * loops) throw new Error(`the sum is ${value}, not ${K * loops}`);
    return (groups * 4 * M * N * K * loops * 2) / ms / 1e6;
  });
}

async function costs(): Promise<void> {
  const count = isSmall ? 20 : 200;
  const y = zeros([64], { device });
  const touch = (): void => void scope(() => void y.add(1));
  const submits = await best(() => {
    for (let i = 0; i < count; i += 1) {
      touch();
      device.flush();
    }
  });
  note('a submit of one dispatch, us', (submits * 1000) / count);
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    touch();
    const start = performance.now();
    await y.data();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  note('a read-back of 256 bytes, us: best', nth(times, 0) * 1000);
  note('a read-back of 256 bytes, us: median', nth(times, count >> 1) * 1000);
}
