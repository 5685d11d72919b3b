import { alias, type FloatDType, reshape, type Tensor } from '@mudpt/tensor/functions';
import { cat, layerNorm, narrow, rmsNorm, select } from '../ops.ts';
import {
  layerNormBackward,
  layerNormForward,
  layerNormNormalised,
  normalisedBackward,
  prefixedLayerNormBackward,
  prefixedLayerNormForward,
} from '@mudpt/tensor/internal';
import { defineOp } from '@mudpt/tensor/kernels';
import { compositionFor, ruleFor, withRules } from '../rule.ts';
import { keepsNormalised, saveNormalised } from '../rules/norm.ts';
import { adopt, expectModuleOptions, filled, type InitOptions } from './init.ts';
import { Module } from './module.ts';

/** Options of a {@link RMSNorm}; eps is added to the mean square. */
export type NormOptions = InitOptions & { readonly eps?: number };

/** How a {@link LayerNorm} begins; eps is added to the variance. */
export type LayerNormOptions = NormOptions & {
  /** Known values instead of 1 and 0. The module takes the tensors over; they are learnt only if they already are. */
  readonly weight?: Tensor;
  readonly bias?: Tensor;
};

/** What {@link forkNorm} gives: `skip`, x again for the residual that goes around the norm, and `out`, x normalised. */
export type Forked = { readonly skip: Tensor; readonly out: Tensor };

/**
 * {@link layerNorm} of x, and another handle of x to be added after what works on the norm (a pre-norm block's residual). The gradient of
 * both ways is formed in one kernel, where x used twice would cost another addition.
 */
const fork = defineOp(
  'forkNorm',
  (x: Tensor, weight: Tensor, bias: Tensor, eps: number, dtype?: FloatDType): Forked => ({
    skip: alias(x),
    out: layerNorm.run(x, weight, bias, eps, dtype),
  }),
);

const forkNormRule = ruleFor(fork, (context, x, weight, bias, eps, dtype) => {
  if (keepsNormalised(context, x, [weight, bias], dtype)) {
    const { out, normalised, rstd } = layerNormNormalised(x, weight, bias, eps, dtype);
    const [saved, shape] = [saveNormalised(context, normalised, weight, rstd), x.shape];
    return {
      output: { skip: alias(x), out },
      takesF32: true,
      inputs: [x],
      backward: (sumGrad, grad) => [grad ? normalisedBackward({ ...saved, grad, sumGrad }, { x: shape }).x : sumGrad],
    };
  }
  const { out, moments, rstd } = layerNormForward(x, weight, bias, eps, dtype);
  const statistics = { moments: context.save(moments), rstd: context.save(rstd) };
  const saved = { x: context.save(x), weight: context.save(weight), ...statistics };
  moments.dispose();
  rstd.dispose();
  const needs = { x: context.needs(x), weight: context.needs(weight), bias: context.needs(bias) };
  return {
    output: { skip: alias(x), out },
    takesF32: true,
    inputs: [x, weight, bias],
    backward: (sumGrad, grad) => {
      if (!grad) return [sumGrad];
      const gradients = layerNormBackward({ ...saved, grad, sumGrad, needs });
      return [gradients.x, gradients.weight, gradients.bias];
    },
  };
});

const forkNorm = withRules(
  fork,
  forkNormRule,
  compositionFor(fork, (x, weight, bias, eps, dtype) => ({ skip: alias(x), out: layerNorm(x, weight, bias, eps, dtype) })),
);

/** {@link forkNorm} of x; `out` [P + rows, width] has the norm of the rows of `prefix` before it. */
const prefixedFork = defineOp(
  'prefixedForkNorm',
  (x: Tensor, prefix: Tensor, weight: Tensor, bias: Tensor, eps: number, dtype?: FloatDType): Forked => {
    const { out, stats } = prefixedLayerNormForward({ x, prefix, weight }, bias, eps, dtype);
    stats.dispose();
    return { skip: alias(x), out };
  },
);

