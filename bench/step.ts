/**
 * What a training step costs the host: `node scripts/launch.mjs tsx bench/step.ts [layers] [width] [tokens] [steps]`.
 *
 * A stack of frozen transformer blocks with a learnt input, forward and backward, eager and captured, against bare loops that set a
 * pipeline and a bind group, dispatch and submit as often. Run it on a calm machine; host times are medians.
 */
import { capture, Device, mseLoss, tensor, type Tensor, zeros } from '@mudpt/tensor';
import { AdamW, parameter, randomFrom, TransformerBlock, valueAndGrad } from '@mudpt/autograd';

const [layers = 12, width = 64, tokens = 16, steps = 20] = process.argv.slice(2).map(Number);

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Host milliseconds of `body`; the device is idle before each call. */
async function hostTime(device: Device, body: () => void): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < steps + 3; i += 1) {
    await device.synchronize();
    const start = performance.now();
    body();
    device.flush();
    times.push(performance.now() - start);
  }
  await device.synchronize();
  return median(times.slice(3));
}

/** As many empty dispatches as a step has, recorded by hand. */
async function bareTime(device: Device, dispatches: number): Promise<number> {
  const { gpu } = device;
  const module = gpu.createShaderModule({
    code: '@group(0) @binding(0) var<storage, read_write> x: array<f32>; @compute @workgroup_size(1) fn main() { x[0] = 1.0; }',
  });
  const pipeline = await gpu.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  const buffer = gpu.createBuffer({ size: 16, usage: 0x80 });
  const group = gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] });
  const time = await hostTime(device, () => {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < dispatches; i += 1) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(1);
    }
    pass.end();
    gpu.queue.submit([encoder.finish()]);
  });
  buffer.destroy();
  return time;
}

const device = await Device.open();
const random = randomFrom(1);
const blocks = Array.from({ length: layers }, () => new TransformerBlock({ width, heads: width / 32, device, random }).freeze());
const x = parameter(tensor(Float32Array.from({ length: tokens * width }, random), { shape: [1, tokens, width], device }));
const target = zeros([1, tokens, width], { device });
const optimizer = new AdamW([x], { lr: 1e-3 });

const step = (): Tensor => {
  const { value, gradients } = valueAndGrad(() => {
    let h: Tensor = x;
    for (const block of blocks) {
      const next = block.forward(h);
      if (h !== x) h.dispose();
      h = next;
    }
    using last = h;
    return mseLoss(last, target);
  });
  optimizer.step(gradients);
  gradients.dispose();
  return value;
};

const before = device.counters();
step().dispose();
await device.synchronize();
const first = device.counters();
const eager = await hostTime(device, () => step().dispose());
const { peakBytes } = device.memory();

const captured = capture(step, { device });
captured({});
await device.synchronize();
const submitsBefore = device.counters().submits;
captured({});
const submits = device.counters().submits - submitsBefore;
const bytesBefore = device.memory().totalBytes;
const replayed = await hostTime(device, () => captured({}));
const grown = device.memory().totalBytes - bytesBefore;
const [plan] = captured.plans;
const dispatches = plan?.steps.length ?? 0;
const bare = await bareTime(device, dispatches);

console.log(`adapter           ${device.adapter.name}`);
console.log(`stack             ${layers} frozen blocks, width ${width}, ${tokens} tokens`);
console.log(`eager step        ${eager.toFixed(2)} ms host, ${first.dispatches - before.dispatches} dispatches`);
console.log(
  `replayed step     ${replayed.toFixed(3)} ms host, ${dispatches} dispatches, ${submits} submits, ${grown} bytes allocated`,
);
console.log(
  `bare loop         ${bare.toFixed(3)} ms host for as many dispatches; replayed is ${(replayed / bare).toFixed(2)} times that`,
);
console.log(`per block         ${((dispatches - 6) / layers).toFixed(1)} dispatches, forward and backward`);
console.log(`pipelines         ${device.counters().pipelines}`);
console.log(
  `peak memory       ${(peakBytes / 2 ** 20).toFixed(1)} MiB eager; plan ${((plan?.bytes.planned ?? 0) / 2 ** 20).toFixed(1)} MiB`,
);

captured.dispose();
optimizer.dispose();
for (const block of blocks) block.dispose();
for (const t of [x, target]) t.dispose();
device.dispose();
