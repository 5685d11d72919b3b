/** Unfused attention out of ops, with a Tq x Tk matrix: the oracle of the fused kernels, and a path that needs no gradient rule. */
import { ShapeError } from '../../errors.ts';
import { scope } from '../../scope.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import type { AttentionOptions } from '../../kernels/attention/options.ts';
import { type AttentionProblem, problemOf } from '../../kernels/attention/problem.ts';
import { sequencesOf } from '../../kernels/attention/sequences.ts';
import { add, div, eq, ge, logicalNot, logicalOr, mul, ne, tanh, where } from '../../pointwise/ops.ts';
import { afterPrefix, hiddenByPlace, productWithKeys, weightedValues } from './attention-scores.ts';
import { cast, contiguous } from '../views/copy.ts';
import { arange } from '../create/create.ts';
import { dropout } from '../create/dropout.ts';
import { cat } from '../views/join.ts';
import { maskedFill } from '../indexing/masks.ts';
import { max, sum } from '../reduce/reduce.ts';
import { slice } from '../views/slices.ts';
import { softmax } from '../norms/softmax.ts';
import { expand, reshape, unsqueeze } from '../views/views.ts';

/** A prefix [P, H, D] in front of the keys [B, T, H, D] of every batch. */
function withPrefix(prefix: Tensor, x: Tensor): Tensor {
  const batch = nth(x.shape, 0);
  return cat([expand(unsqueeze(prefix, 0), [batch, ...prefix.shape]), x], 1);
}

/** Softmax of scores; a row of nothing but minus infinity has no key to look at: zeros, and no gradient. */
function admissible(scores: Tensor): Tensor {
  const none = eq(max(scores, -1, { keepdim: true }), Number.NEGATIVE_INFINITY);
  return where(none, 0, softmax(where(none, 0, scores), -1));
}

/** Scores with the mask: hidden keys have minus infinity. */
function withMask(scores: Tensor, { mask, keys, prefixLength }: AttentionProblem): Tensor {
  if (!mask) return scores;
  const { tensor } = mask;
  const wide = prefixLength > 0 ? expand(tensor, [...tensor.shape.slice(0, -1), keys]) : tensor;
  if (tensor.dtype === 'bool')
    return maskedFill(scores, logicalNot(afterPrefix(wide, prefixLength, 1)), Number.NEGATIVE_INFINITY);
  return cast(add(scores, afterPrefix(wide, prefixLength, 0)), scores.dtype);
}

/** Dropout of probabilities, in f32. */
function dropped(weights: Tensor, { dropout: options }: AttentionProblem): Tensor {
  return options ? cast(dropout(cast(weights, 'f32'), options), weights.dtype) : weights;
}

/** The composition for q [B, Tq, H, D], k, v [B, Tk, G, D]. @param isOther pairs of different sequences, bool [Tq, Tk] */
function compose(problem: AttentionProblem, q: Tensor, k: Tensor, v: Tensor, isOther?: Tensor): Tensor {
  const { scale, softCap, prefix, prefixLength, keys } = problem;
  const allKeys = prefix ? withPrefix(prefix.k, k) : k;
  const allValues = prefix ? withPrefix(prefix.v, v) : v;
  const products = productWithKeys(q, allKeys, scale);
  const scores = softCap === undefined ? products : mul(tanh(div(products, softCap)), softCap);
  const byPlace = hiddenByPlace(problem);
  const bySequence = isOther && afterPrefix(isOther, prefixLength, 0);
  const hidden = byPlace && bySequence ? logicalOr(byPlace, bySequence) : (byPlace ?? bySequence);
  const masked = withMask(hidden ? maskedFill(scores, hidden, Number.NEGATIVE_INFINITY) : scores, problem);
  const weights = prefixLength + keys === 0 ? masked : admissible(masked);
  return contiguous(weightedValues(dropped(weights, problem), allValues));
}

/**
 * What `attention` computes for dense inputs, by matmul and softmax: O(Tq Tk) memory.
 * @throws ShapeError for packed inputs
 */
export function attentionUnfused(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  const op = 'attentionUnfused';
  if (options.cuSeqlens)
    throw new ShapeError(op, 'packed sequences are not spelled out', 'call it for each sequence, or use attention');
  const problem = problemOf(op, { q, k, v }, options, undefined);
  return scope(() => compose(problem, q, k, v));
}

/** What `attention` computes for packed inputs [N, H, D], with a matrix of all pairs of rows of all sequences: O(N^2) memory. */
export function packedAttentionUnfused(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
  const op = 'packedAttentionUnfused';
  const { device } = q;
  using sequences = sequencesOf(op, device, options.cuSeqlens ?? [0]);
  const problem = problemOf(op, { q, k, v }, options, sequences);
  return scope(() => {
    const place = arange(nth(q.shape, 0), { device, dtype: 'i32' });
    // The sequence of a row is the number of sequences that have ended before it.
    const ended = ge(unsqueeze(place, 1), unsqueeze(slice(sequences.cuSeqlens, [{ start: 1 }]), 0));
    const sequence = sum(cast(ended, 'i32'), 1);
    const isOther = ne(unsqueeze(sequence, 1), unsqueeze(sequence, 0));
    const out = compose(problem, unsqueeze(q, 0), unsqueeze(k, 0), unsqueeze(v, 0), isOther);
    return reshape(out, out.shape.slice(1));
  });
}
