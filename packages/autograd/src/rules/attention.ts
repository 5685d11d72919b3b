/**
 * Gradient rules of attention on separate and on fused projections, dense or packed, with or without a shared prefix. The backward reads the sequences'
 * block tables as well: the rule saves a handle of them, so the caller may dispose its sequences.
 */
import {
  attention,
  type AttentionOptions,
  attentionQkv,
  attentionUnfused,
  scope,
  type Tensor,
  unbind,
} from '@mudpt/tensor/functions';
import {
  attentionBackward,
  attentionForward,
  attentionMaskGradient,
  attentionQkvBackward,
  attentionQkvForward,
  isFusedAttention,
  isFusedAttentionQkv,
  isFusedPrefixed,
  packedAttentionUnfused,
  prefixedAttention,
  prefixedAttentionBackward,
  prefixedAttentionComposed,
  prefixedAttentionForward,
  sequencesOf,
} from '@mudpt/tensor/internal';
import { compositionFor, type RuleContext, ruleFor } from '../rule.ts';

/** `options` with a handle of the sequences that lives until the backward has run. */
function saveSequences(context: RuleContext, op: string, x: Tensor, options: AttentionOptions): AttentionOptions {
  const { cuSeqlens } = options;
  return cuSeqlens ? { ...options, cuSeqlens: context.saveResource(sequencesOf(op, x.device, cuSeqlens)) } : options;
}

/** `options` for the backward, with saved handles of prefix and mask. */
function saveOptions(context: RuleContext, options: AttentionOptions): AttentionOptions {
  const { prefix, mask } = options;
  return {
    ...options,
    ...(prefix && { prefix: { k: context.save(prefix.k), v: context.save(prefix.v) } }),
    ...(mask && { mask: context.save(mask) }),
  };
}

/** Attention through the matrix of all pairs, for packed sequences too. */
function withAllPairs(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  return options.cuSeqlens ? packedAttentionUnfused(q, k, v, options) : attentionUnfused(q, k, v, options);
}

function withAllPairsOfQkv(qkv: Tensor, options: AttentionOptions = {}): Tensor {
  return scope(() => {
    const [q, k, v] = unbind(qkv, qkv.rank - 3) as [Tensor, Tensor, Tensor];
    return withAllPairs(q, k, v, options);
  });
}

export const attentionRule = ruleFor(
  attention,
  (context, q, k, v, given = {}) => {
    const options = saveSequences(context, 'attention', q, given);
    const { out, lse } = attentionForward({ q, k, v }, options);
    const { prefix, mask } = options;
    const needsMask = context.needs(mask);
    const needs = {
      q: context.needs(q),
      k: context.needs(k),
      v: context.needs(v),
      prefixK: context.needs(prefix?.k),
      prefixV: context.needs(prefix?.v),
    };
    const saved = { q: context.save(q), k: context.save(k), v: context.save(v), out: context.save(out), lse: context.save(lse) };
    const kept = saveOptions(context, options);
    lse.dispose();
    return {
      output: out,
      takesF32: true,
      inputs: [q, k, v, prefix?.k, prefix?.v, mask],
      backward: (grad) => {
        const gradients = attentionBackward({ ...saved, grad, needs }, kept);
        const ofMask = needsMask ? attentionMaskGradient({ ...saved, grad }, kept) : undefined;
        return [gradients.q, gradients.k, gradients.v, gradients.prefixK, gradients.prefixV, ofMask];
      },
    };
  },
  { isComposed: (...call) => !isFusedAttention(...call) },
);

export const attentionComposition = compositionFor(attention, withAllPairs);

export const attentionQkvRule = ruleFor(
  attentionQkv,
  (context, qkv, given = {}) => {
    const options = saveSequences(context, 'attentionQkv', qkv, given);
    const { out, lse } = attentionQkvForward(qkv, options);
    const { prefix, mask } = options;
    const needsMask = context.needs(mask);
    const needs = { qkv: context.needs(qkv), prefixK: context.needs(prefix?.k), prefixV: context.needs(prefix?.v) };
    const saved = { qkv: context.save(qkv), out: context.save(out), lse: context.save(lse) };
    const kept = saveOptions(context, options);
    lse.dispose();
    return {
      output: out,
      takesF32: true,
      inputs: [qkv, prefix?.k, prefix?.v, mask],
      backward: (grad) => {
        const gradients = attentionQkvBackward({ ...saved, grad, needs }, kept);
        if (!needsMask) return [gradients.qkv, gradients.prefixK, gradients.prefixV];
        const [q, k, v] = unbind(saved.qkv, saved.qkv.rank - 3) as [Tensor, Tensor, Tensor];
        const ofMask = attentionMaskGradient({ q, k, v, out: saved.out, lse: saved.lse, grad }, kept);
        return [gradients.qkv, gradients.prefixK, gradients.prefixV, ofMask];
      },
    };
  },
  { isComposed: (...call) => !isFusedAttentionQkv(...call) },
);

export const prefixedAttentionRule = ruleFor(
  prefixedAttention,
  (context, qkv, given) => {
    const { cuSeqlens } = given;
    const sequences = cuSeqlens && context.saveResource(sequencesOf('prefixedAttention', qkv.device, cuSeqlens));
    const options = sequences ? { ...given, cuSeqlens: sequences } : given;
    const { out, lse } = prefixedAttentionForward(qkv, options);
    const saved = { qkv: context.save(qkv), out: context.save(out), lse: context.save(lse) };
    lse.dispose();
    return {
      output: out,
      takesF32: true,
      inputs: [qkv],
      backward: (grad) => [prefixedAttentionBackward({ ...saved, grad }, options)],
    };
  },
  { isComposed: (...call) => !isFusedPrefixed(...call) },
);

export const prefixedAttentionComposition = compositionFor(prefixedAttention, prefixedAttentionComposed);

export const attentionQkvComposition = compositionFor(attentionQkv, withAllPairsOfQkv);
