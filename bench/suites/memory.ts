/**
 * What a training step of MuDPT takes, from plans that are recorded and not run: device memory and work against classes C, images B, image
 * tokens T, prompt length n and depth L, at full size (ViT-B/16), with weights and activations of f16 too; and the same with its time on a small CLIP.
 */
import { type Clip, CLIP_CONFIGS, type ClipConfig, imageTokens, randomClip } from '@mudpt/clip';
import {
  bytesOfSize,
  describeRematerialization,
  type Rematerialization,
  heldBytes,
  KEEP_ALL,
  methodContext,
  methodNamed,
  type PromptMethod,
  RECOMPUTE,
  SELECTIVE,
  Stepper,
  type TextPath,
  type TrainingSettings,
} from 'mudpt';
import type { Device } from '@mudpt/tensor';
import { type Effort, type Row, summary, tell } from '../harness.ts';
import { PLAIN } from './ours.ts';
import { stepTimes } from './step-times.ts';
import { classNames } from './training.ts';

export const KEPT = 'everything kept';
export const RECOMPUTING = 'blocks computed twice';
export const PARTS = 'two passes in parts';

/** Where a step stands: classes, images, prompts per layer, layers with prompts. T belongs to the CLIP. */
type Point = { readonly C: number; readonly B: number; readonly n: number; readonly L: number };
export type Axis = keyof Point | 'T';

/** How a step runs: a rematerialization, or the one that a budget leads to. */
type Way = { readonly engine: string; readonly textPath: TextPath } & (
  | { readonly rematerialization: Rematerialization }
  | { readonly budget: string }
);

const FULL: readonly Way[] = [
  { engine: KEPT, textPath: 'auto', rematerialization: KEEP_ALL },
  { engine: 'half blocks computed twice', textPath: 'auto', rematerialization: SELECTIVE },
  { engine: RECOMPUTING, textPath: 'auto', rematerialization: RECOMPUTE },
  ...['2GiB', '1GiB', '768MiB'].map((budget): Way => ({ engine: `--memory ${budget}`, textPath: 'auto', budget })),
  { engine: PLAIN, textPath: 'full', rematerialization: KEEP_ALL },
];
/** With weights and activations in f16, where the adapter has it. */
const HALF: readonly Way[] = [
  { engine: `${KEPT}, f16`, textPath: 'auto', rematerialization: KEEP_ALL },
  { engine: 'half blocks computed twice, f16', textPath: 'auto', rematerialization: SELECTIVE },
  { engine: `${RECOMPUTING}, f16`, textPath: 'auto', rematerialization: RECOMPUTE },
];
const CURVES: readonly Way[] = [
  { engine: KEPT, textPath: 'auto', rematerialization: KEEP_ALL },
  { engine: RECOMPUTING, textPath: 'auto', rematerialization: RECOMPUTE },
  {
    engine: PARTS,
    textPath: 'auto',
    rematerialization: { text: { recompute: false, microBatches: 4 }, image: { recompute: false, microBatches: 4 } },
  },
];

const SMALL: ClipConfig = {
  embed: 64,
  image: { width: 128, heads: 2, layers: 6, hidden: 512, activation: 'quick_gelu', eps: 1e-5, size: 64, patch: 8 },
  text: { width: 128, heads: 2, layers: 6, hidden: 512, activation: 'quick_gelu', eps: 1e-5, context: 77, vocabulary: 49408 },
};

/** What a model is measured at: around `base`, one axis at a time; `sizes` are sides of its images. */
type Course = {
  readonly model: string;
  readonly config: ClipConfig;
  readonly base: Point;
  readonly axes: Readonly<Partial<Record<keyof Point, readonly number[]>>>;
  readonly sizes: readonly number[];
};

const FULL_SIZE: Course = {
  model: 'ViT-B/16',
  config: CLIP_CONFIGS['ViT-B/16'],
  base: { C: 100, B: 4, n: 2, L: 9 },
  axes: { C: [10, 30, 100, 300, 1000], B: [1, 2, 4, 8, 16], n: [2, 4, 8, 16], L: [1, 3, 6, 9, 12] },
  sizes: [112, 224, 336],
};
const SMALL_SIZE: Course = {
  model: 'small CLIP',
  config: SMALL,
  base: { C: 50, B: 4, n: 2, L: 4 },
  axes: { C: [10, 30, 100, 300], B: [1, 2, 4, 8, 16], n: [2, 4, 8, 16], L: [1, 2, 4, 6] },
  sizes: [32, 64, 96, 128],
};

