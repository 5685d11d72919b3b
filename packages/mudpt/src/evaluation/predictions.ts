/** Predictions of images from their logits, and how often they are right. */
import { nth } from '@mudpt/tensor/internal';
import type { Item } from '../data/index.ts';
import { type Confusion, confusionOf } from './confusion.ts';
import { type Metrics, metricsOfConfusion } from './metrics.ts';
import { NotFiniteError } from './finite.ts';
import { type Calibration, calibrationOf } from './reliability.ts';

/** Labels with their probabilities, best first. */
export type RankedLabels = readonly (readonly [label: number, probability: number])[];

/** The prediction for one image. */
export interface ImagePrediction {
  readonly item: Item;
  /** The likeliest labels, as many as were asked for: one at least. */
  readonly top: RankedLabels;
  /** Cross-entropy against the item's label. */
  readonly loss: number;
  /** The largest logit: of CLIP's logits the largest cosine times their scale. */
  readonly logit: number;
  /** The probability of the likeliest label with logits divided by the temperature that was asked for. */
  readonly confidence: number;
}

/** Default number of labels kept for an image. */
const KEPT = 5;

/** The likeliest label. @throws RangeError for a prediction without labels */
export function predictedLabel({ top: [first] }: Pick<ImagePrediction, 'top'>): number {
  if (!first) throw new RangeError('a prediction without labels');
  return first[0];
}

/** The confusion matrix of predictions for images with labels. */
export function confusionOfPredictions(predictions: readonly ImagePrediction[], classes: number): Confusion {
  return confusionOf(
    predictions.map(({ item }) => item.label),
    predictions.map(predictedLabel),
    classes,
  );
}

/** Metrics of predictions for images with labels. */
export function metricsOfPredictions(predictions: readonly ImagePrediction[], classes: number): Metrics {
  return metricsOfConfusion(confusionOfPredictions(predictions, classes));
}

/** The reliability of predictions at temperature 1. */
export function calibrationOfPredictions(predictions: readonly ImagePrediction[]): Calibration {
  return calibrationOf(
    predictions.map((prediction) => ({
      confidence: nth(prediction.top, 0)[1],
      isRight: predictedLabel(prediction) === prediction.item.label,
    })),
  );
}

/**
 * Ranks each row of logits [at least items, classes]; of equal logits the first label wins, as argmax has it.
 * @param temperature of `confidence`; all else is at 1
 * @throws NotFiniteError naming the image whose logits are not finite, so that no NaN is shown as a probability
 */
export function rankLogits(
  items: readonly Item[],
  logits: Float32Array,
  classes: number,
  keep = KEPT,
  temperature = 1,
): ImagePrediction[] {
  return items.map((item, row) => {
    const values = logits.subarray(row * classes, (row + 1) * classes);
    if (!values.every(Number.isFinite))
      throw new NotFiniteError(
        'evaluation',
        `the logits of ${item.id} are not finite`,
        'use f32 if this is f16; else what was learnt, or the base model, is damaged: train again, or fetch it again',
      );
    const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
    const sumAt = (heat: number): number => values.reduce((sum, value) => sum + Math.exp((value - most) / heat), 0);
    const total = sumAt(1);
    return {
      item,
      top: largest(values, keep).map((label) => [label, Math.exp(nth(values, label) - most) / total] as const),
      loss: Math.log(total) + most - logitOf(values, item),
      logit: most,
      confidence: 1 / (temperature === 1 ? total : sumAt(temperature)),
    };
  });
}

/** The labels of the largest values, largest first, of equal ones the first. */
function largest(values: Float32Array, keep: number): number[] {
  const value = (label: number): number => nth(values, label);
  if (keep >= values.length) return [...values.keys()].sort((a, b) => value(b) - value(a) || a - b);
  // A few of many: each value is inserted among the best so far instead of sorting all.
  const best: number[] = [];
  for (const [label, logit] of values.entries()) {
    let place = best.length;
    while (place > 0 && value(nth(best, place - 1)) < logit) place -= 1;
    if (place === keep) continue;
    best.splice(place, 0, label);
    if (best.length > keep) best.pop();
  }
  return best;
}

function logitOf(logits: Float32Array, { id, label }: Item): number {
  const logit = logits[label];
  if (logit === undefined) throw new RangeError(`${id} has the label ${label} of ${logits.length} classes`);
  return logit;
}
