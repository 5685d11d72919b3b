/**
 * A training step of MuDPT (transformer injection, n = 2, L = 9) on ViT-B/16 with random weights: as the trainer runs it, captured and replayed, against
 * the published algorithm on this engine (77 rows for every class, nothing shared) and against the same in plain PyTorch.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SGD, lossAndGradients } from '@mudpt/autograd';
import { type Clip, CLIP_CONFIGS, randomClip } from '@mudpt/clip';
import {
  bytesOfSize,
  describeRematerialization,
  KEEP_ALL,
  methodContext,
  methodNamed,
  type PromptMethod,
  type Rematerialization,
  RECOMPUTE,
  Stepper,
  type TrainingSettings,
} from 'mudpt';
import { capture, type Captured, type Device, Tensor, tensor } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { checked, type Effort, errorOf, kernelTime, notMeasured, type Row, summary, tell, wake } from '../harness.ts';
import { values } from '../inputs.ts';
import { type Elapsed, stopwatch } from '@mudpt/testing/measure/stopwatch';
import { OURS, PLAIN } from './ours.ts';

const SUITE = 'training';
export const BATCH = 4;

/** How a step is run: a rematerialization, or the one that a budget leads to. */
type Way = { readonly engine: string; readonly textPath: 'auto' | 'full'; readonly memory: Rematerialization | string };

/** Device memory that a step with a thousand classes is to do with, and how much longer than one that keeps everything it may take. */
const BUDGET = '1GiB';
const MOST_TIMES = 1.3;

const OWN: Way = { engine: OURS, textPath: 'auto', memory: KEEP_ALL };
const PUBLISHED: Way = { engine: PLAIN, textPath: 'full', memory: KEEP_ALL };
const WITHIN: Way = { engine: `${OURS}, --memory ${BUDGET}`, textPath: 'auto', memory: BUDGET };
const HALF: Way = { engine: `${OURS}, f16`, textPath: 'auto', memory: KEEP_ALL };
/** How far the loss with weights and activations in f16 may be from that in f32, relative to it. */
const HALF_ERROR = 0.01;
const LEAN: Way = { engine: `${OURS}, recomputing`, textPath: 'auto', memory: RECOMPUTE };

const nameOf = (classes: number): string => `MuDPT step ViT-B/16 B${BATCH} C${classes}`;

/** Classes whose names have one to four words, as ImageNet's have. */
export function classNames(count: number): string[] {
  const [first, second] = [
    ['dog', 'golden retriever', 'fire engine', 'hot air balloon', 'daisy', 'sports car', 'espresso maker', 'mushroom'],
    ['red', 'old', 'small', 'striped', 'wooden', 'wild', 'plain', 'spotted'],
  ] as const;
  return Array.from({ length: count }, (_, i) => (i < 8 ? first[i % 8] : `${second[(i >> 3) % 8]} ${first[i % 8]}`) ?? 'thing');
}

/** @param counts class counts for this engine's own way; `plainCounts` those also run the published way */
export async function training(
  device: Device,
  effort: Effort,
  {
    counts,
    plainCounts,
    torch,
  }: { readonly counts: readonly number[]; readonly plainCounts: readonly number[]; readonly torch: boolean },
): Promise<Row[]> {
  const clip = randomClip(CLIP_CONFIGS['ViT-B/16'], undefined, { device });
  const rows: Row[] = [];
  const losses = new Map<number, number>();
  try {
    for (const classes of counts) {
      const ours = await run(device, clip, classes, OWN, effort);
      rows.push(ours.row);
      losses.set(classes, ours.loss);
      const isOver = ours.bytes > (bytesOfSize(BUDGET) ?? 0);
      const ways = [...(isOver ? [WITHIN] : []), LEAN, ...(plainCounts.includes(classes) ? [PUBLISHED] : [])];
      for (const way of ways) {
        const other = await run(device, clip, classes, way, effort);
        const error = errorOf([other.loss], [ours.loss]);
        const row = checked({ ...other.row, error });
        rows.push(way === WITHIN ? within(row, other.bytes, ours.row) : row);
      }
    }
  } finally {
    clip.dispose();
  }
  if (device.hasF16) rows.push(...(await halfRows(device, losses, effort)));
  return torch ? [...rows, ...(await torchRows(plainCounts))] : rows;
}

