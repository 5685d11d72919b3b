/** Losses as compositions of ops, for derivatives of their gradients. f32 inside, as the kernels are. */
import {
  abs,
  cast,
  type CrossEntropyOptions,
  div,
  gather,
  ge,
  type KlDivOptions,
  logicalAnd,
  logSoftmax,
  lt,
  mean,
  mul,
  ne,
  neg,
  add,
  type PairLossOptions,
  reshape,
  scope,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  where,
} from '@mudpt/tensor/functions';
import { crossEntropyOptions, klFactor, lastOf, pairReduction } from '@mudpt/tensor/internal';
import { detach } from '../parameter.ts';

export function crossEntropyComposed(logits: Tensor, labels: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { reduction, labelSmoothing, ignoreIndex, scale } = crossEntropyOptions(logits, labels, options);
  const classes = lastOf(logits.shape);
  return scope(() => {
    const logProbabilities = logSoftmax(mul(cast(logits, 'f32'), scale), -1);
    const isCounted = ne(labels, ignoreIndex);
    const isClass = logicalAnd(ge(labels, 0), lt(labels, classes));
    const picked = gather(logProbabilities, -1, reshape(where(isClass, labels, 0), [...labels.shape, 1]));
    // A label outside the classes makes its loss NaN.
    const likelihoods = where(isClass, reshape(picked, labels.shape), Number.NaN);
    const smoothed =
      labelSmoothing === 0
        ? likelihoods
        : add(mul(likelihoods, 1 - labelSmoothing), mul(mean(logProbabilities, -1), labelSmoothing));
    const losses = where(isCounted, neg(smoothed), 0);
    if (reduction === 'none') return losses;
    return reduction === 'sum' ? sum(losses) : div(sum(losses), sum(cast(isCounted, 'f32')));
  });
}

export function klDivComposed(x: Tensor, target: Tensor, options: KlDivOptions = {}): Tensor {
  const factor = klFactor(x, target, options);
  return scope(() => {
    const wanted = cast(detach(target), 'f32');
    const difference = sub(logSoftmax(wanted, -1), logSoftmax(cast(x, 'f32'), -1));
    return mul(sum(mul(softmax(wanted, -1), difference)), factor);
  });
}

/* @__NO_SIDE_EFFECTS__ */
function pairLoss(
  op: string,
  distance: (difference: Tensor) => Tensor,
): (x: Tensor, target: Tensor, options?: PairLossOptions) => Tensor {
  return (x, target, options = {}) =>
    scope(() => {
      const reduction = pairReduction(op, x, target, options);
      const terms = distance(sub(cast(x, 'f32'), cast(target, 'f32')));
      return reduction === 'none' ? terms : (reduction === 'mean' ? mean : sum)(terms);
    });
}

export const l1LossComposed = pairLoss('l1Loss', abs);
export const mseLossComposed = pairLoss('mseLoss', square);