const joined = (prefix: Tensor, x: Tensor): Tensor => cat([prefix, reshape(x, [-1, x.shape.at(-1) as number])]);

const prefixedForkNormRule = ruleFor(prefixedFork, (context, x, prefix, weight, bias, eps, dtype) => {
  const keeps = keepsNormalised(context, x, [weight, bias], dtype);
  const { out, stats, normalised } = prefixedLayerNormForward({ x, prefix, weight }, bias, eps, dtype, keeps);
  if (normalised) {
    const [saved, shapes] = [saveNormalised(context, normalised, weight, stats), { x: x.shape, prefix: prefix.shape }];
    return {
      output: { skip: alias(x), out },
      takesF32: true,
      inputs: [x, prefix],
      backward: (sumGrad, grad) => {
        if (!grad) return [sumGrad];
        const gradients = normalisedBackward({ ...saved, grad, sumGrad }, shapes);
        return [gradients.x, gradients.prefix];
      },
    };
  }
  const saved = { x: context.save(x), prefix: context.save(prefix), weight: context.save(weight) };
  const savedStats = context.save(stats);
  stats.dispose();
  const needs = { weight: context.needs(weight), bias: context.needs(bias) };
  return {
    output: { skip: alias(x), out },
    takesF32: true,
    inputs: [x, prefix, weight, bias],
    backward: (sumGrad, grad) => {
      if (!grad) return [sumGrad];
      const gradients = prefixedLayerNormBackward(saved, { stats: savedStats, grad, sumGrad });
      if (!needs.weight && !needs.bias) return [gradients.x, gradients.prefix];
      const [rstd, moments] = [select(savedStats, 0, 0), narrow(savedStats, 0, 1, 2)];
      const rows = { x: joined(saved.prefix, saved.x), weight: saved.weight, moments, rstd, grad };
      const learnt = layerNormBackward({ ...rows, needs });
      return [gradients.x, gradients.prefix, learnt.weight, learnt.bias];
    },
  };
});

const prefixedForkNorm = withRules(
  prefixedFork,
  prefixedForkNormRule,
  compositionFor(prefixedFork, (x, prefix, weight, bias, eps, dtype) => ({
    skip: alias(x),
    out: layerNorm(joined(prefix, x), weight, bias, eps, dtype),
  })),
);

/** Layer norm over the last axis, with weight and bias. eps 1e-5. */
export class LayerNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly eps: number;

  constructor(width: number, options: LayerNormOptions = {}) {
    super();
    expectModuleOptions('LayerNorm', options, ['eps', 'weight', 'bias']);
    const { weight, bias } = options;
    this.weight = weight ? adopt('LayerNorm', 'weight', weight, [width]) : filled([width], 1, options);
    this.bias = bias ? adopt('LayerNorm', 'bias', bias, [width]) : filled([width], 0, options);
    this.eps = options.eps ?? 1e-5;
  }

  /** @param dtype of the result; default that of x */
  forward(x: Tensor, dtype?: FloatDType): Tensor {
    return layerNorm(x, this.weight, this.bias, this.eps, dtype);
  }

  /** {@link forward}, and x for the residual around what follows. The caller disposes both. */
  fork(x: Tensor, dtype?: FloatDType): Forked {
    return forkNorm(x, this.weight, this.bias, this.eps, dtype);
  }

  /** {@link fork} of x [..., width] whose `out` [P + rows, width] has the norm of `prefix` [P, width] before that of x: one kernel for both. */
  forkAfter(prefix: Tensor, x: Tensor, dtype?: FloatDType): Forked {
    return prefixedForkNorm(x, prefix, this.weight, this.bias, this.eps, dtype);
  }
}

/** Root mean square norm over the last axis, with weight. eps 1e-6. */
export class RMSNorm extends Module {
  readonly weight: Tensor;
  readonly eps: number;

  constructor(width: number, options: NormOptions = {}) {
    super();
    expectModuleOptions('RMSNorm', options, ['eps']);
    this.weight = filled([width], 1, options);
    this.eps = options.eps ?? 1e-6;
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.weight, this.eps);
  }
}
