/** The search for Tip-Adapter's two hyper-parameters on validation, and the cache's part of the logits. */
import { exp, matmul, mul, scope, sub, type Tensor } from '@mudpt/tensor';
import type { FitProgress } from '../method/method.ts';
import { accuracyOf } from './accuracy.ts';
import type { TipSettings } from './tip-settings.ts';

export type Strengths = { readonly alpha: number; readonly beta: number };

/** exp(beta (affinity - 1)) V: affinity [B, N] and values [N, C] give [B, C]. */
export function cacheLogits(affinity: Tensor, values: Tensor, beta: number): Tensor {
  return matmul(exp(mul(sub(affinity, 1), beta)), values);
}

/** Validation inputs of the search. */
export type SearchInput = {
  /** Cosines with the keys [B, N]. */
  readonly affinity: Tensor;
  /** Logits without the cache [B, C]. */
  readonly zeroShot: Tensor;
  /** Values of the cache [N, C]. */
  readonly values: Tensor;
  readonly labels: Int32Array;
};

/** Searches the whole grid, beta in the outer loop; of equally good pairs the first stays. */
export async function searchStrengths(
  { affinity, zeroShot, values, labels }: SearchInput,
  { betaLimit, alphaLimit, betaSteps, alphaSteps }: TipSettings,
  progress?: FitProgress,
): Promise<Strengths & { readonly accuracy: number }> {
  const grid = (limit: number, steps: number): number[] =>
    Array.from({ length: steps }, (_, i) => (i * (limit - 0.1)) / steps + 0.1);
  const base = await zeroShot.data();
  let best = { alpha: Number.NaN, beta: Number.NaN, accuracy: Number.NEGATIVE_INFINITY };
  for (const [index, beta] of grid(betaLimit, betaSteps).entries()) {
    using cached = scope(() => cacheLogits(affinity, values, beta));
    const fromCache = await cached.data();
    for (const alpha of grid(alphaLimit, alphaSteps)) {
      const accuracy = accuracyOf(
        Float32Array.from(base, (logit, i) => logit + alpha * (fromCache[i] as number)),
        labels,
      );
      if (accuracy > best.accuracy) best = { alpha, beta, accuracy };
    }
    progress?.(index + 1, betaSteps, 'searching alpha and beta');
  }
  return best;
}
