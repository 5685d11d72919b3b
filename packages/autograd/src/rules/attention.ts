/**
 * Gradient rules of attention on separate and on fused projections, dense or packed, with or without a shared prefix. The backward reads the sequences'
 * block tables as well: the rule saves a handle of them, so the caller may dispose its sequences.
 */
import {
  attention,
  type AttentionOptions,
  type AttentionPrefix,
  attentionQkv,
  attentionUnfused,
  scope,
  type Tensor,
  unbind,
} from '@mudpt/tensor';
import {
  attentionBackward,
  attentionForward,
  attentionQkvBackward,
  attentionQkvForward,
  packedAttentionUnfused,
  sequencesOf,
} from '@mudpt/tensor/internal';
import { defineRule, type RuleContext } from '../rule.ts';

/** Options with sequences that live until the backward has run. */
function saveSequences(context: RuleContext, op: string, x: Tensor, options: AttentionOptions): AttentionOptions {
  const { cuSeqlens } = options;
  return cuSeqlens ? { ...options, cuSeqlens: context.saveResource(sequencesOf(op, x.device, cuSeqlens)) } : options;
}

/** Options for the backward: the prefix as saved. */
function savePrefix(context: RuleContext, options: AttentionOptions, prefix: AttentionPrefix | undefined): AttentionOptions {
  return prefix ? { ...options, prefix: { k: context.save(prefix.k), v: context.save(prefix.v) } } : options;
}

/** With a matrix of all pairs, that of packed sequences too. */
function attentionComposed(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  return options.cuSeqlens ? packedAttentionUnfused(q, k, v, options) : attentionUnfused(q, k, v, options);
}

function attentionQkvComposed(qkv: Tensor, options: AttentionOptions = {}): Tensor {
  return scope(() => {
    const [q, k, v] = unbind(qkv, qkv.rank - 3) as [Tensor, Tensor, Tensor];
    return attentionComposed(q, k, v, options);
  });
}

defineRule(
  attention,
  (context, q, k, v, given = {}) => {
    const options = saveSequences(context, 'attention', q, given);
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
    const kept = savePrefix(context, options, prefix);
    lse.dispose();
    return {
      output: out,
      inputs: [q, k, v, prefix?.k, prefix?.v],
      backward: (grad) => {
        const gradients = attentionBackward({ ...saved, grad, needs }, kept);
        return [gradients.q, gradients.k, gradients.v, gradients.prefixK, gradients.prefixV];
      },
    };
  },
  { composition: attentionComposed },
);

defineRule(
  attentionQkv,
  (context, qkv, given = {}) => {
    const options = saveSequences(context, 'attentionQkv', qkv, given);
    const { out, lse } = attentionQkvForward(qkv, options);
    const { prefix } = options;
    const needs = { qkv: context.needs(qkv), prefixK: context.needs(prefix?.k), prefixV: context.needs(prefix?.v) };
    const saved = { qkv: context.save(qkv), out: context.save(out), lse: context.save(lse) };
    const kept = savePrefix(context, options, prefix);
    lse.dispose();
    return {
      output: out,
      inputs: [qkv, prefix?.k, prefix?.v],
      backward: (grad) => {
        const gradients = attentionQkvBackward({ ...saved, grad, needs }, kept);
        return [gradients.qkv, gradients.prefixK, gradients.prefixV];
      },
    };
  },
  { composition: attentionQkvComposed },
);
