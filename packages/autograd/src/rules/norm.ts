/** Gradient rules of norms over the last axis. */
import {
  add,
  addLayerNorm,
  cast,
  type DType,
  div,
  l2Normalize,
  layerNorm,
  maximum,
  mean,
  mul,
  norm,
  rmsNorm,
  rsqrt,
  scope,
  square,
  type Tensor,
} from '@mudpt/tensor/functions';
import {
  addLayerNormForward,
  expectNorm,
  l2NormalizeBackward,
  layerNormBackward,
  layerNormForward,
  layerNormNormalised,
  normalisedBackward,
  rmsNormBackward,
  rmsNormForward,
} from '@mudpt/tensor/internal';
import { compositionFor, type RuleContext, ruleFor } from '../rule.ts';
import { centred } from './centred.ts';

/** Saves the tensors that the backward of a normalisation reads, and releases the statistics' first handles. */
function keepStatistics(
  context: RuleContext,
  source: Tensor,
  weight: Tensor | undefined,
  moments: Tensor | undefined,
  rstd: Tensor,
) {
  const statistics = { moments: context.save(moments), rstd: context.save(rstd) };
  moments?.dispose();
  rstd.dispose();
  return { x: context.save(source), weight: context.save(weight), ...statistics };
}

/** x times the reciprocal root of its mean square plus eps, with f32 inside. */
function normalised(x: Tensor, eps: number): Tensor {
  return mul(x, rsqrt(add(mean(square(x), -1, { keepdim: true }), eps)));
}

function layerNormComposed(x: Tensor, weight?: Tensor, bias?: Tensor, eps = 1e-5, dtype: DType = x.dtype): Tensor {
  expectNorm('layerNorm', x, { weight, bias });
  return scope(() => {
    const values = cast(x, 'f32');
    const whitened = normalised(centred(values, -1), eps);
    const scaled = weight ? mul(whitened, weight) : whitened;
    return cast(bias ? add(scaled, bias) : scaled, dtype);
  });
}

function addLayerNormComposed(x: Tensor, residual: Tensor, weight?: Tensor, bias?: Tensor, eps?: number) {
  expectNorm('addLayerNorm', x, { weight, bias, residual });
  const sum = add(x, residual);
  return { sum, out: layerNormComposed(sum, weight, bias, eps) };
}

function rmsNormComposed(x: Tensor, weight?: Tensor, eps = 1e-6): Tensor {
  expectNorm('rmsNorm', x, { weight });
  return scope(() => {
    const whitened = normalised(cast(x, 'f32'), eps);
    return cast(weight ? mul(whitened, weight) : whitened, x.dtype);
  });
}

function l2NormalizeComposed(x: Tensor, axis = -1, eps = 1e-12): Tensor {
  expectNorm('l2Normalize', x, {});
  return scope(() => {
    const values = cast(x, 'f32');
    return cast(div(values, maximum(norm(values, axis, { keepdim: true }), eps)), x.dtype);
  });
}

/**
 * Whether a norm of x keeps its normalised rows for the backward rather than x: where they are of a narrower dtype than x, and no gradient of weight or bias is
 * needed. Then the residual stream itself is not kept.
 */
export function keepsNormalised(context: RuleContext, x: Tensor, vectors: readonly unknown[], dtype: DType = x.dtype): boolean {
  return dtype === 'f16' && x.dtype === 'f32' && !context.needs(vectors);
}

/** Saves the normalised rows and what else the backward of such a norm reads, and releases their first handles. */
export function saveNormalised(context: RuleContext, normalised: Tensor, weight: Tensor | undefined, rstd: Tensor) {
  const saved = { normalised: context.save(normalised), weight: context.save(weight), rstd: context.save(rstd) };
  normalised.dispose();
  rstd.dispose();
  return saved;
}

export const layerNormRule = ruleFor(layerNorm, (context, x, weight, bias, eps, dtype) => {
  if (keepsNormalised(context, x, [weight, bias], dtype)) {
    const { out, normalised, rstd } = layerNormNormalised(x, weight, bias, eps, dtype);
    const [saved, shape] = [saveNormalised(context, normalised, weight, rstd), x.shape];
    return {
      output: out,
      takesF32: true,
      inputs: [x],
      backward: (grad) => [normalisedBackward({ ...saved, grad }, { x: shape }).x],
    };
  }
  const { out, moments, rstd } = layerNormForward(x, weight, bias, eps, dtype);
  const saved = keepStatistics(context, x, weight, moments, rstd);
  const needs = { x: context.needs(x), weight: context.needs(weight), bias: context.needs(bias) };
  return {
    output: out,
    takesF32: true,
    inputs: [x, weight, bias],
    backward: (grad) => {
      const gradients = layerNormBackward({ ...saved, grad, needs });
      return [gradients.x, gradients.weight, gradients.bias];
    },
  };
});

export const layerNormComposition = compositionFor(layerNorm, layerNormComposed);

export const addLayerNormRule = ruleFor(addLayerNorm, (context, x, residual, weight, bias, eps) => {
  const { out, sum, moments, rstd } = addLayerNormForward(x, residual, weight, bias, eps);
  const saved = keepStatistics(context, sum, weight, moments, rstd);
  const needsSum = context.needs([x, residual]);
  const needs = { x: needsSum, weight: context.needs(weight), bias: context.needs(bias) };
  return {
    output: { sum, out },
    takesF32: true,
    inputs: [x, residual, weight, bias],
    backward: (sumGrad, grad) => {
      if (!grad) return [sumGrad, sumGrad];
      const gradients = layerNormBackward({ ...saved, grad, sumGrad, needs });
      return [gradients.x, gradients.x, gradients.weight, gradients.bias];
    },
  };
});

export const addLayerNormComposition = compositionFor(addLayerNorm, addLayerNormComposed);

export const rmsNormRule = ruleFor(rmsNorm, (context, x, weight, eps) => {
  const { out, rstd } = rmsNormForward(x, weight, eps);
  const { moments: _, ...saved } = keepStatistics(context, x, weight, undefined, rstd);
  const needs = { x: context.needs(x), weight: context.needs(weight) };
  return {
    output: out,
    takesF32: true,
    inputs: [x, weight],
    backward: (grad) => {
      const gradients = rmsNormBackward({ ...saved, grad, needs });
      return [gradients.x, gradients.weight];
    },
  };
});

export const rmsNormComposition = compositionFor(rmsNorm, rmsNormComposed);

export const l2NormalizeRule = ruleFor(l2Normalize, (context, x, axis, eps) => {
  const saved = context.save(x);
  return { output: l2Normalize(x, axis, eps), backward: (grad) => [l2NormalizeBackward(saved, grad, axis, eps)] };
});

export const l2NormalizeComposition = compositionFor(l2Normalize, l2NormalizeComposed);
