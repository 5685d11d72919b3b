/** Losses of one term for each element, out of other ops, in f32: binary cross-entropy of probabilities and of logits, Huber's, and the smooth L1 loss. */
import { expectDType } from '../../dtype.ts';
import { LimitError, ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { expectOneOf } from '../../definition/options.ts';
import { abs, add, clamp, div, log, lt, mul, neg, softplus, sub, where } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { sameShape, showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { cast } from '../views/copy.ts';
import { mean, sum } from '../reduce/reduce.ts';

/** What becomes of the terms: their mean (default), their sum, or 'none', each for itself. */
export type Reduction = 'mean' | 'sum' | 'none';
/** Options of losses with a term for each element. */
export type ReductionOptions = { readonly reduction?: Reduction };

/** @throws TensorError for another reduction */
export function reduceTerms(op: string, terms: Tensor, reduction: Reduction): Tensor {
  expectOneOf(op, 'reduction', reduction, ['mean', 'sum', 'none']);
  if (reduction === 'none') return terms;
  return reduction === 'mean' ? mean(terms) : sum(terms);
}

function expectPair(op: string, x: Tensor, target: Tensor): void {
  x.expectLive(op);
  target.expectLive(op);
  for (const [name, tensor] of Object.entries({ x, target })) expectDType(op, name, tensor.dtype, ['f32', 'f16']);
  if (!sameShape(x.shape, target.shape))
    throw new ShapeError(op, `x has shape ${showShape(x.shape)}, target ${showShape(target.shape)}`, 'give both one shape');
}

/** Options of {@link bceWithLogits}. */
export type BceOptions = ReductionOptions & {
  /** Factors of the terms; broadcasts to x. */
  readonly weight?: Tensor;
  /** Factors of the positive part of each term, for rare classes; broadcasts to x. */
  readonly positiveWeight?: Tensor;
};
/** Options of {@link bce}. */
export type BceOfProbabilitiesOptions = Omit<BceOptions, 'positiveWeight'>;

/** The least normal number of f32: adapters may take smaller ones for 0. */
const LEAST = 2 ** -126;

/** log(p), and -100 where p is 0, with the gradient 0. */
function cutLog(p: Tensor): Tensor {
  const isZero = lt(abs(p), LEAST);
  return where(isZero, -100, log(where(isZero, 1, p)));
}

/**
 * Binary cross-entropy of probabilities x and `target`, both in 0..1 and of one shape: -target * log(x) - (1 - target) * log(1 - x). A logarithm of 0 counts as -100, as in PyTorch,
 * and has no gradient; {@link bceWithLogits} has one everywhere. NaN for x outside of 0..1. f32.
 * @throws ShapeError, DTypeError; TensorError for another reduction
 */
export const bce = defineOp(
  'bce',
  (x: Tensor, target: Tensor, { reduction = 'mean', weight }: BceOfProbabilitiesOptions = {}): Tensor => {
    expectPair('bce', x, target);
    return scope(() => {
      const [share, wanted] = [cast(x, 'f32'), cast(target, 'f32')];
      const terms = neg(add(mul(wanted, cutLog(share)), mul(sub(1, wanted), cutLog(sub(1, share)))));
      return reduceTerms('bce', weight ? mul(terms, weight) : terms, reduction);
    });
  },
);

/**
 * Binary cross-entropy of logits x and probabilities `target` in 0..1, of one shape: target * log(1 + exp(-x)) + (1 - target) * log(1 + exp(x)), exact
 * at both ends. f32.
 * @throws ShapeError, DTypeError; TensorError for another reduction
 */
export const bceWithLogits = defineOp('bceWithLogits', (x: Tensor, target: Tensor, options: BceOptions = {}): Tensor => {
  const { reduction = 'mean', weight, positiveWeight } = options;
  expectPair('bceWithLogits', x, target);
  return scope(() => {
    const [logits, wanted] = [cast(x, 'f32'), cast(target, 'f32')];
    const share = positiveWeight ? mul(wanted, positiveWeight) : wanted;
    const terms = add(mul(share, softplus(neg(logits))), mul(sub(1, wanted), softplus(logits)));
    return reduceTerms('bceWithLogits', weight ? mul(terms, weight) : terms, reduction);
  });
});

function huber(op: string, x: Tensor, target: Tensor, bound: number): Tensor {
  expectPair(op, x, target);
  if (!(bound > 0)) throw new LimitError(op, `its bound is ${bound}`, 'give a number above 0');
  const difference = sub(cast(x, 'f32'), cast(target, 'f32'));
  const inside = clamp(difference, -bound, bound);
  return mul(inside, sub(difference, mul(inside, 0.5)));
}

/** Options of {@link huberLoss}. */
export type HuberOptions = ReductionOptions & {
  /** Where the parabola ends. Default 1 */
  readonly delta?: number;
};

/** d^2 / 2 for differences d = x - target up to `delta`, delta (|d| - delta / 2) beyond (Huber 1964). f32. @throws ShapeError, DTypeError, LimitError */
export const huberLoss = defineOp(
  'huberLoss',
  (x: Tensor, target: Tensor, { reduction = 'mean', delta = 1 }: HuberOptions = {}): Tensor =>
    scope(() => reduceTerms('huberLoss', huber('huberLoss', x, target, delta), reduction)),
);

/** Options of {@link smoothL1Loss}. */
export type SmoothL1Options = ReductionOptions & {
  /** Where the parabola ends. Default 1 */
  readonly beta?: number;
};

/** {@link huberLoss} over its bound: |d| - beta / 2 beyond (Girshick, arXiv:1504.08083). f32. @throws ShapeError, DTypeError, LimitError */
export const smoothL1Loss = defineOp(
  'smoothL1Loss',
  (x: Tensor, target: Tensor, { reduction = 'mean', beta = 1 }: SmoothL1Options = {}): Tensor =>
    scope(() => reduceTerms('smoothL1Loss', div(huber('smoothL1Loss', x, target, beta), beta), reduction)),
);
