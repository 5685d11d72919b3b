/** How long a run would take and how much memory it would hold, measured on two steps of it. */
import type { Clip } from '@mudpt/clip';
import type { Device } from '@mudpt/tensor';
import type { BatchLoader, Item } from '../../data/index.ts';
import type { PromptMethod, TrainingSettings } from '../../methods/index.ts';
import { fitToModel } from '../settings/config.ts';
import { loadConfig } from '../settings/config-plugins.ts';
import type { RunConfig, TrainInput } from '../settings/settings.ts';
import { countLearnt } from '../../train/fit.ts';
import { budgetOf } from '../../memory/budget.ts';
import type { Budget, StepChoice } from '../../memory/choice.ts';
import { openModel } from '../material/model.ts';
import { createMethod, runLoader } from '../material/prepare.ts';
import { expectTrainable, openRunData, separateData } from '../material/run-data.ts';
import { imageFeatures } from '../../evaluation/image-features.ts';
import { predictImages } from '../../evaluation/predict.ts';
import { evaluationBatch } from '../../memory/evaluation-batch.ts';
import { Stepper } from '../../train/step.ts';
import { StepInputs, stepShape } from '../../train/step-inputs.ts';
import { lengthOf, updatesOf } from '../../train/updates.ts';

/** What a run would take. */
export interface Estimate {
  readonly classes: number;
  readonly trainImages: number;
  readonly testImages: number;
  /** Numbers that are learnt. */
  readonly parameters: number;
  /** Updates of the whole run. */
  readonly updates: number;
  readonly secondsPerUpdate: number;
  /** Zero-shot and tuned evaluation together. */
  readonly evaluationSeconds: number;
  readonly trainingSeconds: number;
  /** GPU memory the run would hold at most. */
  readonly bytes: number;
  /** How a step would run; undefined for methods on features. */
  readonly choice: StepChoice | undefined;
}

/** Steps that are timed, after one that compiles. */
const TIMED = 2;

/**
 * Opens everything as a run would, times two steps and one batch of evaluation, and extrapolates. Writes nothing.
 * @throws InputError, FormatError, MethodError for whatever would stop the run
 */
export async function estimateRun(asked: TrainInput, device: Device): Promise<Estimate> {
  const { input, given } = separateData(asked);
  const resolved = await loadConfig(input);
  const dataset = await openRunData(resolved, resolved.classes, given);
  expectTrainable(dataset);
  const base = await openModel(resolved, device);
  const { config } = fitToModel(resolved, input, base.clip.config);
  const method = await createMethod(base.clip, config, dataset);
  const loader = runLoader(base.clip, config, method);
  try {
    const { train, test } = dataset.splits;
    const budget = budgetOf(config.memory, device);
    const batch = evaluationBatch(base.clip, config.evaluationBatch, method, budget);
    const few = test.slice(0, batch);
    const features = () => imageFeatures(base.clip, loader, few, { batch });
    (await features()).features.dispose();
    const plain = await timed(device, async () => (await features()).features.dispose());
    const passes = Math.ceil(test.length / batch);
    const facts = {
      classes: dataset.classNames.length,
      trainImages: train.length,
      testImages: test.length,
      parameters: countLearnt(method),
    };
    if (method.kind === 'features') {
      const encoded = train.length * (1 + method.augmentedPasses) + dataset.splits.val.length;
      const trainingSeconds = (plain * encoded) / Math.max(1, few.length);
      const { peakBytes: bytes } = device.memory();
      const evaluationSeconds = plain * passes;
      return { ...facts, updates: 0, secondsPerUpdate: 0, evaluationSeconds, trainingSeconds, bytes, choice: undefined };
    }
    const prompted = await timed(device, () => predictImages(base.clip, method, loader, few, { batch }));
    const steps = await timedSteps({ clip: base.clip, method, loader, config, train, budget, batch });
    return { ...facts, ...steps, evaluationSeconds: (plain + prompted) * passes, bytes: device.memory().peakBytes };
  } finally {
    method.dispose();
    await loader.close();
    base.clip.dispose();
  }
}

interface StepParts {
  readonly clip: Clip;
  readonly method: PromptMethod;
  readonly loader: BatchLoader;
  readonly config: RunConfig;
  readonly train: readonly Item[];
  readonly budget: Budget;
  /** Images of an evaluation that go through the model at once. */
  readonly batch: number;
}

type StepTimes = Pick<Estimate, 'updates' | 'secondsPerUpdate' | 'trainingSeconds' | 'choice'>;

/** Times {@link TIMED} updates in the way that the budget allows. */
async function timedSteps({ clip, method, loader, config, train, budget, batch }: StepParts): Promise<StepTimes> {
  const { device } = clip;
  const settings = config.training as TrainingSettings;
  const { updates, group } = updatesOf(train.length, settings.batchSize, config.accumulate);
  using stepper = new Stepper(device, method, settings, group);
  const images = Math.min(settings.batchSize, train.length);
  const choice = stepper.choose(budget, stepShape(method, images, clip.config.image.size));
  // An epoch may have fewer steps than are timed, so each takes the first one.
  const some = await loader.check(train.slice(0, 2 * settings.batchSize * group));
  const inputs = new StepInputs({ clip, method, loader, evaluationBatch: batch, epochs: 1 });
  const first = async () => {
    const batches = [];
    for await (const one of inputs.epoch(some, { batch: settings.batchSize, epoch: 0 })) {
      batches.push(one);
      if (batches.length === group) break;
    }
    return batches;
  };
  const step = async (): Promise<void> => {
    stepper.step(await first(), settings.lr);
    await stepper.read();
  };
  await step();
  const seconds = await timed(device, async () => {
    for (let i = 0; i < TIMED; i++) await step();
  });
  const secondsPerUpdate = seconds / TIMED;
  const { all } = lengthOf(settings, updates);
  return { updates: all, secondsPerUpdate, trainingSeconds: secondsPerUpdate * all, choice };
}

async function timed(device: Device, body: () => Promise<unknown>): Promise<number> {
  await device.synchronize();
  const start = performance.now();
  await body();
  await device.synchronize();
  return (performance.now() - start) / 1000;
}
