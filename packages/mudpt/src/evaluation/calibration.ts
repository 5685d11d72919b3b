/** Calibration of probabilities by one temperature, fitted on images that were not trained on (Guo et al., 2017). */
import type { ImagePrediction, RankedLabels } from './predictions.ts';

const SMALLEST = 1e-30;
/** Range of the logarithm of the temperature; optima beyond it are artefacts of too few images. */
const [LOWEST, HIGHEST] = [-2.3, 3];
const SEARCH_STEPS = 40;
/** Fewest images that a temperature is fitted on. */
const LEAST_IMAGES = 10;

/** Probabilities of all classes with logits divided by `temperature`; their order stays. */
export function scaledProbabilities(ranked: RankedLabels, temperature = 1): RankedLabels {
  if (temperature === 1) return ranked;
  const powers = ranked.map(([label, probability]) => [label, Math.max(probability, SMALLEST) ** (1 / temperature)] as const);
  const total = powers.reduce((sum, [, power]) => sum + power, 0);
  return powers.map(([label, power]) => [label, power / total] as const);
}

/** Mean cross-entropy of predictions at a temperature. Predictions must have all classes. @throws RangeError where one lacks its label */
export function meanLoss(predictions: readonly ImagePrediction[], temperature: number): number {
  const losses = predictions.map(({ item, top }) => {
    const right = scaledProbabilities(top, temperature).find(([label]) => label === item.label);
    if (!right) throw new RangeError(`the prediction of ${item.id} lacks its label`);
    return -Math.log(Math.max(right[1], SMALLEST));
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

/**
 * The temperature of least cross-entropy, by golden-section search over its logarithm, in which the loss is unimodal.
 * @param predictions of validation images, each with all classes
 * @returns undefined for fewer than ten
 */
export function fitTemperature(predictions: readonly ImagePrediction[]): number | undefined {
  if (predictions.length < LEAST_IMAGES) return undefined;
  const loss = (logarithm: number): number => meanLoss(predictions, Math.exp(logarithm));
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [LOWEST, HIGHEST];
  let [left, right] = [high - golden * (high - low), low + golden * (high - low)];
  let [leftLoss, rightLoss] = [loss(left), loss(right)];
  for (let step = 0; step < SEARCH_STEPS; step += 1) {
    if (leftLoss < rightLoss) {
      [high, right, rightLoss] = [right, left, leftLoss];
      left = high - golden * (high - low);
      leftLoss = loss(left);
    } else {
      [low, left, leftLoss] = [left, right, rightLoss];
      right = low + golden * (high - low);
      rightLoss = loss(right);
    }
  }
  return Math.exp((low + high) / 2);
}
