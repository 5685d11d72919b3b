/** A training step of every method that learns in the towers, as the trainer runs it, on one CLIP with random weights: time, work, memory, parameters. */
import { type Clip, CLIP_CONFIGS, randomClip } from '@mudpt/clip';
import { heldBytes, methodContext, methodNamed, methodNames, type PromptMethod, Stepper, type TrainingSettings } from 'mudpt';
import type { Device } from '@mudpt/tensor';
import { type Effort, type Row, summary, tell } from '../harness.ts';
import { stepTimes } from './step-times.ts';
import { classNames } from './training.ts';

const BATCH = 4;
/** What other methods are compared with. */
const REFERENCE = 'mudpt';

/** @param options.classes classes of the step */
export async function methods(device: Device, effort: Effort, { classes }: { readonly classes: number }): Promise<Row[]> {
  using clip = randomClip(CLIP_CONFIGS['ViT-B/16'], undefined, { device });
  const learners = methodNames().filter((name) => methodNamed(name).training !== undefined && !methodNamed(name).needsTeacher);
  const rows: Row[] = [];
  for (const name of [REFERENCE, ...learners.filter((one) => one !== REFERENCE)])
    rows.push(await measure(clip, name, classes, effort));
  const reference = rows[0];
  return rows.map((row) => ({
    ...row,
    extra: { ...row.extra, 'time relative to MuDPT': (row.median / (reference?.median ?? Number.NaN)).toFixed(2) },
  }));
}

async function measure(clip: Clip, name: string, classes: number, effort: Effort): Promise<Row> {
  const { device, config } = clip;
  const definition = methodNamed(name);
  tell(`  ${definition.title}`);
  // What the method before left in the pool is none of this one's.
  await device.synchronize();
  device.trim();
  const context = await methodContext(clip, { classNames: classNames(classes), template: 'a photo of a {}.', seed: 1 });
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
    const parameters = [...method.learnable.values()].reduce((sum, tensor) => sum + tensor.size, 0);
    return {
      suite: 'methods',
      name: `step ViT-B/16 B${BATCH} C${classes}, ${definition.title}`,
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
