/** Calibration measures: expected calibration error, and the bins of a reliability diagram (Guo et al., 2017). */
import { nth } from '@mudpt/tensor/internal';

/** Bins of equal width, as in the paper. */
export const RELIABILITY_BINS = 15;

/** Images whose confidence, the probability of the likeliest label, lies in one part of (0, 1]. */
export interface ReliabilityBin {
  readonly count: number;
  /** Mean confidence, in percent; 0 for an empty bin. */
  readonly confidence: number;
  /** Share that is right, in percent; 0 for an empty bin. */
  readonly accuracy: number;
}

/** Reliability of the model's probabilities at temperature 1. */
export interface Calibration {
  /** Expected calibration error in percent: the mean distance of accuracy and confidence over bins of equal width, weighted by their images. */
  readonly ece: number;
  /** The same over bins of equally many images (Nguyen and O'Connor, 2015). */
  readonly adaptiveEce: number;
  /** Bin i, counted from 0, holds confidences in (i / 15, (i + 1) / 15]. */
  readonly bins: readonly ReliabilityBin[];
}

/** One image: how sure the model was, 0 to 1, and whether it was right. */
export interface Confidence {
  readonly confidence: number;
  readonly isRight: boolean;
}

/** @throws RangeError for a confidence that is no probability */
export function calibrationOf(images: readonly Confidence[]): Calibration {
  for (const { confidence } of images)
    if (!(confidence >= 0 && confidence <= 1)) throw new RangeError(`a confidence of ${confidence} is no probability`);
  const groups = Array.from({ length: RELIABILITY_BINS }, (): Confidence[] => []);
  for (const image of images) nth(groups, widthBin(image.confidence)).push(image);
  const bins = groups.map(binOf);
  const sorted = [...images].sort((a, b) => a.confidence - b.confidence);
  const bound = (part: number): number => Math.round((part * sorted.length) / RELIABILITY_BINS);
  const equal = groups.map((_, part) => binOf(sorted.slice(bound(part), bound(part + 1))));
  return { ece: errorOf(bins), adaptiveEce: errorOf(equal), bins };
}

/** The bin of a confidence: its upper bound belongs to it, and 0 to the first. */
function widthBin(confidence: number): number {
  return Math.max(0, Math.ceil(confidence * RELIABILITY_BINS) - 1);
}

function binOf(images: readonly Confidence[]): ReliabilityBin {
  const count = images.length;
  if (count === 0) return { count, confidence: 0, accuracy: 0 };
  let [confidence, right] = [0, 0];
  for (const image of images) {
    confidence += image.confidence;
    if (image.isRight) right += 1;
  }
  return { count, confidence: (100 * confidence) / count, accuracy: (100 * right) / count };
}

function errorOf(bins: readonly ReliabilityBin[]): number {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return 0;
  return bins.reduce((sum, { count, confidence, accuracy }) => sum + count * Math.abs(accuracy - confidence), 0) / total;
}
