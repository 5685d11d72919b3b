/** Probabilities that mean what they say: one temperature, fitted on images that were not trained on (Guo et al., 2017). */
import type { Score } from './scoring.ts';

type Ranked = readonly (readonly [label: number, probability: number])[];

const SMALLEST = 1e-30;
/** Of the logarithm of the temperature; beyond lies only what too few images pretend. */
const [LOWEST, HIGHEST] = [-2.3, 3];
const SEARCH_STEPS = 40;
/** Fewer images tell nothing of a temperature. */
const LEAST_IMAGES = 10;

/** The probabilities of all classes as logits divided by `temperature` have them; the order stays. */
export function scaledProbabilities(ranked: Ranked, temperature = 1): Ranked {
  if (temperature === 1) return ranked;
  const powers = ranked.map(([, probability]) => Math.max(probability, SMALLEST) ** (1 / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return ranked.map(([label], index) => [label, (powers[index] ?? 0) / total] as const);
}

/** Mean cross-entropy of scores that have all classes, at a temperature. */
export function meanLoss(scores: readonly Score[], temperature: number): number {
  const losses = scores.map(({ item, top }) => {
    const right = scaledProbabilities(top, temperature).find(([label]) => label === item.label);
    return -Math.log(Math.max(right?.[1] ?? 0, SMALLEST));
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

/**
 * The temperature of least cross-entropy, by golden-section search over its logarithm, in which the loss has one valley.
 * @param scores of validation images, each with all classes
 * @returns undefined for fewer than ten
 */
export function fitTemperature(scores: readonly Score[]): number | undefined {
  if (scores.length < LEAST_IMAGES) return undefined;
  const loss = (logarithm: number): number => meanLoss(scores, Math.exp(logarithm));
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
