/**
 * `pnpm bench:roofline [CLASSES]`: the least time that a MuDPT step on ViT-B/16 can take on some GPUs, family by family: arithmetic at the peak of
 * f32, bytes at the bandwidth of the memory, whichever is longer, and the launches. The plan is that of one step, which is run once.
 */
import { CLIP_CONFIGS, randomClip } from '@mudpt/clip';
import { Device } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { BATCH, mudptStep } from './suites/training.ts';
import { familyOf, GPUS, leastTime, type Work } from './roofline-model.ts';

const [classes = 100] = process.argv.slice(2).map(Number);
using device = await Device.open();
using clip = randomClip(CLIP_CONFIGS['ViT-B/16'], undefined, { device });
using step = await mudptStep(clip, classes);
const { replay, images, labels } = step;
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
