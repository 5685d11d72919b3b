/** Attention over separate and over fused projections. */
import {
  attention,
  attentionBackward,
  attentionForward,
  attentionQkv,
  attentionQkvBackward,
  attentionQkvForward,
} from '@mudpt/tensor';
import { defineRule } from '../rule.ts';

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

defineRule(attentionQkv, (context, qkv, options = {}) => {
  const { out, lse } = attentionQkvForward(qkv, options);
  const { prefix } = options;
  const needs = { qkv: context.needs(qkv), prefixK: context.needs(prefix?.k), prefixV: context.needs(prefix?.v) };
  const saved = { qkv: context.save(qkv), out: context.save(out), lse: context.save(lse) };
  const kept = prefix && { prefix: { k: context.save(prefix.k), v: context.save(prefix.v) } };
  lse.dispose();
  return {
    output: out,
    inputs: [qkv, prefix?.k, prefix?.v],
    backward: (grad) => {
      const gradients = attentionQkvBackward({ ...saved, grad, needs }, { ...options, ...kept });
      return [gradients.qkv, gradients.prefixK, gradients.prefixV];
    },
  };
});
