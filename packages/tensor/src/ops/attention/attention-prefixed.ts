/** Self-attention of sequences after a prefix that all of them share, on one projection of both. */
import { ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import {
  disposeParts,
  partsFrom,
  prefixedBackward,
  prefixedForward,
  type PrefixedProblem,
  type PrefixedSaved,
} from '../../kernels/attention/prefixed.ts';
import { expectLike, problemOf, withGradient } from '../../kernels/attention/problem.ts';
import { isQuadAligned } from '../../kernels/attention/quads.ts';
import { sequencesOf } from '../../kernels/attention/sequences.ts';
import type { AttentionOptions } from '../../kernels/attention/options.ts';
import { scope } from '../../scope.ts';
import { nth } from '../../values.ts';
import { attentionQkv } from './attention-qkv.ts';
import { contiguous } from '../views/copy.ts';
import { cat } from '../views/join.ts';
import { narrow, unbind } from '../views/slices.ts';
import { reshape } from '../views/views.ts';

/** The rows of the prefix, and the sequences that follow it. */
export type PrefixedOptions = Pick<AttentionOptions, 'causal' | 'scale'> & {
  /** Rows P of the prefix. */
  readonly prefix: number;
  /** Whether results of the prefix's queries are wanted too: they attend causally to each other, and their results come first. */
  readonly isRead: boolean;
  /** Number of sequences of one length that follow. */
  readonly batch?: number;
  /** Packed sequences that follow instead. */
  readonly cuSeqlens?: AttentionOptions['cuSeqlens'];
};

const OP = 'prefixedAttention';

/** [B, T], or [N]. @throws ShapeError where the rows after the prefix are not these */
function leadOf(qkv: Tensor, { prefix, batch, cuSeqlens }: PrefixedOptions): readonly number[] {
  qkv.expectLive(OP);
  const rows = nth(qkv.shape, 0) - prefix;
  if (qkv.rank !== 4 || qkv.shape[1] !== 3 || !(prefix >= 1) || rows < 0 || (!cuSeqlens && rows % (batch ?? 1) !== 0))
    throw new ShapeError(
      OP,
      `qkv has shape ${showShape(qkv.shape)}, and its first ${prefix} rows are the prefix`,
      'give [P + N, 3, H, D] with P of at least 1, and N rows of sequences of one length, or packed with cuSeqlens',
    );
  return cuSeqlens ? [rows] : [batch ?? 1, rows / (batch ?? 1)];
}

/** Whether the fused kernels take a call; the others are composed of ops. */
export function isFusedPrefixed(qkv: Tensor, options: PrefixedOptions): boolean {
  return nth(qkv.shape, 3) % 4 === 0 && nth(qkv.shape, 0) > options.prefix;
}

/** Runs `body` with the checked problem. */
function withProblem<R>(qkv: Tensor, options: PrefixedOptions, body: (problem: PrefixedProblem) => R): R {
  const { causal = false, prefix: count, isRead, scale } = options;
  const lead = leadOf(qkv, options);
  using sequences = options.cuSeqlens && sequencesOf(OP, qkv.device, options.cuSeqlens);
  const [shared, rest] = [partsFrom(qkv, 0, [count]), partsFrom(qkv, count, lead)];
  const alone = isRead ? partsFrom(qkv, 0, [1, count]) : undefined;
  const scaled = scale === undefined ? {} : { scale };
  try {
    return body({
      sequences: problemOf(OP, rest, { ...scaled, causal, prefix: shared }, sequences),
      prefix: alone && problemOf(OP, alone, { ...scaled, causal: true }, undefined),
    });
  } finally {
    for (const parts of [shared, rest, ...(alone ? [alone] : [])]) disposeParts(parts);
  }
}

/**
 * Attention on one projection qkv [P + N, 3, H, D] of a prefix and of the sequences after it, each of whose queries attends to the prefix and then to
 * its sequence: [N, H, D], or [P + N, H, D] where the prefix is read too.
 * @throws ShapeError, DTypeError or LimitError
 */
export const prefixedAttention = defineOp(OP, (qkv: Tensor, options: PrefixedOptions): Tensor => {
  if (!isFusedPrefixed(qkv, options)) return prefixedAttentionComposed(qkv, options);
  const { out, lse } = prefixedAttentionForward(qkv, options);
  lse.dispose();
  return out;
});

/** The same by other ops. */
export function prefixedAttentionComposed(qkv: Tensor, options: PrefixedOptions): Tensor {
  const { prefix: count, isRead, causal = false, scale, cuSeqlens } = options;
  const scaled = scale === undefined ? {} : { scale };
  return scope(() => {
    const lead = leadOf(qkv, options);
    const shared = narrow(qkv, 0, 0, count);
    const inner = qkv.shape.slice(1);
    const rest = reshape(narrow(qkv, 0, count, nth(qkv.shape, 0) - count), [...lead, ...inner]);
    const [, k, v] = unbind(shared, 1) as [Tensor, Tensor, Tensor];
    const packed = cuSeqlens ? { cuSeqlens } : {};
    const after = reshape(attentionQkv(rest, { ...scaled, ...packed, causal, prefix: { k, v } }), [-1, ...inner.slice(1)]);
    if (!isRead) return after;
    const alone = attentionQkv(reshape(shared, [1, count, ...inner]), { ...scaled, causal: true });
    return cat([reshape(alone, [count, ...inner.slice(1)]), after]);
  });
}

/** {@link prefixedAttention} that also returns the log-sum-exp its backward pass needs. */
export function prefixedAttentionForward(qkv: Tensor, options: PrefixedOptions): { readonly out: Tensor; readonly lse: Tensor } {
  using input = isQuadAligned(qkv) ? undefined : contiguous.run(qkv);
  return withProblem(input ?? qkv, options, (problem) => prefixedForward(problem, input ?? qkv));
}

/** The gradient of qkv, in one contiguous tensor of the dtype of `grad`. */
export function prefixedAttentionBackward({ qkv, out, lse, grad }: PrefixedSaved, options: PrefixedOptions): Tensor {
  expectLike(OP, 'grad', grad, out.shape);
  using input = isQuadAligned(qkv) ? undefined : contiguous.run(qkv);
  using cotangent = contiguous.run(grad);
  return withProblem(input ?? qkv, options, ({ sequences, prefix }) =>
    prefixedBackward(
      { sequences: withGradient(sequences, grad), prefix: prefix && withGradient(prefix, grad) },
      { qkv: input ?? qkv, out, lse, grad: cotangent },
    ),
  );
}
