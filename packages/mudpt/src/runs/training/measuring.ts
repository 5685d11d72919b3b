/** The stages of a run that measure: zero-shot and tuned on the test images, the method and others on the validation images. */
import { NotFiniteError } from '../../evaluation/finite.ts';
import type { Features } from '../../evaluation/image-features.ts';
import { predictFeatures, predictImages, predictZeroShot } from '../../evaluation/predict.ts';
import { type ImagePrediction, metricsOfPredictions } from '../../evaluation/predictions.ts';
import type { Item } from '../../data/index.ts';
import type { Method, PromptMethod, TrainingSettings } from '../../methods/index.ts';
import { lengthOf } from '../../train/updates.ts';
import { DivergedError } from '../../train/diverged.ts';
import { tryAlternatives } from './alternatives.ts';
import type { Evaluation } from '../records/records.ts';
import { evaluationOf } from './summary.ts';
import { forwardOptions, type Stage } from './stage.ts';

/** Predictions of the frozen model for the test images. */
export async function measureZeroShot(stage: Stage, test: Features): Promise<ImagePrediction[]> {
  await stage.sample?.begin(test);
  const predictions = await predictZeroShot(stage.base.clip, test, stage.dataset, stage.frozenTexts);
  await evaluated(stage, 'zero-shot', predictions);
  return predictions;
}

/** Predictions of the method for the test images. */
export async function measureTuned(stage: Stage, method: Method, test: Features): Promise<ImagePrediction[]> {
  const classes = stage.dataset.classNames.length;
  const predictions =
    method.kind === 'prompts'
      ? await predictPrompted(stage, method, test.items)
      : await predictFeatures(test, classes, (features) => method.evaluate(features));
  await evaluated(stage, 'tuned', predictions);
  return predictions;
}

/** Reports results that are not finite: learnt tensors can be finite and still so large that the results overflow. */
async function predictPrompted(stage: Stage, method: PromptMethod, items: readonly Item[]): Promise<ImagePrediction[]> {
  const { base, config, loader, sample, summary } = stage;
  const forward = forwardOptions(stage, 'evaluation', items.length, method);
  // Without prompts in the image tower its features stay as they were.
  const isChanged = sample !== undefined && method.spec.image !== undefined;
  try {
    return await predictImages(base.clip, method, loader, items, {
      ...forward,
      ...(isChanged && { onFeatures: (some, rows, width) => sample.addTuned(some, rows, width) }),
    });
  } catch (cause) {
    if (!(cause instanceof NotFiniteError)) throw cause;
    const { training } = summary.current;
    const settings = config.training as TrainingSettings;
    const { lr } = settings;
    const { epochs, last } = lengthOf(settings, training.stepsPerEpoch);
    const place = { epoch: epochs - 1, step: Math.max(0, last - 1), lr, askedLr: lr };
    throw new DivergedError({ ...place, loss: 'finite', what: cause.problem }, training, { cause });
  }
}

/** What the method makes of the validation images, with the probabilities of all classes; undefined without any. */
export async function validate(stage: Stage, method: Method): Promise<ImagePrediction[] | undefined> {
  const { base, dataset, loader } = stage;
  const { val } = dataset.splits;
  if (val.length === 0) return undefined;
  const classes = dataset.classNames.length;
  const forward = forwardOptions(stage, 'validation', val.length, method.kind === 'prompts' ? method : undefined);
  if (method.kind === 'prompts') return predictImages(base.clip, method, loader, val, { ...forward, keep: classes });
  const features = await stage.frozen(val, forward);
  try {
    return await predictFeatures(features, classes, (rows) => method.evaluate(rows), classes);
  } finally {
    features.features.dispose();
  }
}

/** Notes the accuracy on validation, and what other methods reach there where the run is asked to try them. */
export async function compareWithOthers(stage: Stage, test: Features, validation: readonly ImagePrediction[]): Promise<void> {
  const { base, config, dataset, options, summary } = stage;
  const { accuracy } = metricsOfPredictions(validation, dataset.classNames.length);
  await summary.note({ validation: accuracy });
  if (!config.alternatives || validation.length === 0) return;
  const alternatives = await tryAlternatives({
    clip: base.clip,
    dataset,
    seed: config.seed,
    frozen: stage.frozen,
    test,
    validation,
    forward: (what, total) => forwardOptions(stage, what, total),
  });
  await summary.note({ alternatives });
  options.observer?.onAlternatives?.(alternatives, accuracy);
}

async function evaluated(
  { dataset, config, options, summary }: Stage,
  what: Evaluation['what'],
  predictions: readonly ImagePrediction[],
): Promise<void> {
  const kind = { what, data: dataset.name, split: 'test', classes: config.classes } as const;
  const { evaluation, confusion } = evaluationOf(kind, predictions, dataset.classNames.length);
  await summary.add(evaluation, confusion);
  options.observer?.onEvaluation?.(evaluation);
}
