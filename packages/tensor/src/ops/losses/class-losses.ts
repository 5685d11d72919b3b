/** Losses over classes out of other ops, in f32: negative log-likelihood with class weights, cross-entropy with probabilities as targets. */
import { expectDType } from '../../dtype.ts';
import { LimitError, ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { add, div, ge, logicalAnd, lt, mul, ne, neg, where } from '../../pointwise/ops.ts';
import { checkIndices } from '../../kernels/index-check.ts';
import { expectLabelled } from '../../kernels/labels.ts';
import { scope } from '../../scope.ts';
import { sameShape, showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { lastOf } from '../../values.ts';
import { cast } from '../views/copy.ts';
import { gather, indexSelect } from '../indexing/gather.ts';
import { type ReductionOptions, reduceTerms } from './pointwise-losses.ts';
import { sum } from '../reduce/reduce.ts';
import { logSoftmax } from '../norms/softmax.ts';
import { reshape } from '../views/views.ts';

function expectClassWeights(op: string, weight: Tensor | undefined, classes: number): void {
  if (!weight) return;
  weight.expectLive(op);
  expectDType(op, 'weight', weight.dtype, ['f32', 'f16']);
  if (weight.rank !== 1 || weight.size !== classes)
    throw new ShapeError(op, `weight has shape ${showShape(weight.shape)}`, `give a weight for each class, [${classes}]`);
}

/** Options of {@link nllLoss}. */
export type NllOptions = ReductionOptions & {
  /** A factor for each class, [classes]; a mean divides by the sum of those that came in. */
  readonly weight?: Tensor;
  /** Rows with this label count for nothing. Default -100. */
  readonly ignoreIndex?: number;
};

/**
 * Negative log-likelihood: minus the element of logarithms of probabilities x [..., classes] (of logSoftmax) that labels [...] (i32 or u32) name. The
 * mean is over the rows that count, NaN if there are none. A label outside the classes makes its loss NaN. f32.
 * @throws ShapeError, DTypeError; LimitError for an index that is not whole
 * @example
 * console.log(await tensor([[-1, -2]]).nllLoss(tensor(Int32Array.of(1))).item()); // 2
 */
export const nllLoss = defineOp('nllLoss', (x: Tensor, labels: Tensor, options: NllOptions = {}): Tensor => {
  const { reduction = 'mean', weight, ignoreIndex = -100 } = options;
  expectLabelled('nllLoss', x, labels);
  const classes = lastOf(x.shape);
  expectClassWeights('nllLoss', weight, classes);
  if (!Number.isInteger(ignoreIndex)) throw new LimitError('nllLoss', `ignoreIndex is ${ignoreIndex}`, 'give a whole number');
  checkIndices('nllLoss', labels, classes, { isNegativeOutside: true, ignored: ignoreIndex, axis: x.rank - 1 });
  return scope(() => {
    const isCounted = ne(labels, ignoreIndex);
    const isClass = logicalAnd(ge(labels, 0), lt(labels, classes));
    const places = where(isClass, labels, 0);
    const picked = reshape(gather(cast(x, 'f32'), -1, reshape(places, [...labels.shape, 1])), labels.shape);
    const rows = where(isCounted, neg(where(isClass, picked, Number.NaN)), 0);
    const factors = weight
      ? where(isCounted, reshape(indexSelect(cast(weight, 'f32'), 0, reshape(places, [labels.size])), labels.shape), 0)
      : cast(isCounted, 'f32');
    const terms = weight ? mul(rows, factors) : rows;
    return reduction === 'mean' ? div(sum(terms), sum(factors)) : reduceTerms('nllLoss', terms, reduction);
  });
});

/** Options of {@link softCrossEntropy}. */
export type SoftCrossEntropyOptions = ReductionOptions & {
  /** A factor for each class, [classes]. A mean divides by the rows nevertheless, as in PyTorch. */
  readonly weight?: Tensor;
  /** Part of the target spread evenly over all classes. Default 0. */
  readonly labelSmoothing?: number;
};

/**
 * Cross-entropy of logits x [..., classes] with probabilities `target` of the same shape, for mixed or distilled labels; a term for each row. The target
 * may need a gradient. f32.
 * @throws ShapeError, DTypeError; LimitError for a smoothing outside 0..1
 */
export const softCrossEntropy = defineOp(
  'softCrossEntropy',
  (x: Tensor, target: Tensor, options: SoftCrossEntropyOptions = {}): Tensor => {
    const op = 'softCrossEntropy';
    const { reduction = 'mean', weight, labelSmoothing = 0 } = options;
    x.expectLive(op);
    target.expectLive(op);
    for (const [name, tensor] of Object.entries({ x, target })) expectDType(op, name, tensor.dtype, ['f32', 'f16']);
    if (x.rank === 0 || !sameShape(x.shape, target.shape))
      throw new ShapeError(
        op,
        `x has shape ${showShape(x.shape)}, target ${showShape(target.shape)}`,
        'give both [..., classes]',
      );
    const classes = lastOf(x.shape);
    expectClassWeights(op, weight, classes);
    if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
      throw new LimitError(op, `labelSmoothing is ${labelSmoothing}`, 'give a number from 0 to 1');
    return scope(() => {
      const given = cast(target, 'f32');
      const wanted = labelSmoothing === 0 ? given : add(mul(given, 1 - labelSmoothing), labelSmoothing / classes);
      const terms = mul(wanted, logSoftmax(cast(x, 'f32'), -1));
      return reduceTerms(op, neg(sum(weight ? mul(terms, weight) : terms, -1)), reduction);
    });
  },
);
