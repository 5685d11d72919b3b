/** The stage of a run that learns: prompts by the trainer, methods on features by fitting. */
import type { Item } from '../../data/index.ts';
import type { FeatureMethod, Method, PromptMethod, TrainingSettings } from '../../methods/index.ts';
import type { Budget } from '../../memory/choice.ts';
import { countLearnt, fitFeatures } from '../../train/fit.ts';
import { Stepper } from '../../train/step.ts';
import { stepShape } from '../../train/step-inputs.ts';
import { trainPrompts } from '../../train/trainer.ts';
import type { NewClasses } from '../../train/trainer-options.ts';
import { lengthOf, updatesOf } from '../../train/updates.ts';
import type { FeatureStore } from '../material/feature-store.ts';
import { InputError } from '@mudpt/tensor';
import { classContext } from '../../method/class-context.ts';
import { openRunData } from '../material/run-data.ts';
import { RunRecorder } from './recorder.ts';
import { forwardOptions, type SessionParts, type Stage } from './stage.ts';

/** @throws InputError naming the smallest budget that works, when one was asked for and is too small */
export function expectBudget({ base, config, dataset }: SessionParts, method: PromptMethod, budget: Budget): void {
  if (!budget.isAsked) return;
  const settings = config.training as TrainingSettings;
  const count = dataset.splits.train.length;
  const { group } = updatesOf(count, settings.batchSize, config.accumulate);
  const { size } = base.clip.config.image;
  using stepper = new Stepper(base.clip.device, method, settings, group);
  stepper.choose(budget, stepShape(method, Math.min(settings.batchSize, count), size));
}

/**
 * The test images of the classes that are not trained on, where the run looks at them after each epoch.
 * @throws MethodError for a method that cannot classify them; InputError where they have no test images
 */
export async function newClassesOf({ config, given }: SessionParts, method: Method): Promise<NewClasses | undefined> {
  if (!config.newEachEpoch || method.kind !== 'prompts' || config.imported) return undefined;
  const dataset = await openRunData(config, 'new', given);
  const { name, splits } = dataset;
  if (splits.test.length === 0)
    throw new InputError('newEachEpoch', `the new classes of ${name} have no test pictures`, 'leave it out, or give them some');
  const context = classContext(dataset);
  method.forContext(context).dispose();
  return { context, items: splits.test };
}

/** Trains prompts, from the run's checkpoint where it has one. @returns whether it was asked to stop on the way */
export async function trainMethod(
  stage: Stage,
  method: PromptMethod,
  train: readonly Item[],
  newClasses: NewClasses | undefined,
): Promise<boolean> {
  const { folder, config, dataset, base, resume, options, marks, lock, loader, budget, summary } = stage;
  const { observer, signal } = options;
  const settings = config.training as TrainingSettings;
  const { isStopped, ...reached } = await trainPrompts({
    clip: base.clip,
    method,
    loader,
    train,
    val: dataset.splits.val,
    newClasses,
    settings,
    loop: config,
    budget,
    recorder: new RunRecorder({
      folder,
      marks,
      resume: resume !== undefined,
      tensorboard: config.tensorboard,
      keepEpochs: config.keepEpochs,
      expectWriter: () => lock.expectHeld(),
    }),
    signal,
    onChoice: observer?.onChoice?.bind(observer),
    onProgress: observer?.onProgress?.bind(observer),
    onEpoch: observer?.onEpoch?.bind(observer),
  });
  await summary.note({ training: { ...reached, epochs: lengthOf(settings, reached.stepsPerEpoch).epochs } });
  return isStopped;
}

/** Fits a method to features, from the sets that the run's folder has. */
export async function fitMethod(stage: Stage, method: FeatureMethod, train: readonly Item[], store: FeatureStore): Promise<void> {
  const { base, dataset, resume, options, loader, summary } = stage;
  if (!resume) await store.clear();
  const { report, seconds } = await fitFeatures({
    clip: base.clip,
    method,
    loader,
    train,
    val: dataset.splits.val,
    keeper: store,
    frozen: stage.frozen,
    forward: (what, total) => forwardOptions(stage, what, total),
  });
  for (const remark of report.remarks) options.observer?.onNote?.(remark);
  const { training, method: facts } = summary.current;
  await summary.note({
    method: { ...facts, parameters: countLearnt(method), fit: report },
    training: { ...training, seconds, peakBytes: base.clip.device.memory().peakBytes },
  });
}
