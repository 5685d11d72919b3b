/** Unfused attention out of public ops, with a T x T matrix: the oracle of the fused kernels, and a path that needs no gradient rule. */
import { ShapeError } from '../errors.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { cast, contiguous } from './copy.ts';
import { arange, ones } from './create.ts';
import { cat } from './join.ts';
import { maskedFill, triu } from './masks.ts';
import { matmul } from './matmul.ts';
import { eq, ge, gt, logicalOr, ne, where } from '../pointwise/ops.ts';
import { max, sum } from './reduce.ts';
import { slice } from './slices.ts';
import { softmax } from './softmax.ts';
import { expand, permute, unsqueeze } from './views.ts';
import { nth } from '../values.ts';
import { type AttentionOptions, problemOf } from '../kernels/attention/problem.ts';
import { sequencesOf } from '../kernels/attention/sequences.ts';

const HEADS_FIRST = [0, 2, 1, 3];

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

/**
 * What `attention` computes for dense inputs, by matmul and softmax: O(Tq Tk) memory.
 * @throws ShapeError for packed inputs
 */
export function attentionUnfused(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  const op = 'attentionUnfused';
  if (options.cuSeqlens)
    throw new ShapeError(op, 'packed sequences are not spelled out', 'call it for each sequence, or use attention');
  const { causal, scale, queries, keys, prefix, prefixLength, device } = problemOf(op, { q, k, v }, options, undefined);
  const seen = prefixLength + keys;
  return scope(() => {
    const allKeys = prefix ? withPrefix(prefix.k, k) : k;
    const allValues = prefix ? withPrefix(prefix.v, v) : v;
    const scores = matmul(permute(q, HEADS_FIRST), permute(allKeys, HEADS_FIRST), { transposeB: true, alpha: scale });
    const hidden = causal ? cast(triu(ones([queries, seen], { device }), prefixLength + 1), 'bool') : undefined;
    const weights = seen === 0 ? scores : admissible(hidden ? maskedFill(scores, hidden, Number.NEGATIVE_INFINITY) : scores);
    return contiguous(permute(matmul(weights, permute(allValues, HEADS_FIRST)), HEADS_FIRST));
  });
}

/**
 * What `attention` computes for packed inputs [N, H, D], with a matrix of all pairs of rows of all sequences, for derivatives of its gradient:
 * O(N^2) memory.
 */
export function packedAttentionUnfused(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
  const op = 'packedAttentionUnfused';
  const { device } = q;
  using sequences = sequencesOf(op, device, options.cuSeqlens ?? [0]);
  const { causal, scale, prefix } = problemOf(op, { q, k, v }, options, sequences);
  const rows = nth(q.shape, 0);
  return scope(() => {
    const heads = (x: Tensor): Tensor => permute(x, [1, 0, 2]);
    const place = arange(rows, { device, dtype: 'i32' });
    // A row belongs to the sequence before which as many have ended.
    const ended = ge(unsqueeze(place, 1), unsqueeze(slice(sequences.cuSeqlens, [{ start: 1 }]), 0));
    const sequence = sum(cast(ended, 'i32'), 1);
    const isOther = ne(unsqueeze(sequence, 1), unsqueeze(sequence, 0));
    const hidden = causal ? logicalOr(isOther, gt(unsqueeze(place, 0), unsqueeze(place, 1))) : isOther;
    const scoresOf = (keys: Tensor): Tensor => matmul(heads(q), heads(keys), { transposeB: true, alpha: scale });
    const inside = maskedFill(scoresOf(k), hidden, Number.NEGATIVE_INFINITY);
    const weights = admissible(prefix ? cat([scoresOf(prefix.k), inside], -1) : inside);
    return contiguous(heads(matmul(weights, heads(prefix ? cat([prefix.v, v], 0) : v))));
  });
}
