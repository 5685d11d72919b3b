/**
 * Dense attention by definition: q [B, T, H, D] over k [B, S, G, D] and v [B, S, G, E], where H / G neighbouring heads of q share one of k and v, with
 * everything that may happen to a score on its way to a probability.
 */
import { accumulate, broadcastIndex, build, forEachIndex, get, type Ref, set, zeros } from './array.ts';

export type MaskedOptions = {
  /** Query i attends to keys from i + first up to i + last. */
  first?: number;
  last?: number;
  /** Added to scores, broadcast to [B, H, T, S]; minus infinity hides a key. */
  mask?: Ref;
  scale?: number;
  /** Scores x become softCap * tanh(x / softCap), before the mask. */
  softCap?: number;
  /** Factors of the probabilities [B, H, T, S]. */
  factors?: Ref;
};

export type MaskedGradients = Record<'q' | 'k' | 'v' | 'mask', Ref>;

/** Probabilities [B, H, T, S], before `factors`: 0 in a row without a key. */
function probabilities(q: Ref, k: Ref, options: MaskedOptions): Ref {
  const [batch, queries, heads, depth] = q.shape as [number, number, number, number];
  const [, keys, groups] = k.shape as [number, number, number];
  const { first = -Infinity, last = Infinity, mask, softCap, scale = 1 / Math.sqrt(depth) } = options;
  const p = zeros([batch, heads, queries, keys]);
  forEachIndex([batch, heads, queries], ([b = 0, h = 0, i = 0]) => {
    const scores = Array.from({ length: keys }, (_, j) => {
      if (j - i < first || j - i > last) return -Infinity;
      let dot = 0;
      for (let d = 0; d < depth; d++) dot += get(q, [b, i, h, d]) * get(k, [b, j, Math.floor((h * groups) / heads), d]);
      const score = softCap === undefined ? scale * dot : softCap * Math.tanh((scale * dot) / softCap);
      return mask ? score + get(mask, broadcastIndex([b, h, i, j], mask.shape)) : score;
    });
    const highest = Math.max(...scores);
    if (highest === -Infinity || keys === 0) return;
    const total = scores.reduce((sum, score) => sum + Math.exp(score - highest), 0);
    scores.forEach((score, j) => set(p, [b, h, i, j], Math.exp(score - highest) / total));
  });
  return p;
}

/** The result [B, T, H, E]. */
export function maskedAttention(q: Ref, k: Ref, v: Ref, options: MaskedOptions = {}): Ref {
  const [batch, queries, heads] = q.shape as [number, number, number];
  const [, keys, groups, width] = v.shape as [number, number, number, number];
  const p = probabilities(q, k, options);
  return build([batch, queries, heads, width], ([b = 0, i = 0, h = 0, e = 0]) => {
    let sum = 0;
    for (let j = 0; j < keys; j++) {
      const factor = options.factors ? get(options.factors, [b, h, i, j]) : 1;
      sum += factor * get(p, [b, h, i, j]) * get(v, [b, j, Math.floor((h * groups) / heads), e]);
    }
    return sum;
  });
}

/** Gradients for a cotangent of the result, without soft cap and factors; that of the mask as [B, H, T, S]. */
export function maskedAttentionBackward(q: Ref, k: Ref, v: Ref, cotangent: Ref, options: MaskedOptions = {}): MaskedGradients {
  const [, , heads, depth] = q.shape as [number, number, number, number];
  const [, keys, groups, width] = v.shape as [number, number, number, number];
  const { scale = 1 / Math.sqrt(depth) } = options;
  const p = probabilities(q, k, options);
  const gradients = { q: zeros(q.shape), k: zeros(k.shape), v: zeros(v.shape), mask: zeros(p.shape) };
  forEachIndex(p.shape.slice(0, 3), ([b = 0, h = 0, i = 0]) => {
    const group = Math.floor((h * groups) / heads);
    const dp = Array.from({ length: keys }, (_, j) => {
      let sum = 0;
      for (let e = 0; e < width; e++) sum += get(cotangent, [b, i, h, e]) * get(v, [b, j, group, e]);
      return sum;
    });
    const expected = dp.reduce((sum, value, j) => sum + get(p, [b, h, i, j]) * value, 0);
    dp.forEach((value, j) => {
      const share = get(p, [b, h, i, j]);
      const ds = share * (value - expected);
      set(gradients.mask, [b, h, i, j], ds);
      for (let d = 0; d < depth; d++) {
        accumulate(gradients.q, [b, i, h, d], scale * ds * get(k, [b, j, group, d]));
        accumulate(gradients.k, [b, j, group, d], scale * ds * get(q, [b, i, h, d]));
      }
      for (let e = 0; e < width; e++) accumulate(gradients.v, [b, j, group, e], share * get(cotangent, [b, i, h, e]));
    });
  });
  return gradients;
}
