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
} from '@mudpt/tensor';
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
import { defineRule } from '../rule.ts';
import { crossEntropyComposed, klDivComposed, l1LossComposed, mseLossComposed } from './loss-compositions.ts';

defineRule(softmax, (context, x, axis = -1) => {
  const output = softmax(x, axis);
  const saved = context.save(output);
  const composed: typeof softmaxBackward = (y, grad) => mul(y, sub(grad, sum(mul(y, grad), axis, { keepdim: true })));
  return { output, backward: (grad) => [(listeningTape() ? composed : softmaxBackward)(saved, grad, axis)] };
});

defineRule(logSoftmax, (context, x, axis = -1) => {
  const output = logSoftmax(x, axis);
  const saved = context.save(output);
  const composed: typeof softmaxBackward = (y, grad) => sub(grad, mul(exp(y), sum(grad, axis, { keepdim: true })));
  return { output, backward: (grad) => [(listeningTape() ? composed : logSoftmaxBackward)(saved, grad, axis)] };
});

defineRule(
  crossEntropy,
  (context, logits, labels, options) => {
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
  },
  { composition: crossEntropyComposed },
);

// The target is a constant (it gets no gradient), as documented at the op.
defineRule(
  klDiv,
  (context, x, target, options) => {
    const { loss, lse } = klDivForward(x, target, options);
    const saved = { x: context.save(x), target: context.save(target), lse: context.save(lse) };
    lse.dispose();
    return { output: loss, inputs: [x], backward: (grad) => [klDivBackward({ ...saved, grad }, options)] };
  },
  { composition: klDivComposed },
);

for (const [loss, backward, composition, slope] of [
  [l1Loss, l1LossBackward, l1LossComposed, (grad: Tensor, x: Tensor, target: Tensor) => mul(grad, sign(sub(x, target)))],
  [mseLoss, mseLossBackward, mseLossComposed, (grad: Tensor, x: Tensor, target: Tensor) => mul(grad, mul(sub(x, target), 2))],
] as const) {
  defineRule(
    loss,
    (context, x, target, options) => {
      const saved = { x: context.save(x), target: context.save(target) };
      const needsTarget = context.needs(target);
      return {
        output: loss(x, target, options),
        backward: (grad) => {
          const dx = options?.reduction === 'none' ? slope(grad, saved.x, saved.target) : backward({ ...saved, grad }, options);
          return [dx, needsTarget ? neg(dx) : undefined];
        },
      };
    },
    { composition },
  );
}
