/**
 * Scaled dot-product attention, fused: softmax(scale q kᵀ) v without a T x T matrix, dense or packed, with an optional prefix of keys and
 * values that all sequences share; calls beyond these kernels are composed of other ops. The method is FlashAttention's (arXiv 2205.14135, 2307.08691): online softmax, and a backward pass that
 * recomputes probabilities from the saved log-sum-exp.
 */
import { DTypeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import type { Tensor } from '../../tensor.ts';
import { type AttentionGradients, fusedBackward, fusedForward, type Into, type Needs } from '../../kernels/attention/fused.ts';
import type { AttentionOptions } from '../../kernels/attention/options.ts';
import { type AttentionProblem, expectLike, problemOf, withGradient } from '../../kernels/attention/problem.ts';
import { sequencesOf } from '../../kernels/attention/sequences.ts';
import { scope } from '../../scope.ts';
import { lastOf } from '../../values.ts';
import { attentionUnfused, packedAttentionUnfused } from './attention-unfused.ts';
import { cast, contiguous } from '../views/copy.ts';
import { padConstant as pad } from '../views/pad.ts';
import { narrow } from '../views/slices.ts';

type Inputs = { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor };

/** Runs `body` with the checked problem. */
function withProblem<R>(op: string, inputs: Inputs, options: AttentionOptions, body: (problem: AttentionProblem) => R): R {
  using sequences = options.cuSeqlens && sequencesOf(op, inputs.q.device, options.cuSeqlens);
  using wide = options.mask?.dtype === 'f16' ? cast.run(options.mask, 'f32') : undefined;
  return body(problemOf(op, inputs, wide ? { ...options, mask: wide } : options, sequences));
}

/**
 * Whether one fused kernel computes a call, forward and backward. The others are composed of ops: soft cap and dropout; values of another width
 * than keys (by padding); a shared prefix beside grouped heads, a mask, a window or an offset.
 */
export function isFusedAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): boolean {
  return hasFusedOptions(q, k, options) && q.shape.at(-1) === v.shape.at(-1);
}

function hasFusedOptions(
  q: Tensor,
  k: Tensor,
  { softCap, dropout, prefix, mask, window, queryOffset }: AttentionOptions,
): boolean {
  if (softCap !== undefined || dropout) return false;
  return !prefix || (q.shape.at(-2) === k.shape.at(-2) && !mask && !window && queryOffset === undefined);
}

/** The same by other ops: one fused call of padded heads where only widths differ, else with a matrix of all pairs. */
export function attentionComposed(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  if (hasFusedOptions(q, k, options) && q.shape.at(-1) !== v.shape.at(-1)) return paddedAttention(q, k, v, options);
  return options.cuSeqlens ? packedAttentionUnfused(q, k, v, options) : attentionUnfused(q, k, v, options);
}

/** Zeros after the elements of the narrower heads change no score, and no value but those that are cut off. */
function paddedAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
  const [depth, valueDepth] = [lastOf(q.shape), lastOf(v.shape)];
  const widen = (x: Tensor): Tensor => {
    const missing = Math.max(depth, valueDepth) - lastOf(x.shape);
    return missing > 0 ? pad(x, [...x.shape.slice(1).map(() => [0, 0] as const), [0, missing]]) : x;
  };
  const { prefix, scale = 1 / Math.sqrt(depth) } = options;
  return scope(() => {
    const wide = { ...options, scale, ...(prefix && { prefix: { k: widen(prefix.k), v: widen(prefix.v) } }) };
    return contiguous(narrow(attention(widen(q), widen(k), widen(v), wide), -1, 0, valueDepth));
  });
}

/**
 * Attention of q [B, Tq, H, D] over k, v [B, Tk, G, D], any strides (views of one fused projection [B, T, 3, H, D] are read in place):
 * out [B, Tq, H, D], contiguous. Packed: q [N, H, D], k, v [N, G, D] with `cuSeqlens`. H / G neighbouring heads of queries share a head of keys and
 * values. Values may have a width of their own, which is that of the result.
 *
 * A query without an admissible key (no key at all, all hidden, or nothing but scores of minus infinity) gives 0 and passes no gradient. Sums are f32,
 * also for f16 inputs; gradients take finite scores up to 1e5, beyond which f32 does not hold the logarithm of their sum exactly enough.
 * docs/kernels/attention.md has a table of what is fused.
 * @throws ShapeError, DTypeError or LimitError naming the argument
 * @example
 * const [q, k] = [randn([1, 5, 4, 16], { key: 1 }), randn([1, 9, 2, 16], { key: 2 })];
 * console.log(q.attention(k, k, { causal: true }).shape); // [1,5,4,16]
 */
export const attention = defineOp('attention', (q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor => {
  if (!isFusedAttention(q, k, v, options)) return attentionComposed(q, k, v, options);
  const { out, lse } = withProblem('attention', { q, k, v }, options, (problem) => fusedForward(problem, { q, k, v }));
  lse.dispose();
  return out;
});

/**
 * {@link attention} that also returns what its backward pass needs: lse [B, Tq, H] (packed [N, H]) f32, the log of the sum of exponentials
 * of the scaled scores (1e30 for a query without an admissible key).
 */
export function attentionForward(inputs: Inputs, options: AttentionOptions = {}): { readonly out: Tensor; readonly lse: Tensor } {
  return withProblem('attentionForward', inputs, options, (problem) => fusedForward(problem, inputs));
}

/** Saved tensors and cotangent that the gradients of attention are computed from. */
export type AttentionBackwardInputs = Inputs & {
  /** Results of {@link attentionForward}. */
  readonly out: Tensor;
  readonly lse: Tensor;
  /** Gradient of the loss with respect to `out`, of its shape, and of its dtype or f32. */
  readonly grad: Tensor;
  /** Gradients to compute; the others are skipped where that saves a pass. */
  readonly needs: Needs;
  /** Views to write gradients into, for instance the three parts of one [B, T, 3, H, D] buffer. */
  readonly into?: Into;
};

/**
 * Gradients of {@link attention}: those named in `needs`, of the shapes of their inputs and the dtype of `grad`. Prefix gradients are summed over all sequences and
 * queries in a fixed order. No atomics: the same bits on every run.
 */
export function attentionBackward(inputs: AttentionBackwardInputs, options: AttentionOptions = {}): AttentionGradients {
  const op = 'attentionBackward';
  const { q, k, v, out, lse, grad, needs, into = {} } = inputs;
  return withProblem(op, inputs, options, (problem) => {
    expectLike(op, 'out', out, q.shape);
    expectLike(op, 'grad', grad, q.shape);
    expectLike(op, 'lse', lse, q.shape.slice(0, -1));
    if (out.dtype !== q.dtype) throw new DTypeError(op, `out has dtype ${out.dtype} but q has ${q.dtype}`, 'cast it');
    if (into.q) expectLike(op, 'into.q', into.q, q.shape);
    if (into.k) expectLike(op, 'into.k', into.k, k.shape);
    if (into.v) expectLike(op, 'into.v', into.v, v.shape);
    return fusedBackward(withGradient(problem, grad), { q, k, v, out, lse, grad }, needs, into);
  });
}

export type { AttentionGradients };
