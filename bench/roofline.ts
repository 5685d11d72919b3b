/**
 * `pnpm bench:roofline [CLASSES]`: the least time that a MuDPT step on ViT-B/16 can take on some GPUs, family by family: arithmetic at the peak of
 * f32, bytes at the bandwidth of the memory, whichever is longer, and the launches. The plan is recorded, nothing is run.
 */
import { lossAndGradients, SGD } from '@mudpt/autograd';
import { CLIP_CONFIGS, randomClip } from '@mudpt/clip';
import { methodContext, methodNamed, type PromptMethod } from 'mudpt';
import { capture, Device, type Tensor, tensor } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { classNames } from './suites/training.ts';
import { familyOf, GPUS, leastTime, type Work } from './roofline-model.ts';

const BATCH = 4;
const [classes = 100] = process.argv.slice(2).map(Number);
using device = await Device.open();
using clip = randomClip(CLIP_CONFIGS['ViT-B/16'], undefined, { device });
const context = await methodContext(clip, { classNames: classNames(classes), template: 'a photo of a {}.', seed: 1 });
const method = methodNamed('mudpt').create(context, {}) as PromptMethod;
const optimizer = new SGD([...method.learnable.values()], { lr: 0.0025, momentum: 0.9, weightDecay: 5e-4 });
const { size } = clip.config.image;
using images = tensor(new Float32Array(BATCH * 3 * size * size), { shape: [BATCH, 3, size, size], device });
using labels = tensor(new Int32Array(BATCH), { device });
const replay = capture((inputs: { readonly images: Tensor; readonly labels: Tensor }): Tensor => {
  const { value, gradients } = lossAndGradients(() => method.loss(inputs.images, inputs.labels));
  optimizer.step(gradients);
  return value.loss;
});
await replay({ images, labels }).item();

const families = new Map<string, Work>();
for (const command of nth(replay.plans, 0).commands) {
  if (command.kind !== 'dispatch') continue;
  const family = familyOf(command.entry.label);
  const { launches, flops, bytes } = families.get(family) ?? { launches: 0, flops: 0, bytes: 0 };
  families.set(family, { launches: launches + 1, flops: flops + command.flops, bytes: bytes + command.bytes });
}
const rows = [...families].toSorted(([, a], [, b]) => leastTime(b, GPUS[0]) - leastTime(a, GPUS[0]));
const total = rows.reduce<Work>(
  (sum, [, { launches, flops, bytes }]) => ({
    launches: sum.launches + launches,
    flops: sum.flops + flops,
    bytes: sum.bytes + bytes,
  }),
  { launches: 0, flops: 0, bytes: 0 },
);
const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const cellsOf = (name: string, work: Work, times: readonly number[]): string[] => [
  name,
  String(work.launches),
  (work.flops / 1e9).toFixed(1),
  (work.bytes / 1e6).toFixed(0),
  ...times.map((time) => time.toFixed(2)),
];
console.log(`MuDPT step, ViT-B/16, B = ${BATCH}, C = ${classes}; plan of ${device.adapter.name}\n`);
console.log(line(['family', 'launches', 'GFLOP', 'MB', ...GPUS.map(({ name }) => `${name}, ms`)]));
console.log(line(['---', '---:', '---:', '---:', ...GPUS.map(() => '---:')]));
for (const [family, work] of rows)
  console.log(
    line(
      cellsOf(
        family,
        work,
        GPUS.map((gpu) => leastTime(work, gpu)),
      ),
    ),
  );
console.log(
  line(
    cellsOf(
      'sum',
      total,
      GPUS.map((gpu) => rows.reduce((sum, [, work]) => sum + leastTime(work, gpu), 0)),
    ),
  ),
);
replay.dispose();
optimizer.dispose();
method.dispose();
