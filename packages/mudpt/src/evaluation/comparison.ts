/** Comparison of accuracies: the harmonic mean of base and new classes, and whether a difference is more than chance. */
import { type ImagePrediction, predictedLabel } from './predictions.ts';

/** Harmonic mean of base and new accuracy. In a table's last row it is that of the averages over data sets, not the average of each set's. */
export function harmonicMean(base: number, fresh: number): number {
  return base + fresh === 0 ? 0 : (2 * base * fresh) / (base + fresh);
}

const isRight = (prediction: ImagePrediction): boolean => predictedLabel(prediction) === prediction.item.label;

/**
 * McNemar's comparison of two methods on the same images: of those that only one of them gets right, `one` has more by over two standard
 * deviations of chance.
 */
export function isClearlyBetter(one: readonly ImagePrediction[], other: readonly ImagePrediction[]): boolean {
  const others = new Map(other.map((prediction) => [prediction.item.id, isRight(prediction)]));
  let [won, lost] = [0, 0];
  for (const prediction of one) {
    const before = others.get(prediction.item.id);
    if (before === undefined || before === isRight(prediction)) continue;
    if (before) lost += 1;
    else won += 1;
  }
  return won - lost > 2 * Math.sqrt(won + lost);
}