/** The step with weights and activations in f16, for the class counts of `losses`, which are what f32 gives. */
async function halfRows(device: Device, losses: ReadonlyMap<number, number>, effort: Effort): Promise<Row[]> {
  using clip = randomClip(CLIP_CONFIGS['ViT-B/16'], undefined, { device, dtype: 'f16', activationDType: 'f16' });
  const rows: Row[] = [];
  for (const [classes, expected] of losses) {
    const { row, loss } = await run(device, clip, classes, HALF, effort);
    rows.push(checked({ ...row, error: errorOf([loss], [expected]) }, HALF_ERROR));
  }
  return rows;
}

/** A row of a step within the budget: it says how long it takes beside one that keeps everything, and fails where it takes more memory. */
function within(row: Row, bytes: number, kept: Row): Row {
  const [time, of] = row.busy && kept.busy ? [row.busy, kept.busy] : [row.best, kept.best];
  const extra = { ...row.extra, 'times everything kept': (time / of).toFixed(3), asked: `at most ${MOST_TIMES} in ${BUDGET}` };
  const problem = bytes > (bytesOfSize(BUDGET) ?? 0) ? `takes ${bytes} bytes, more than ${BUDGET}` : row.problem;
  return { ...row, ...(problem && { problem }), extra };
}

type Run = {
  readonly row: Row;
  readonly loss: number;
  /** All device memory while it ran, pools included. */
  readonly bytes: number;
};

async function run(device: Device, clip: Clip, classes: number, way: Way, effort: Effort): Promise<Run> {
  const { textPath, memory, engine } = way;
  tell(`  ${nameOf(classes)}, ${engine}`);
  // What another way left in the pool is none of this one's memory.
  await device.synchronize();
  device.trim();
  using step = await mudptStep(clip, classes, { textPath, memory });
  const { replay, images, labels } = step;
  const loss = await replay({ images, labels }).item();
  const run = (): void => void replay({ images, labels });
  await wake(device, async () => {
    run();
    await device.synchronize();
  });
  const times: Elapsed[] = [];
  const start = performance.now();
  while (
    times.length < Math.min(2, effort.least) ||
    (times.length < effort.samples && performance.now() - start < effort.seconds * 1000)
  ) {
    const read = stopwatch(device);
    run();
    await device.synchronize();
    times.push(read());
  }
  const plan = nth(replay.plans, 0);
  const bytes = device.memory().totalBytes;
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const extra = {
    dispatches: plan.steps.length,
    'plan memory': mib(plan.bytes.planned),
    'device memory': mib(bytes),
    'device bytes': bytes,
    memory: describeRematerialization(step.rematerialization),
    'GFLOP a step': Math.round(plan.flops / 1e9),
    ...(device.adapter.kind === 'gpu' && device.adapter.timestamps && { kernels: await slowest(device, run) }),
  };
  const busy = await kernelTime(device, run, times);
  const row = { suite: SUITE, name: nameOf(classes), engine, flops: plan.flops, busy, extra };
  return { row: { ...row, ...summary(times.map(({ wall }) => wall)) }, loss, bytes };
}

/** A captured training step, with the inputs it was made for. */
export interface CapturedMudptStep extends Disposable {
  readonly replay: Captured<'images' | 'labels', Tensor>;
  readonly images: Tensor;
  readonly labels: Tensor;
  /** What of it is kept. */
  readonly rematerialization: Rematerialization;
}

