/** Predictions of the frozen and of the tuned model, and their metrics. */
import type { Clip } from '@mudpt/clip';
import {
  confusionOfPredictions,
  evaluationBatch,
  type ImagePrediction,
  type Item,
  type Method,
  metricsOfPredictions,
  predictFeatures,
  predictImages,
  predictZeroShot,
  scaledProbabilities,
} from 'mudpt/core';
import type { Measured } from '../worker/protocol.ts';
import { type Exif, type FeatureCache, loaderOf } from './features.ts';

type Classes = { readonly classNames: readonly string[]; readonly template: string };

/** Classes, the temperature that logits are divided by, and whether photographs are turned upright. */
export type TunedFacts = Classes & { readonly temperature?: number | undefined; readonly exif?: Exif | undefined };
export type Progress = (done: number, total: number) => void;

/** A model and the images that it is to classify. */
export interface PredictionTask {
  readonly clip: Clip;
  /** Features of images turned as `classes` says. */
  readonly cache: FeatureCache;
  /** Undefined: the frozen model. */
  readonly method?: Method | undefined;
  readonly classes: TunedFacts;
  readonly items: readonly Item[];
  readonly onProgress?: Progress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Metrics of a model on labelled images. */
export async function measure(task: PredictionTask): Promise<Measured> {
  const { classes } = task;
  const started = performance.now();
  const { predictions, unreadable } = await predict(task);
  const count = classes.classNames.length;
  return {
    classNames: classes.classNames,
    guesses: predictions.map(({ item, top, loss }) => ({ id: item.id, label: item.label, top, loss })),
    metrics: metricsOfPredictions(predictions, count),
    confusion: confusionOfPredictions(predictions, count),
    seconds: (performance.now() - started) / 1000,
    unreadable,
  };
}

/** Predictions with the probabilities of all classes, as `mudpt predict` gives them. */
export async function predict(
  task: PredictionTask,
): Promise<{ readonly predictions: readonly ImagePrediction[]; readonly unreadable: Measured['unreadable'] }> {
  const { clip, cache, method, items, onProgress = () => undefined, signal } = task;
  const { temperature, exif, ...classes } = task.classes;
  const count = classes.classNames.length;
  if (method?.kind === 'prompts') {
    const loader = loaderOf(clip, { exif });
    try {
      const batch = evaluationBatch(clip, Math.min(32, Math.max(1, items.length)), method);
      const options = {
        batch,
        keep: count,
        onProgress: (done: number) => onProgress(done, items.length),
        ...(signal && { signal }),
      };
      const predictions = await predictImages(clip, method, loader, items, options);
      return { predictions: scaled(predictions, temperature), unreadable: loader.unreadable };
    } finally {
      await loader.close();
    }
  }
  const { features, items: seen, labels, unreadable } = await cache.of(items, onProgress, signal);
  try {
    const predictions = method
      ? scaled(await predictFeatures({ features, items: seen }, count, (rows) => method.evaluate(rows), count), temperature)
      : await predictZeroShot(clip, { features, items: seen, labels }, classes);
    return { predictions, unreadable };
  } finally {
    features.dispose();
  }
}

function scaled(predictions: readonly ImagePrediction[], temperature: number | undefined): ImagePrediction[] {
  return predictions.map((one) => ({ ...one, top: scaledProbabilities(one.top, temperature) }));
}
