/** Attention over separate and over fused projections. */
import {
  attention,
  attentionBackward,
  attentionForward,
  type AttentionOptions,
  defineOp,
  empty,
  ShapeError,
  type Tensor,
  view,
} from '@mudpt/tensor';
import { defineRule } from '../rule.ts';

type Parts = { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor };

defineRule(attention, (context, q, k, v, options = {}) => {
  const { out, lse } = attentionForward({ q, k, v }, options);
  const { prefix } = options;
  const needs = {
    q: context.needs(q),
    k: context.needs(k),
    v: context.needs(v),
    prefixK: context.needs(prefix?.k),
    prefixV: context.needs(prefix?.v),
  };
  const saved = { q: context.save(q), k: context.save(k), v: context.save(v), out: context.save(out), lse: context.save(lse) };
  const kept = prefix && { prefix: { k: context.save(prefix.k), v: context.save(prefix.v) } };
  lse.dispose();
  return {
    output: out,
    inputs: [q, k, v, prefix?.k, prefix?.v],
    backward: (grad) => {
      const gradients = attentionBackward({ ...saved, grad, needs }, { ...options, ...kept });
      return [gradients.q, gradients.k, gradients.v, gradients.prefixK, gradients.prefixV];
    },
  };
});

/** The queries, keys and values of a fused projection, as views. */
function partsOf(qkv: Tensor): Parts {
  const axis = qkv.rank - 3;
  const keep = (_: number, at: number): boolean => at !== axis;
  const geometry = { shape: qkv.shape.filter(keep), strides: qkv.strides.filter(keep) };
  const part = (index: number): Tensor => view(qkv, { ...geometry, offset: qkv.offset + index * (qkv.strides[axis] ?? 0) });
  return { q: part(0), k: part(1), v: part(2) };
}

function disposeParts({ q, k, v }: Parts): void {
  for (const part of [q, k, v]) part.dispose();
}

/**
 * Attention straight from a fused projection: qkv [B, T, 3, H, D] (or packed [N, 3, H, D]) gives [B, T, H, D]. Its gradient is written
 * into one tensor of the shape of qkv, so that the projection's backward reads it without joining.
 * @throws ShapeError when there are no three parts
 */
export const selfAttention = defineOp('selfAttention', (qkv: Tensor, options: AttentionOptions = {}): Tensor => {
  expectParts(qkv);
  const parts = partsOf(qkv);
  const { out, lse } = attentionForward(parts, options);
  lse.dispose();
  disposeParts(parts);
  return out;
});

defineRule(selfAttention, (context, qkv, options = {}) => {
  expectParts(qkv);
  const parts = partsOf(qkv);
  const { out, lse } = attentionForward(parts, options);
  disposeParts(parts);
  const { prefix } = options;
  const [needsOwn, prefixK, prefixV] = [context.needs(qkv), context.needs(prefix?.k), context.needs(prefix?.v)];
  const saved = { qkv: context.save(qkv), out: context.save(out), lse: context.save(lse) };
  const kept = prefix && { prefix: { k: context.save(prefix.k), v: context.save(prefix.v) } };
  lse.dispose();
  return {
    output: out,
    inputs: [qkv, prefix?.k, prefix?.v],
    backward: (grad) => {
      const whole = needsOwn ? empty(grad.device, saved.qkv.shape, grad.dtype) : undefined;
      const needs = { q: needsOwn, k: needsOwn, v: needsOwn, prefixK, prefixV };
      const gradients = attentionBackward(
        { ...partsOf(saved.qkv), out: saved.out, lse: saved.lse, grad, needs, ...(whole && { into: partsOf(whole) }) },
        { ...options, ...kept },
      );
      return [whole, gradients.prefixK, gradients.prefixV];
    },
  };
});

function expectParts(qkv: Tensor): void {
  qkv.expectLive('selfAttention');
  if ((qkv.rank === 4 || qkv.rank === 5) && qkv.shape[qkv.rank - 3] === 3) return;
  throw new ShapeError(
    'selfAttention',
    `qkv has shape [${qkv.shape.join(', ')}]`,
    'give [B, T, 3, H, D], or packed [N, 3, H, D] with cuSeqlens',
  );
}
