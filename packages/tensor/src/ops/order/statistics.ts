/** Order statistics and sums that leave NaN out; made of other ops. */
import { isFloat } from '../../dtype.ts';
import { LimitError, ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { alias } from '../../definition/views.ts';
import { type Axes, axesOf, reducedShape, type ReduceOptions } from '../../kernels/reduce.ts';
import { add, div, isClose, isFinite, isNaN, lerp, logicalNot, mul, where } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { showShape } from '../../shape.ts';
import type { Operand } from '../../pointwise/evaluate.ts';
import type { Tensor } from '../../tensor.ts';
import { lastOf } from '../../values.ts';
import { cast } from '../views/copy.ts';
import { stack } from '../views/join.ts';
import { all, sum } from '../reduce/reduce.ts';
import { select } from '../views/slices.ts';
import { sort } from './sort.ts';
import { permute, reshape } from '../views/views.ts';

/**
 * The value below which a share q of the elements along `axes` (default all) lies, between two elements by linear interpolation (NumPy's default). NaN where
 * one is among them. Gradients go to the two elements.
 * @param q from 0 to 1; of a list of them the results are stacked along a first axis
 * @returns f32 (f16 of f16) of x's shape without the axes, or with size 1 under `keepdim`
 * @throws LimitError for q outside 0..1, ShapeError where there is no element to choose from
 * @example
 * console.log(await tensor([1, 2, 3, 4]).quantile([0.5, 1]).data()); // [2.5,4]
 */
export const quantile = defineOp(
  'quantile',
  (x: Tensor, q: number | readonly number[], axes?: Axes, { keepdim = false }: ReduceOptions = {}): Tensor =>
    quantiles('quantile', x, q, axes, keepdim),
);

/**
 * The middle element along `axes` (default all), of an even number the mean of the two in the middle (NumPy's rule). NaN where one is among them.
 * @throws ShapeError where there is no element to choose from
 */
export const median = defineOp(
  'median',
  (x: Tensor, axes?: Axes, { keepdim = false }: ReduceOptions = {}): Tensor => quantiles('median', x, 0.5, axes, keepdim),
);

function quantiles(op: string, x: Tensor, q: number | readonly number[], axes: Axes, keepdim: boolean): Tensor {
  x.expectLive(op);
  const list = axesOf(op, x, axes);
  const shares = typeof q === 'number' ? [q] : q;
  const odd = shares.find((share) => !(share >= 0 && share <= 1));
  if (odd !== undefined) throw new LimitError(op, `q is ${odd}`, 'give shares from 0 to 1');
  if (shares.length === 0) throw new LimitError(op, 'q is an empty list', 'give at least one share');
  const kept = x.shape.flatMap((_, axis) => (list.includes(axis) ? [] : [axis]));
  const outer = kept.map((axis) => x.shape[axis] ?? 1);
  const length = list.reduce((product, axis) => product * (x.shape[axis] ?? 1), 1);
  const shape = reducedShape(x.shape, list, keepdim);
  if (length === 0 && !shape.includes(0))
    throw new ShapeError(op, `shape ${showShape(x.shape)} has no elements along axes [${list.join(', ')}]`, 'give at least one');
  return scope(() => {
    const floats = isFloat(x.dtype) ? alias(x) : cast(x, 'f32');
    const lines = reshape(permute(floats, [...kept, ...list]), [...outer, length]);
    if (length === 0) return reshape(lines, typeof q === 'number' ? shape : [shares.length, ...shape]);
    const { values } = sort(lines);
    const last = select(values, -1, -1);
    const results = shares.map((share) => {
      const place = share * (lastOf(values.shape) - 1);
      const [below, above] = [Math.floor(place), Math.ceil(place)];
      const low = select(values, -1, below);
      const between = below === above ? low : weighted(low, select(values, -1, above), place - below);
      return reshape(where(isNaN(last), last, between), shape);
    });
    return typeof q === 'number' ? (results[0] as Tensor) : stack(results, 0);
  });
}

/** The value at `share` of the way from `low` to `high`, either of which may be infinite: lerp subtracts them. */
function weighted(low: Tensor, high: Tensor, share: number): Tensor {
  const between = lerp(low, high, share);
  return where(isFinite(between), between, add(mul(low, 1 - share), mul(high, share)));
}

/** Sum over `axes` (default all) without NaN, which count as 0. Otherwise as sum. @throws ShapeError for an axis out of range or named twice */
export const nansum = defineOp(
  'nansum',
  (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor =>
    scope(() => sum(isFloat(x.dtype) ? where(isNaN(x), 0, x) : x, axes, options)),
);

/** Mean over `axes` (default all) of the elements that are not NaN; NaN where there is none. Integers give f32. @throws ShapeError */
export const nanmean = defineOp(
  'nanmean',
  (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor =>
    scope(() => {
      const floats = isFloat(x.dtype) ? alias(x) : cast(x, 'f32');
      const isNumber = logicalNot(isNaN(floats));
      return div(nansum(floats, axes, options), cast(sum(isNumber, axes, options), floats.dtype));
    }),
);

/** How many elements over `axes` (default all) are not zero: i32. NaN is not zero. @throws ShapeError for an axis out of range or named twice */
export const countNonzero = defineOp(
  'countNonzero',
  (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor => scope(() => sum(cast(x, 'bool'), axes, options)),
);

/** Whether x and y are close everywhere, by the rule and the tolerances of isClose: a bool scalar. @throws ShapeError where they do not broadcast */
export const allClose = defineOp(
  'allClose',
  (x: Tensor, y: Operand, relative?: Operand, absolute?: Operand): Tensor => scope(() => all(isClose(x, y, relative, absolute))),
);
