/** Draws: of classes by their weights, and of positions in random order. */
import { expectDType } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { add, log } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { normalizeAxis, showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { lastOf, nth } from '../../values.ts';
import type { RandomOptions } from '../create/random.ts';
import { indexSelect } from '../indexing/gather.ts';
import { randperm, topk } from '../order/sort.ts';
import { argmax } from '../reduce/reduce.ts';
import { unsqueeze } from '../views/views.ts';
import { gumbel } from './distributions.ts';

/** Options of {@link categorical} and {@link multinomial}. */
export type CategoricalOptions = Omit<RandomOptions, 'dtype' | 'device'> & {
  /** Draws for each row. Without it one, and the result has no axis for it. */
  readonly count?: number;
  /** false: the draws of a row are distinct. Default true. */
  readonly replacement?: boolean;
};

/**
 * Draws classes by the softmax of logits: for each row of [..., classes] a class i32 [...], or [..., count]. By Gumbel's trick: the largest of logits plus
 * Gumbel numbers, without replacement the largest few. A class of logit -infinity is never drawn, unless none else is left.
 * @throws ShapeError for a scalar, no classes, or more distinct draws than classes; DTypeError for integers
 */
export const categorical = defineOp(
  'categorical',
  (logits: Tensor, options: CategoricalOptions): Tensor => drawClasses('categorical', logits, options, (x) => x),
);

/**
 * Draws classes by weights that are not negative and need not sum to 1: as {@link categorical} with their logarithms; `count` distinct ones of each row
 * [..., classes] unless `replacement` is true (PyTorch's default).
 * @throws as categorical
 * @example
 * console.log(await tensor([0, 1, 0]).multinomial(2, { key: 1, replacement: true }).data()); // [1,1]
 */
export const multinomial = defineOp(
  'multinomial',
  (weights: Tensor, count: number, { replacement = false, ...options }: Omit<CategoricalOptions, 'count'>): Tensor =>
    drawClasses('multinomial', weights, { ...options, replacement, count }, log),
);

function drawClasses(op: string, x: Tensor, options: CategoricalOptions, logitsOf: (x: Tensor) => Tensor): Tensor {
  x.expectLive(op);
  expectDType(op, 'x', x.dtype, ['f32', 'f16']);
  const { count, replacement = true, ...random } = options;
  const classes = x.rank === 0 ? 0 : lastOf(x.shape);
  if (classes === 0)
    throw new ShapeError(op, `the rows have shape ${showShape(x.shape)}`, 'give [..., classes] with at least one class');
  const draws = count ?? 1;
  if (!Number.isSafeInteger(draws) || draws < 0 || (!replacement && draws > classes))
    throw new ShapeError(
      op,
      `count is ${draws}, of ${classes} classes`,
      replacement ? 'give a whole number from 0' : `give a whole number from 0 to ${classes}, or replacement: true`,
    );
  const settled = { ...random, device: x.device };
  const rows = x.shape.slice(0, -1);
  return scope(() => {
    const logits = logitsOf(x);
    if (!replacement) return topk(add(logits, gumbel(op, x.shape, settled)), draws).indices;
    if (count === undefined) return argmax(add(logits, gumbel(op, x.shape, settled)), -1);
    return argmax(add(unsqueeze(logits, -2), gumbel(op, [...rows, count, classes], settled)), -1);
  });
}

/** The positions along `axis` (default 0) in random order: see {@link randperm}. @throws ShapeError for an axis out of range */
export const permutation = defineOp(
  'permutation',
  (x: Tensor, { axis = 0, ...options }: Omit<RandomOptions, 'dtype' | 'device'> & { readonly axis?: number }): Tensor => {
    x.expectLive('permutation');
    const at = normalizeAxis('permutation', axis, x.shape);
    return scope(() => indexSelect(x, at, randperm(nth(x.shape, at), { ...options, device: x.device })));
  },
);
