/** A training step of every method that learns in the towers, as the trainer runs it, on one CLIP with random weights: time, work, memory, parameters. */
import { type Clip, CLIP_CONFIGS, type ClipConfig, randomClip } from '@mudpt/clip';
import {
  heldBytes,
  type MethodContext,
  methodContext,
  methodNamed,
  methodNames,
  type PromptMethod,
  Stepper,
  type TrainingSettings,
} from 'mudpt';
import type { Device } from '@mudpt/tensor';
import { frozenClip, teacherOf } from '../../packages/mudpt/src/prompts/frozen.ts';
import { type Effort, type Row, summary, tell } from '../harness.ts';
import { stepTimes } from './step-times.ts';
import { classNames } from './training.ts';

const BATCH = 4;
/** What other methods are compared with. */
const REFERENCE = 'mudpt';

/** The models of the steps; `teacher` is that of methods that learn from a larger one. */
export type MethodModels = Readonly<Record<'student' | 'teacher', { readonly name: string; readonly config: ClipConfig }>>;

const MODELS: MethodModels = {
  student: { name: 'ViT-B/16', config: CLIP_CONFIGS['ViT-B/16'] },
  teacher: { name: 'ViT-L/14', config: CLIP_CONFIGS['ViT-L/14'] },
};

export type MethodsOptions = {
  /** Classes of the step. */
  readonly classes: number;
  /** Methods to measure beside MuDPT. Default: all that learn in the towers. */
  readonly names?: readonly string[] | undefined;
  readonly models?: MethodModels | undefined;
};

/** Methods whose steps are measured. */
export function learners(): string[] {
  return methodNames().filter((name) => methodNamed(name).training !== undefined);
}

export async function methods(
  device: Device,
  effort: Effort,
  { classes, names = learners(), models = MODELS }: MethodsOptions,
): Promise<Row[]> {
  using clip = randomClip(models.student.config, undefined, { device });
  const rows: Row[] = [];
  for (const name of [REFERENCE, ...names.filter((one) => one !== REFERENCE)])
    rows.push(await measure(clip, name, classes, models, effort));
  const reference = rows[0];
  return rows.map((row) => ({
    ...row,
    extra: { ...row.extra, 'time relative to MuDPT': (row.best / (reference?.best ?? Number.NaN)).toFixed(2) },
  }));
}

/** The context with a frozen model of random weights as the teacher; the method disposes it. */
async function withTeacher(context: MethodContext, { name, config }: MethodModels['teacher']): Promise<MethodContext> {
  const { device, classNames: names, template } = context;
  const before = heldBytes(device);
  const clip = randomClip(config, undefined, { device });
  const method = frozenClip(await methodContext(clip, { classNames: names, template, seed: 1 }));
  const bytes = heldBytes(device) - before;
  return { ...context, teacher: teacherOf(name, method, { embed: config.embed, bytes, release: () => clip.dispose() }) };
}

async function measure(clip: Clip, name: string, classes: number, models: MethodModels, effort: Effort): Promise<Row> {
  const { device, config } = clip;
  const definition = methodNamed(name);
  tell(`  ${definition.title}`);
  // What the method before left in the pool is none of this one's.
  await device.synchronize();
  device.trim();
  const plain = await methodContext(clip, { classNames: classNames(classes), template: 'a photo of a {}.', seed: 1 });
  const context = definition.needsTeacher ? await withTeacher(plain, models.teacher) : plain;
  const method = definition.create(context, {}) as PromptMethod;
  using stepper = new Stepper(device, method, definition.training?.parse({}) as TrainingSettings);
  try {
    const { size } = config.image;
    const plan = stepper.cost([BATCH, 3, size, size]);
    const { views } = method;
    const times = await stepTimes(
      device,
      stepper,
      // A rate so small that ten steps from noise cannot diverge.
      { count: BATCH, size, classes, views, lr: 1e-6, most: effort.seconds * 1000 },
      effort,
    );
    const { statistics = [] } = method.spec;
    const learnt = [...method.learnable].filter(([key]) => !statistics.includes(key));
    const parameters = learnt.reduce((sum, [, tensor]) => sum + tensor.size, 0);
    return {
      suite: 'methods',
      name: `step ${models.student.name} B${BATCH} C${classes}, ${definition.title}${definition.needsTeacher ? ` of ${models.teacher.name}` : ''}`,
      engine: 'mudpt',
      flops: plan.flops,
      ...summary(times),
      extra: {
        method: name,
        parameters,
        dispatches: plan.dispatches,
        'plan bytes': plan.bytes,
        'device bytes': heldBytes(device) + plan.bytes,
      },
    };
  } finally {
    method.dispose();
  }
}
