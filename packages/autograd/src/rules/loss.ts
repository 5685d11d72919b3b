/** Gradient rules of softmax and losses. */
import {
  crossEntropy,
  exp,
  klDiv,
  l1Loss,
  logSoftmax,
  mseLoss,
  mul,
  neg,
  sign,
  softmax,
  sub,
  sum,
  type Tensor,
} from '@mudpt/tensor/functions';
import {
  crossEntropyBackward,
  crossEntropyForward,
  klDivBackward,
  klDivForward,
  l1LossBackward,
  listeningTape,
  logSoftmaxBackward,
  mseLossBackward,
  softmaxBackward,
} from '@mudpt/tensor/internal';
import { compositionFor, type OpRule, ruleFor } from '../rule.ts';
import { crossEntropyComposed, klDivComposed, l1LossComposed, mseLossComposed } from './loss-compositions.ts';

export const softmaxRule = ruleFor(softmax, (context, x, axis = -1) => {
  const output = softmax(x, axis);
  const saved = context.save(output);
  const composed: typeof softmaxBackward = (y, grad) => mul(y, sub(grad, sum(mul(y, grad), axis, { keepdim: true })));
  return { output, backward: (grad) => [(listeningTape() ? composed : softmaxBackward)(saved, grad, axis)] };
});

export const logSoftmaxRule = ruleFor(logSoftmax, (context, x, axis = -1) => {
  const output = logSoftmax(x, axis);
  const saved = context.save(output);
  const composed: typeof softmaxBackward = (y, grad) => sub(grad, mul(exp(y), sum(grad, axis, { keepdim: true })));
  return { output, backward: (grad) => [(listeningTape() ? composed : logSoftmaxBackward)(saved, grad, axis)] };
});

export const crossEntropyRule = ruleFor(crossEntropy, (context, logits, labels, options) => {
  const { loss, lse, counted } = crossEntropyForward(logits, labels, options);
  const saved = {
    logits: context.save(logits),
    labels: context.save(labels),
    lse: context.save(lse),
    counted: context.save(counted),
  };
  lse.dispose();
  counted?.dispose();
  return { output: loss, inputs: [logits], backward: (grad) => [crossEntropyBackward({ ...saved, grad }, options)] };
});

export const crossEntropyComposition = compositionFor(crossEntropy, crossEntropyComposed);

// The target is a constant (it gets no gradient), as documented at the op.
export const klDivRule = ruleFor(klDiv, (context, x, target, options) => {
  const { loss, lse } = klDivForward(x, target, options);
  const saved = { x: context.save(x), target: context.save(target), lse: context.save(lse) };
  lse.dispose();
  return { output: loss, inputs: [x], backward: (grad) => [klDivBackward({ ...saved, grad }, options)] };
});

export const klDivComposition = compositionFor(klDiv, klDivComposed);

type PairLoss = typeof mseLoss;

/** @param slope the gradient of the terms, where they are not reduced */
/* @__NO_SIDE_EFFECTS__ */
function pairRule(
  loss: PairLoss,
  backward: typeof mseLossBackward,
  slope: (grad: Tensor, x: Tensor, target: Tensor) => Tensor,
): OpRule {
  return ruleFor(loss, (context, x, target, options) => {
    const saved = { x: context.save(x), target: context.save(target) };
    const needsTarget = context.needs(target);
    return {
      output: loss(x, target, options),
      backward: (grad) => {
        const dx = options?.reduction === 'none' ? slope(grad, saved.x, saved.target) : backward({ ...saved, grad }, options);
        return [dx, needsTarget ? neg(dx) : undefined];
      },
    };
  });
}

export const l1LossRule = pairRule(l1Loss, l1LossBackward, (grad, x, target) => mul(grad, sign(sub(x, target))));
export const mseLossRule = pairRule(mseLoss, mseLossBackward, (grad, x, target) => mul(grad, mul(sub(x, target), 2)));

export const l1LossComposition = compositionFor(l1Loss, l1LossComposed);
export const mseLossComposition = compositionFor(mseLoss, mseLossComposed);
