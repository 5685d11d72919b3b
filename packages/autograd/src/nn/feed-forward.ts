import { type Activation, type FloatDType, type Tensor } from '@mudpt/tensor/functions';
import { linear } from '../ops.ts';
import { linearBackwardBias, linearBackwardInput, linearBackwardWeight, linearForward } from '@mudpt/tensor/internal';
import { defineOp } from '@mudpt/tensor/kernels';
import { compositionFor, ruleFor, withRules } from '../rule.ts';

/** Weight [outputs, inputs] and bias [outputs] of a linear layer. */
export type LinearWeights = { readonly weight: Tensor; readonly bias?: Tensor | undefined };

/** Options of {@link feedForward}. */
export type FeedForwardOptions = {
  /** Applied between the two products. Default 'none'. */
  readonly activation?: Activation;
  /** Tensor added last, of the result's shape. */
  readonly residual?: Tensor;
  /** dtype of the hidden channels. Default: as {@link linear} chooses it. */
  readonly hiddenDType?: FloatDType | undefined;
  /** dtype of the result. Default: as {@link linear} chooses it. */
  readonly dtype?: FloatDType | undefined;
};

/** The options of both products. */
function optionsOf({ activation = 'none', residual, hiddenDType, dtype }: FeedForwardOptions) {
  return { up: { activation, dtype: hiddenDType }, down: { ...(residual && { residual }), dtype } };
}

/** See {@link feedForward}. */
const plain = defineOp(
  'feedForward',
  (x: Tensor, up: LinearWeights, down: LinearWeights, options: FeedForwardOptions = {}): Tensor => {
    const given = optionsOf(options);
    using hidden = linear.run(x, up.weight, up.bias, given.up);
    return linear.run(hidden, down.weight, down.bias, given.down);
  },
);

function feedForwardComposed(x: Tensor, up: LinearWeights, down: LinearWeights, options: FeedForwardOptions = {}): Tensor {
  const given = optionsOf(options);
  using hidden = linear(x, up.weight, up.bias, given.up);
  return linear(hidden, down.weight, down.bias, given.down);
}

const feedForwardRule = ruleFor(plain, (context, x, up, down, options = {}) => {
  const { activation = 'none', residual } = options;
  const given = optionsOf(options);
  const needs = {
    x: context.needs(x),
    upWeight: context.needs(up.weight),
    upBias: context.needs(up.bias),
    downWeight: context.needs(down.weight),
    downBias: context.needs(down.bias),
  };
  const isThrough = needs.x || needs.upWeight || needs.upBias;
  const { output: hidden, pre } = isThrough
    ? linearForward(x, up.weight, up.bias, given.up)
    : { output: linear(x, up.weight, up.bias, given.up), pre: undefined };
  const output = linear(hidden, down.weight, down.bias, given.down);
  const saved = {
    x: needs.upWeight ? context.save(x) : undefined,
    upWeight: needs.x ? context.save(up.weight) : undefined,
    pre: context.save(pre),
    hidden: needs.downWeight ? context.save(hidden) : undefined,
    downWeight: isThrough ? context.save(down.weight) : undefined,
  };
  hidden.dispose();
  pre?.dispose();
  return {
    output,
    takesF32: true,
    inputs: [x, up.weight, up.bias, down.weight, down.bias, residual],
    backward: (grad) => {
      const inner =
        saved.downWeight && linearBackwardInput(grad, saved.downWeight, saved.pre ? { pre: saved.pre, activation } : {});
      return [
        inner && saved.upWeight && linearBackwardInput(inner, saved.upWeight),
        inner && saved.x && linearBackwardWeight(inner, saved.x),
        inner && needs.upBias ? linearBackwardBias(inner) : undefined,
        saved.hidden && linearBackwardWeight(grad, saved.hidden),
        needs.downBias ? linearBackwardBias(grad) : undefined,
        residual && grad,
      ];
    },
  };
});

/**
 * act(x U^T + a) D^T + b + residual: x [..., width] through `up` (U, a) and `down` (D, b), in two kernels. One op rather than two, because its
 * backward multiplies by the activation's derivative within the product with D: two kernels again when the weights are frozen.
 */
export const feedForward = withRules(plain, feedForwardRule, compositionFor(plain, feedForwardComposed));
