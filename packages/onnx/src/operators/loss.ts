/** Losses over classes. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import type { Call } from '../node/call.ts';
import type { Operator, Operators } from '../node/operator.ts';

/** Minus the logarithm of the probability of each label, [N, ...], weighed and reduced. The class is axis 1 of [N, C, ...]. */
function likelihoodLoss(call: Call, logs: Tensor, labels: Tensor, weight: Tensor | undefined): Tensor {
  const ids = engine.cast(labels, 'i32');
  const ignored = call.isGiven('ignore_index') ? engine.eq(ids, call.int('ignore_index')) : undefined;
  const safe = ignored ? engine.where(ignored, 0, ids) : ids;
  const picked = engine.squeeze(engine.gather(logs, 1, engine.unsqueeze(safe, 1)), 1);
  let factor: Tensor | undefined;
  if (weight) factor = engine.reshape(engine.indexSelect(weight, 0, engine.reshape(safe, [safe.size])), safe.shape);
  if (ignored) factor = engine.where(ignored, 0, factor ?? engine.ones(safe.shape, { device: logs.device, dtype: logs.dtype }));
  const terms = factor ? engine.mul(engine.neg(picked), factor) : engine.neg(picked);
  const reduction = call.text('reduction', 'mean');
  if (reduction === 'none') return terms;
  if (reduction === 'sum') return engine.sum(terms);
  return factor ? engine.div(engine.sum(terms), engine.sum(factor)) : engine.mean(terms);
}

const crossEntropy: Operator = {
  by: 'composition',
  run: (call) => {
    const logs = engine.logSoftmax(call.x(0), 1);
    return [likelihoodLoss(call, logs, call.x(1), call.maybe(2)), call.wants(1) ? logs : undefined];
  },
};

export const lossOperators: Operators = {
  NegativeLogLikelihoodLoss: { by: 'composition', run: (call) => likelihoodLoss(call, call.x(0), call.x(1), call.maybe(2)) },
  SoftmaxCrossEntropyLoss: crossEntropy,
};