/** Plans at full size. @param counts classes of the step that is measured in every way */
export async function memory(
  device: Device,
  { counts, quick }: { readonly counts: readonly number[]; readonly quick: boolean },
): Promise<Row[]> {
  const rows: Figures[] = [];
  const inEveryWay = async (clip: Clip, ways: readonly Way[]): Promise<void> => {
    for (const C of counts)
      for (const way of ways) rows.push(await measure(clip, { ...FULL_SIZE.base, C }, way, `MuDPT step ViT-B/16 B4 C${C}`));
  };
  {
    using clip = randomClip(FULL_SIZE.config, undefined, { device });
    await inEveryWay(clip, FULL);
  }
  if (device.hasF16) {
    using clip = randomClip(FULL_SIZE.config, undefined, { device, dtype: 'f16', activationDType: 'f16' });
    await inEveryWay(clip, HALF);
  }
  const all = quick ? rows : [...rows, ...(await along(device, FULL_SIZE, undefined))];
  return all.map((row) => ({ suite: 'memory', ...row }));
}

/** Plans and times of a small CLIP. @param options.quick the ends of the curves only */
export async function curves(device: Device, effort: Effort, { quick }: { readonly quick: boolean }): Promise<Row[]> {
  return (await along(device, quick ? endsOf(SMALL_SIZE) : SMALL_SIZE, effort)).map((row) => ({ suite: 'curves', ...row }));
}

function endsOf({ axes, sizes, ...course }: Course): Course {
  const ends = <T>(all: readonly T[]): readonly T[] => [...all.slice(0, 1), ...all.slice(-1)];
  return {
    ...course,
    axes: Object.fromEntries(Object.entries(axes).map(([axis, values]) => [axis, ends(values)])),
    sizes: ends(sizes),
  };
}

type Figures = Omit<Row, 'suite'>;

/** Along every axis. @param effort of times; undefined: there are none */
async function along(device: Device, course: Course, effort: Effort | undefined): Promise<Figures[]> {
  const { model, config, base, axes, sizes } = course;
  const rows: Figures[] = [];
  const add = async (clip: Clip, axis: Axis, value: number, point: Point): Promise<void> => {
    for (const way of CURVES) {
      const row = await measure(clip, point, way, `MuDPT step ${model}, ${axis}=${value}`, effort);
      rows.push({ ...row, extra: { ...row.extra, model, axis, value } });
    }
  };
  {
    using clip = randomClip(config, undefined, { device });
    for (const [axis, points] of Object.entries(axes) as [keyof Point, readonly number[]][])
      for (const value of points) await add(clip, axis, value, { ...base, [axis]: value });
  }
  for (const size of sizes) {
    const image = { ...config.image, size };
    using clip = randomClip({ ...config, image }, undefined, { device });
    await add(clip, 'T', imageTokens(image), base);
  }
  return rows;
}

/** A step's plan, and its time where `effort` is given. */
async function measure(clip: Clip, { C, B, n, L }: Point, way: Way, name: string, effort?: Effort): Promise<Figures> {
  const { device, config } = clip;
  tell(`  ${name}, ${way.engine}`);
  // What earlier steps left in the pool is none of this one's.
  await device.synchronize();
  device.trim();
  const names = { classNames: classNames(C), template: 'a photo of a {}.', seed: 1, textPath: way.textPath };
  const definition = methodNamed('mudpt');
  const method = definition.create(await methodContext(clip, names), { length: n, depth: L }) as PromptMethod;
  using stepper = new Stepper(device, method, definition.training?.parse({}) as TrainingSettings);
  try {
    const { size } = config.image;
    const images = [B, 3, size, size];
    const chosen =
      'rematerialization' in way
        ? way.rematerialization
        : stepper.choose({ bytes: bytesOfSize(way.budget) ?? 0, isAsked: true }, images).rematerialization;
    method.rematerialize(chosen);
    const plan = stepper.cost(images);
    const extra = {
      plan: describeRematerialization(chosen),
      'plan bytes': plan.bytes,
      'device bytes': heldBytes(device) + plan.bytes,
      dispatches: plan.dispatches,
    };
    const steps = { count: B, size, classes: C, lr: 0.0025 };
    const times = effort ? await stepTimes(device, stepper, { ...steps, most: effort.seconds * 250 }, effort) : [];
    const figures = effort ? summary(times) : { best: Number.NaN, median: Number.NaN };
    return { name, engine: way.engine, flops: plan.flops, ...figures, extra };
  } finally {
    method.dispose();
  }
}