/** The step of MuDPT with its published settings on {@link BATCH} images of noise, as the trainer runs it. */
export async function mudptStep(
  clip: Clip,
  classes: number,
  { textPath = 'auto', memory = KEEP_ALL }: Partial<Pick<Way, 'textPath' | 'memory'>> = {},
): Promise<CapturedMudptStep> {
  const { device } = clip;
  const context = await methodContext(clip, {
    classNames: classNames(classes),
    template: 'a photo of a {}.',
    seed: 1,
    textPath,
    ...(typeof memory === 'object' && { rematerialization: memory }),
  });
  const definition = methodNamed('mudpt');
  const method = definition.create(context, {}) as PromptMethod;
  const settings = definition.training?.parse({}) as TrainingSettings;
  const rematerialization =
    typeof memory === 'object' ? memory : await chosen(device, method, settings, memory, clip.config.image.size);
  const optimizer = new SGD([...method.learnable.values()], { lr: 0.0025, momentum: 0.9, weightDecay: 5e-4 });
  const { size } = clip.config.image;
  const images = tensor(values(BATCH * 3 * size * size, 1), { shape: [BATCH, 3, size, size], device });
  const labels = tensor(
    Int32Array.from({ length: BATCH }, (_, i) => i % classes),
    { device },
  );
  const replay = capture((inputs: { readonly images: Tensor; readonly labels: Tensor }): Tensor => {
    const { value, gradients } = lossAndGradients(() => method.loss(inputs.images, inputs.labels));
    optimizer.step(gradients);
    return value.loss;
  });
  return {
    replay,
    images,
    labels,
    rematerialization,
    [Symbol.dispose]() {
      replay.dispose();
      optimizer.dispose();
      method.dispose();
      images.dispose();
      labels.dispose();
    },
  };
}

/** What training would keep within a budget; the method is set to it. */
async function chosen(
  device: Device,
  method: PromptMethod,
  settings: TrainingSettings,
  budget: string,
  size: number,
): Promise<Rematerialization> {
  const stepper = new Stepper(device, method, settings);
  try {
    return stepper.choose({ bytes: bytesOfSize(budget) ?? 0, isAsked: true }, [BATCH, 3, size, size]).rematerialization;
  } finally {
    stepper.dispose();
    // The step under test has an optimizer of its own.
    await device.synchronize();
    device.trim();
  }
}

/** The kernels that a run spends most of its time in, with calls and milliseconds. */
async function slowest(device: Device, run: () => void): Promise<string> {
  const profile = await device.profile(run);
  const lines = profile.kernels().slice(0, 12);
  return lines
    .map(({ kernel, calls, ms, gflops }) => `${kernel} ${calls} x ${ms.toFixed(2)} ms ${gflops.toFixed(0)} GFLOP/s`)
    .join('; ');
}

/** A line that torch_step.py prints; times in seconds. */
type TorchLine = { classes: number; best: number; median: number; torch: string; peakBytes: number };

/** The same step in PyTorch, where a python3 with torch is found; a row that says why otherwise. */
async function torchRows(counts: readonly number[]): Promise<Row[]> {
  const script = fileURLToPath(new URL('../peers/torch_step.py', import.meta.url));
  let problem = '';
  tell(`  ${counts.map(nameOf).join(' and ')}, PyTorch`);
  for (const python of ['python3', '/usr/bin/python3']) {
    try {
      const { stdout } = await promisify(execFile)(python, [script, String(BATCH), '2', ...counts.map(String)]);
      return stdout
        .trim()
        .split('\n')
        .map((line): Row => {
          const { classes, best, median, torch, peakBytes } = JSON.parse(line) as TorchLine;
          const extra = { 'process memory': `${(peakBytes / 2 ** 20).toFixed(0)} MiB` };
          return {
            suite: SUITE,
            name: nameOf(classes),
            engine: `PyTorch ${torch} CPU`,
            best: best * 1000,
            median: median * 1000,
            extra,
          };
        });
    } catch (error) {
      problem = error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error);
    }
  }
  return counts.map((classes) => notMeasured({ suite: SUITE, name: nameOf(classes), engine: 'PyTorch CPU' }, problem));
}
