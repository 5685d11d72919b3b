/**
 * Measured peaks of an adapter: multiply-adds, copying, and the cost of one more dispatch. The roof over every kernel's
 * numbers, and the heart of `pnpm adapters`. Every measured kernel's output is checked: a broken shader would be infinitely fast.
 */
import { arange, type Device, DeviceError, empty, scope, type Tensor, zeros } from '@mudpt/tensor';
import { grid1d, kernel, view } from '@mudpt/tensor/kernels';
import { type Elapsed, stopwatch } from './stopwatch.ts';

export interface Peaks {
  /**
   * f32 multiply-adds in registers, counting two operations each, in GFLOP/s. On CPU adapters of all cores, were they free: from processor time, so
   * that it is the same on a busy machine.
   */
  readonly gflops: number;
  /** Bytes read plus bytes written by a large copy, in GB/s. */
  readonly gbps: number;
  /** Time that one more small dispatch in a batch takes, in microseconds. */
  readonly dispatchMicroseconds: number;
}

/**
 * CHAINS vectors of four are multiplied and added to their neighbour, UNROLL times a loop. Chains hide the latency of the multiply-adder; too many spill.
 * Every step needs the one before it of two chains, which keeps compilers from computing chain after chain (LLVM would, two at a time, and waits for
 * each), and every value reaches the output, so none is optimised away. Which shape is fastest is the adapter's affair.
 */
export const FMA_SHAPES: readonly FmaShape[] = [
  { CHAINS: 4, UNROLL: 9 },
  { CHAINS: 3, UNROLL: 16 },
];

export type FmaShape = { readonly CHAINS: number; readonly UNROLL: number };

const multiplyAdd = kernel({
  name: 'peak-fma',
  params: { loops: 'u32', factor: 'f32' },
  source: `
@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let factor = vec4<f32>(params.factor);
#for c in 0..CHAINS
  var x\${c} = vec4<f32>(\${c + 1}.0, \${c + 1}.25, \${c + 1}.5, \${c + 1}.75);
#endfor
  var i = 0u;
  for (; i < params.loops; i++) {
#for u in 0..UNROLL
    let first\${u} = x0;
#for c in 0..CHAINS
    x\${c} = fma(x\${c}, factor, \${c + 1 == CHAINS ? "first" : "x"}\${c + 1 == CHAINS ? u : c + 1});
#endfor
#endfor
  }
  y[id.x] = vec4<f32>(x0.x, x1.y, x2.z, x0.w) + f32(i);
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
 * @param seconds four timed batches take about this long, and there are sixteen of each kind; longer is steadier
 * @throws DeviceError when a kernel computes something wrong
 */
export async function measurePeaks(device: Device, seconds = 0.1): Promise<Peaks> {
  const gflops = await scope(async () => await peakMultiplyAdds(device, seconds));
  const gbps = await scope(async () => await peakCopy(device, seconds));
  const dispatchMicroseconds = await scope(async () => await dispatchCost(device, seconds));
  return { gflops, gbps, dispatchMicroseconds };
}

/** Runs `loops` loops of multiply-adds in each of y's rows of four. With a factor of 0, unknown to compilers, every step hands values down one chain. */
export function multiplyAdds(device: Device, y: Tensor, shape: FmaShape, loops: number): void {
  const threads = y.size / 4;
  multiplyAdd.dispatch(device, { buffers: { y }, params: { loops, factor: 0 }, grid: [threads / 64], defines: shape });
}

/** Element `index` of what {@link multiplyAdds} writes: which chain's value arrived, and how many loops were counted. */
export function expectedSum({ CHAINS, UNROLL }: FmaShape, loops: number, index: number): number {
  const component = index % 4;
  const chain = ([0, 1, 2, 0][component]! + loops * UNROLL) % CHAINS;
  return chain + 1 + component / 4 + loops;
}

async function peakMultiplyAdds(device: Device, seconds: number): Promise<number> {
  const threads = device.adapter.kind === 'gpu' ? 1 << 19 : 1 << 13;
  const y = empty(device, [threads, 4], 'f32');
  let gflops = 0;
  for (const shape of FMA_SHAPES) {
    // Loops are counted in f32.
    const { amount, busy } = await grow(device, seconds, 4, 2 ** 20, (loops) => multiplyAdds(device, y, shape, loops));
    const end = view(y, { shape: [8], strides: [1], offset: 4 * (threads - 2) });
    await expectValues('peak-fma', end, (i) => expectedSum(shape, amount, i));
    gflops = Math.max(gflops, (threads * 4 * shape.CHAINS * shape.UNROLL * amount * 2) / busy / 1e6);
  }
  return gflops;
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
    const { amount, busy } = await grow(device, seconds, 1, 1 << 12, run);
    gbps = Math.max(gbps, (2 * count * 16 * amount) / busy / 1e6);
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
  const { amount, wall } = await grow(device, seconds, 64, 1 << 16, run);
  await expectValues('peak-dispatch', y, () => total);
  return (wall / amount) * 1000;
}

/** Samples of one measurement. Short ones and many: some fall where the machine did nothing else. */
const SAMPLES = 16;

/** Doubles the work until it takes `seconds` / 4, then repeats it. @returns that amount and its best times in milliseconds */
async function grow(
  device: Device,
  seconds: number,
  start: number,
  most: number,
  run: (amount: number) => void,
): Promise<{ amount: number; wall: number; busy: number }> {
  const time = async (amount: number): Promise<Elapsed> => {
    const read = stopwatch(device);
    run(amount);
    await device.synchronize();
    return read();
  };
  await time(start); // compiles
  let amount = start;
  let best = await time(amount);
  while (best.busy < seconds * 250 && amount * 2 <= most) {
    amount *= 2;
    best = await time(amount);
  }
  for (let i = 1; i < SAMPLES; i++) {
    const { wall, busy } = await time(amount);
    best = { wall: Math.min(best.wall, wall), busy: Math.min(best.busy, busy) };
  }
  return { amount, ...best };
}

async function expectValues(name: string, tensor: Tensor, expected: (index: number) => number): Promise<void> {
  const values = await tensor.data();
  const wrong = [...values].findIndex((value, index) => value !== expected(index));
  if (wrong < 0) return;
  const problem = `element ${wrong} is ${values[wrong]}, not ${expected(wrong)}`;
  throw new DeviceError(name, problem, 'do not trust this adapter: update its driver, or choose another with --adapter');
}
