/** Predictions for single files. */
import { nth } from '@mudpt/tensor/internal';
import type { ImageSource } from '@mudpt/clip';
import type { Item } from '../../data/index.ts';
import { scaledProbabilities } from '../../evaluation/calibration.ts';
import type { TunedModel } from './open-run.ts';
import type { PromptFacts } from '../files/prompt-file.ts';
import { imageFeatures } from '../../evaluation/image-features.ts';
import { predictFeatures, predictImages } from '../../evaluation/predict.ts';
import type { ImagePrediction, RankedLabels } from '../../evaluation/predictions.ts';
import { evaluationBatch } from '../../memory/evaluation-batch.ts';

/** A class that an image may be of. */
export interface NamedProbability {
  readonly label: number;
  readonly name: string;
  readonly probability: number;
}

/** The prediction for one file; `why` where it cannot be read. */
export interface FilePrediction {
  readonly file: string;
  /** Best first. */
  readonly top: readonly NamedProbability[];
  readonly why?: string;
}

export interface PredictOptions {
  readonly signal?: AbortSignal;
  /** Called for each file in their order, as soon as it and those before it are done. */
  readonly onPrediction?: (prediction: FilePrediction) => void;
}

/**
 * Classifies image files with what a run learnt, with probabilities at the temperature that was fitted on its validation images. A
 * file that cannot be read stops nothing.
 * @param top how many classes each gets
 */
export async function predictFiles(
  run: TunedModel,
  files: readonly (string & ImageSource)[],
  top: number,
  { signal, onPrediction }: PredictOptions = {},
): Promise<FilePrediction[]> {
  const { base, method, loader, config, facts } = run;
  const classes = facts.classNames.length;
  const paths: readonly string[] = files;
  const items: Item[] = files.map((file) => ({ id: file, image: file, label: 0 }));
  const predictions: FilePrediction[] = [];
  const add = (prediction: FilePrediction): void => {
    predictions.push(prediction);
    onPrediction?.(prediction);
  };
  const addUnreadable = (until: number): void => {
    const reasons = new Map(loader.unreadable.map(({ id, why }) => [id, why]));
    for (const file of files.slice(predictions.length, until))
      add({ file, top: [], why: reasons.get(file) ?? 'it cannot be read' });
  };
  const onPredictions = (made: readonly ImagePrediction[]): void => {
    for (const { item, top: all } of made) {
      // Files between the last readable one and this were skipped as unreadable.
      addUnreadable(paths.indexOf(item.id, predictions.length));
      add({ file: item.id, top: likeliest(all, facts, top) });
    }
  };
  const batch = evaluationBatch(base.clip, Math.min(config.evaluationBatch, Math.max(1, files.length)), method);
  const options = { batch, keep: classes, ...(signal && { signal }) };
  if (method.kind === 'prompts') await predictImages(base.clip, method, loader, items, { ...options, onPredictions });
  else {
    const features = await imageFeatures(base.clip, loader, items, options);
    try {
      onPredictions(await predictFeatures(features, classes, (rows) => method.evaluate(rows), classes));
    } finally {
      features.features.dispose();
    }
  }
  addUnreadable(files.length);
  return predictions;
}

/** The likeliest classes by name, with probabilities at the run's temperature. */
export function likeliest(
  all: RankedLabels,
  { classNames, temperature }: Pick<PromptFacts, 'classNames' | 'temperature'>,
  top: number,
): NamedProbability[] {
  return scaledProbabilities(all, temperature)
    .slice(0, top)
    .map(([label, probability]) => ({ label, name: nth(classNames, label), probability }));
}
