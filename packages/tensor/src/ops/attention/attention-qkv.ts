/**
 * Self-attention on a fused qkv projection: one input, one output, one gradient buffer, no copies in between.
 */
import { ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { showShape } from '../../shape.ts';
import { empty, view } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import {
  type AttentionGradients,
  attention,
  attentionBackward,
  attentionComposed,
  attentionForward,
  isFusedAttention,
} from './attention.ts';
import { scope } from '../../scope.ts';
import { unbind } from '../views/slices.ts';
import type { AttentionOptions } from '../../kernels/attention/options.ts';

type Parts = { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor };

/** The axis of the three parts of a fused projection [..., T, 3, H, D]. */
function partsAxis(op: string, qkv: Tensor): number {
  qkv.expectLive(op);
  const axis = qkv.rank - 3;
  if ((qkv.rank !== 5 && qkv.rank !== 4) || qkv.shape[axis] !== 3) {
    throw new ShapeError(
      op,
      `qkv has shape ${showShape(qkv.shape)}`,
      'give [B, T, 3, H, D], or packed [N, 3, H, D] with cuSeqlens; a projection [B, T, 3 * H * D] is viewed that way',
    );
  }
  return axis;
}

/** Queries, keys and values of a fused projection as views; the caller disposes them. */
function partsOf(op: string, qkv: Tensor): Parts {
  const axis = partsAxis(op, qkv);
  const shape = qkv.shape.filter((_, i) => i !== axis);
  const strides = qkv.strides.filter((_, i) => i !== axis);
  const part = (index: number): Tensor => view(qkv, { shape, strides, offset: qkv.offset + index * nth(qkv.strides, axis) });
  return { q: part(0), k: part(1), v: part(2) };
}

function disposeParts({ q, k, v }: Parts): void {
  for (const x of [q, k, v]) x.dispose();
}

/** {@link attention} of the three parts of qkv [B, T, 3, H, D] (packed: [N, 3, H, D]): out [B, T, H, D]. */
export const attentionQkv = defineOp('attentionQkv', (qkv: Tensor, options: AttentionOptions = {}): Tensor => {
  if (!isFusedAttentionQkv(qkv, options)) return attentionQkvComposed(qkv, options);
  const parts = partsOf('attentionQkv', qkv);
  try {
    return attention.run(parts.q, parts.k, parts.v, options);
  } finally {
    disposeParts(parts);
  }
});

/** Whether one fused kernel computes it, see {@link isFusedAttention}. */
export function isFusedAttentionQkv(qkv: Tensor, options: AttentionOptions = {}): boolean {
  return isFusedAttention(qkv, qkv, qkv, options);
}

/** The same by other ops. */
function attentionQkvComposed(qkv: Tensor, options: AttentionOptions = {}): Tensor {
  return scope(() => {
    const [q, k, v] = unbind(qkv, partsAxis('attentionQkv', qkv)) as [Tensor, Tensor, Tensor];
    return attentionComposed(q, k, v, options);
  });
}

/** {@link attentionQkv} that also returns the log-sum-exp its backward pass needs. */
export function attentionQkvForward(qkv: Tensor, options: AttentionOptions = {}): { readonly out: Tensor; readonly lse: Tensor } {
  const parts = partsOf('attentionQkvForward', qkv);
  try {
    return attentionForward(parts, options);
  } finally {
    disposeParts(parts);
  }
}

/** As {@link AttentionBackwardInputs}, with the three parts in one tensor. */
export type AttentionQkvBackwardInputs = {
  readonly qkv: Tensor;
  readonly out: Tensor;
  readonly lse: Tensor;
  readonly grad: Tensor;
  readonly needs: { readonly qkv?: boolean; readonly prefixK?: boolean; readonly prefixV?: boolean };
};
/** The requested gradients: of qkv in its shape, and of the prefix. */
export type AttentionQkvGradients = { readonly qkv?: Tensor } & Pick<AttentionGradients, 'prefixK' | 'prefixV'>;

/** Gradients of {@link attentionQkv}, of the dtype of `grad`; that of qkv is one contiguous tensor, ready for the projection's backward product. */
export function attentionQkvBackward(inputs: AttentionQkvBackwardInputs, options: AttentionOptions = {}): AttentionQkvGradients {
  const { qkv, out, lse, grad, needs } = inputs;
  const { prefixK = false, prefixV = false } = needs;
  const parts = partsOf('attentionQkvBackward', qkv);
  try {
    if (!needs.qkv) return attentionBackward({ ...parts, out, lse, grad, needs: { prefixK, prefixV } }, options);
    const whole = empty(qkv.device, qkv.shape, grad.dtype);
    const into = partsOf('attentionQkvBackward', whole);
    const { q, k, v, ...prefix } = attentionBackward(
      { ...parts, out, lse, grad, into, needs: { q: true, k: true, v: true, prefixK, prefixV } },
      options,
    );
    for (const handle of [q, k, v]) handle?.dispose();
    disposeParts(into);
    return { qkv: whole, ...prefix };
  } finally {
    disposeParts(parts);
  }
}
