/**
 * What an adapter can do at best, measured: multiply-adds, copying, and the cost of one more dispatch. The roof over every kernel's
 * numbers, and the heart of `pnpm doctor`. Every measured kernel's output is checked: a broken shader would be infinitely fast.
 */
import { arange, type Device, DeviceError, empty, grid1d, kernel, scope, type Tensor, view, zeros } from '@mudpt/tensor';

export interface Peaks {
  /** f32 multiply-adds in registers, counting two operations each, in GFLOP/s. */
  readonly gflops: number;
  /** Bytes read plus bytes written by a large copy, in GB/s. */
  readonly gbps: number;
  /** Time that one more small dispatch in a batch takes, in microseconds. */
  readonly dispatchMicroseconds: number;
}

/** Independent chains hide the multiply-adder's latency; more than three vectors of four would spill on CPUs with 16 registers. */
const CHAINS = 3;
const UNROLL = 8;

const multiplyAdd = kernel({
  name: 'peak-fma',
  params: { loops: 'u32', factor: 'f32', addend: 'f32' },
  source: `
@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let factor = vec4<f32>(params.factor);
  let addend = vec4<f32>(params.addend);
#for c in 0..${CHAINS}
  var x\${c} = vec4<f32>(f32(\${c}));
#endfor
  for (var i = 0u; i < params.loops; i++) {
#for u in 0..${UNROLL}
#for c in 0..${CHAINS}
    x\${c} = fma(x\${c}, factor, addend);
#endfor
#endfor
  }
  y[id.x] = vec4<f32>(x0.x, x1.y, x2.z, x0.w);
}
`,
});

/** WG threads copy PER vectors each, neighbours side by side. */
const copy = kernel({
  name: 'peak-copy',
  params: { count: 'u32' },
  source: `
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(\${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let base = (wid.x + wid.y * groups.x) * \${WG * PER}u + local;
  for (var i = 0u; i < \${PER}u; i++) {
    let index = base + i * \${WG}u;
    if (index < params.count) {
      y[index] = x[index];
    }
  }
}
`,
});

/** Shapes of the copy. GPUs like one vector a thread; on CPU adapters each workgroup costs, so long loops win by a factor of three. */
const COPY_SHAPES = [
  { WG: 64, PER: 1 },
  { WG: 64, PER: 64 },
  { WG: 8, PER: 64 },
];

const increment = kernel({
  name: 'peak-dispatch',
  source: `
@group(0) @binding(0) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  y[id.x] += 1.0;
}
`,
});

/**
 * Measures in about two seconds.
 *
 * @param seconds how long one timed batch should take at least; longer is steadier
 * @throws DeviceError when a kernel computes something wrong
 */
export async function measurePeaks(device: Device, seconds = 0.1): Promise<Peaks> {
  const gflops = await scope(async () => await peakMultiplyAdds(device, seconds));
  const gbps = await scope(async () => await peakCopy(device, seconds));
  const dispatchMicroseconds = await scope(async () => await dispatchCost(device, seconds));
  return { gflops, gbps, dispatchMicroseconds };
}

async function peakMultiplyAdds(device: Device, seconds: number): Promise<number> {
  const threads = device.adapter.kind === 'gpu' ? 1 << 19 : 1 << 14;
  const y = empty(device, [threads, 4], 'f32');
  const run = (loops: number) =>
    multiplyAdd.dispatch(device, { buffers: { y }, params: { loops, factor: 1, addend: 1 }, grid: [threads / 64] });
  // With a factor and an addend of 1 each chain counts the multiply-adds that really ran; the shader's compiler knows neither.
  const most = 2 ** 23 / UNROLL;
  const { amount, best } = await grow(device, seconds, 4, most, run);
  const counted = amount * UNROLL;
  await expectValues(
    'peak-fma',
    view(y, { shape: [8], strides: [1], offset: 4 * (threads - 2) }),
    (i) => counted + [0, 1, 2, 0][i % 4]!,
  );
  return (threads * 4 * CHAINS * counted * 2) / best / 1e9;
}

async function peakCopy(device: Device, seconds: number): Promise<number> {
  // Larger than any cache of its class, within what every adapter binds.
  const wanted = device.adapter.kind === 'gpu' ? 1 << 28 : 1 << 26;
  const bytes = Math.min(wanted, Math.floor(device.limits.maxStorageBufferBindingSize / 2));
  const count = Math.floor(bytes / 16);
  const x = arange(0, count * 4, 1, { device });
  let gbps = 0;
  for (const defines of COPY_SHAPES) {
    using y = zeros([count * 4], { device });
    const grid = grid1d(count, defines.WG * defines.PER);
    const run = (times: number) => {
      for (let i = 0; i < times; i++) copy.dispatch(device, { buffers: { x, y }, params: { count }, grid, defines });
    };
    const { amount, best } = await grow(device, seconds, 1, 1 << 12, run);
    gbps = Math.max(gbps, (2 * count * 16 * amount) / best / 1e9);
    const tail = count * 4 - 8;
    using end = view(y, { shape: [8], strides: [1], offset: tail });
    await expectValues('peak-copy', end, (i) => Math.fround(tail + i));
  }
  return gbps;
}

async function dispatchCost(device: Device, seconds: number): Promise<number> {
  const y = zeros([64], { device });
  let total = 0;
  const run = (times: number) => {
    for (let i = 0; i < times; i++) increment.dispatch(device, { buffers: { y }, grid: [1] });
    total += times;
  };
  const { amount, best } = await grow(device, seconds, 64, 1 << 16, run);
  await expectValues('peak-dispatch', y, () => total);
  return (best / amount) * 1e6;
}

/** Doubles the work until it takes `seconds`, then repeats it. @returns that amount and its best time in seconds */
async function grow(
  device: Device,
  seconds: number,
  start: number,
  most: number,
  run: (amount: number) => void,
): Promise<{ amount: number; best: number }> {
  const time = async (amount: number): Promise<number> => {
    const begin = performance.now();
    run(amount);
    await device.synchronize();
    return (performance.now() - begin) / 1000;
  };
  await time(start); // compiles
  let amount = start;
  let best = await time(amount);
  while (best < seconds && amount * 2 <= most) {
    amount *= 2;
    best = await time(amount);
  }
  for (let i = 0; i < 4; i++) best = Math.min(best, await time(amount));
  return { amount, best };
}

async function expectValues(name: string, tensor: Tensor, expected: (index: number) => number): Promise<void> {
  const values = await tensor.data();
  const wrong = [...values].findIndex((value, index) => value !== expected(index));
  if (wrong < 0) return;
  const problem = `element ${wrong} is ${values[wrong]}, not ${expected(wrong)}`;
  throw new DeviceError(name, problem, 'do not trust this adapter: update its driver, or choose another with --adapter');
}
