/**
 * Reductions over any axes of any strided view: `op(x, axes?, { keepdim? })`; no axes means all, an empty list none.
 *
 * Sums of f16 accumulate in f32; integers stay integers (bool counts as i32), means and everything with logarithms or roots give f32 (f16 for
 * f16). Of no elements: sum 0, prod 1, mean and var NaN, logsumexp -infinity; max, min and their positions are a ShapeError.
 */
import { type DType, isFloat } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { broadcastShapes, sameShape, type Shape, showShape } from '../../shape.ts';
import { alias, view } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { cast } from '../views/copy.ts';
import { full } from '../create/create.ts';
import {
  argReduce,
  type Axes,
  axesOf,
  reduce,
  reducedLength,
  reducedShape,
  type ReduceOptions,
  reduceWithMath,
  reduceWithMoments,
  reduceWithPowers,
} from '../../kernels/reduce.ts';

const summed = (dtype: DType): DType => (dtype === 'bool' ? 'i32' : dtype);
const real = (dtype: DType): DType => (isFloat(dtype) ? dtype : 'f32');

/**
 * Sum over `axes` (default all): the shape of x without them, or with size 1 under `keepdim`. Same dtype, but bool counts as i32; 0 for no
 * elements.
 * @throws ShapeError for an axis out of range or named twice
 */
export const sum = defineOp(
  'sum',
  (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor =>
    reduce(x, axesOf('sum', x, axes), options.keepdim, { name: 'sum', op: 'sum', result: summed(x.dtype) }),
);

/**
 * Mean over `axes` (default all): the shape of x without them, or with size 1 under `keepdim`. Integers give f32; NaN for no elements.
 * @throws ShapeError for an axis out of range or named twice
 */
export const mean = defineOp(
  'mean',
  (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor =>
    reduce(x, axesOf('mean', x, axes), options.keepdim, { name: 'mean', op: 'sum', result: real(x.dtype), finish: 'a / n' }),
);

/**
 * Product over `axes` (default all): the shape of x without them, or with size 1 under `keepdim`. Same dtype, but bool counts as i32; 1 for no
 * elements.
 * @throws ShapeError for an axis out of range or named twice
 */
export const prod = defineOp(
  'prod',
  (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor =>
    reduce(x, axesOf('prod', x, axes), options.keepdim, { name: 'prod', op: 'prod', result: summed(x.dtype) }),
);

function expectElements(op: string, x: Tensor, axes: readonly number[]): void {
  if (reducedLength(x.shape, axes) > 0 || reducedShape(x.shape, axes).includes(0)) return;
  throw new ShapeError(op, `shape ${showShape(x.shape)} has no elements along axes [${axes.join(', ')}]`, 'give at least one');
}

function extreme(op: 'max' | 'min', x: Tensor, axes: Axes, options: ReduceOptions): Tensor {
  const list = axesOf(op, x, axes);
  expectElements(op, x, list);
  return reduce(x, list, options.keepdim, { name: op, op, result: x.dtype, kernel: reduceWithMath });
}

/**
 * Largest element over `axes` (default all), NaN if there is one: the shape of x without them, or with size 1 under `keepdim`. Same dtype.
 * Equal largest elements share the gradient (PyTorch's amax).
 * @throws ShapeError where there is no element to choose from
 */
export const max = defineOp('max', (x: Tensor, axes?: Axes, options: ReduceOptions = {}) => extreme('max', x, axes, options));

/**
 * Smallest element over `axes` (default all), NaN if there is one: the shape of x without them, or with size 1 under `keepdim`. Same dtype.
 * Equal smallest elements share the gradient (PyTorch's amin).
 * @throws ShapeError where there is no element to choose from
 */
export const min = defineOp('min', (x: Tensor, axes?: Axes, options: ReduceOptions = {}) => extreme('min', x, axes, options));

/** {@link ReduceOptions} with the divisor. */
export type VarianceOptions = ReduceOptions & {
  /** Squared deviations are divided by the number of elements less this. Default 1. */
  readonly correction?: number;
};

function deviations(op: 'variance' | 'std', x: Tensor, axes: Axes, { keepdim, correction = 1 }: VarianceOptions): Tensor {
  const list = axesOf(op, x, axes);
  const n = Math.max(0, reducedLength(x.shape, list) - correction);
  using center = reduce(x, list, keepdim, { name: op, op: 'sum', result: 'f32', finish: 'a / n' });
  // A second sum takes the rounding error of the mean out; the root is taken in f32, where the square may not fit f16.
  const recipe =
    op === 'std'
      ? ({ map: 'moments(x - center)', finish: 'root(a, a.w, n)', terms: 4, kernel: reduceWithMoments } as const)
      : ({ map: 'deviation(x - center)', finish: 'squares_left(a) / n', terms: 2, kernel: reduceWithMoments } as const);
  return reduce(x, list, keepdim, { name: op, op: 'sum', result: real(x.dtype), center, n, ...recipe });
}

/**
 * Variance over `axes` (default all) in two passes: deviations from the mean, squared, over n - correction (unbiased by default; NaN for one
 * element). Integers give f32.
 * @throws ShapeError for an axis out of range or named twice
 */
export const variance = defineOp('variance', (x: Tensor, axes?: Axes, options: VarianceOptions = {}) =>
  deviations('variance', x, axes, options),
);

/**
 * Standard deviation over `axes` (default all): the root of the {@link variance}, unbiased by default. Integers give f32.
 * @throws ShapeError for an axis out of range or named twice
 */
export const std = defineOp('std', (x: Tensor, axes?: Axes, options: VarianceOptions = {}) =>
  deviations('std', x, axes, options),
);

/**
 * log(sum(exp(x))) over `axes` (default all), shifted by the maximum so that nothing overflows. Integers give f32; -infinity for no elements.
 * @throws ShapeError for an axis out of range or named twice
 */
export const logsumexp = defineOp('logsumexp', (x: Tensor, axes?: Axes, { keepdim }: ReduceOptions = {}): Tensor => {
  const list = axesOf('logsumexp', x, axes);
  const result = real(x.dtype);
  if (reducedLength(x.shape, list) === 0)
    return full(reducedShape(x.shape, list, keepdim), Number.NEGATIVE_INFINITY, { dtype: result, device: x.device });
  using center = reduce(x, list, keepdim, { name: 'logsumexp', op: 'max', result: 'f32', kernel: reduceWithMath });
  return reduce(x, list, keepdim, {
    name: 'logsumexp',
    op: 'sum',
    result,
    map: 'math_exp(x - select(0.0, center, math_is_finite(center)))',
    finish: 'math_log(a) + select(0.0, center, math_is_finite(center))',
    center,
    kernel: reduceWithMath,
  });
});

/**
 * Vector norm of order p over `axes` (default all): (sum |x|^p)^(1/p) for 1, 2 (default) or any positive p, the largest |x| for Infinity. It is right
 * wherever f32 holds it, also where squares of x do not fit.
 * Integers give f32. The gradient at the origin is 0.
 * @throws ShapeError for an axis out of range, or an order that is not positive
 */
export const norm = defineOp(
  'norm',
  (x: Tensor, axes?: Axes, { keepdim, p = 2 }: ReduceOptions & { readonly p?: number } = {}): Tensor => {
    const list = axesOf('norm', x, axes);
    if (!(p > 0)) throw new ShapeError('norm', `order p = ${p} is not positive`, 'use 1, 2, Infinity or another positive number');
    const result = real(x.dtype);
    const recipe = { name: 'norm', result, kernel: reduceWithMath } as const;
    if (p === 1) return reduce(x, list, keepdim, { ...recipe, op: 'sum', map: 'abs(x)' });
    if (p === 2) {
      const squares = { map: 'moments(x)', finish: 'root(a, 0.0, 1.0)', terms: 4, kernel: reduceWithMoments } as const;
      return reduce(x, list, keepdim, { ...recipe, op: 'sum', ...squares });
    }
    if (p === Number.POSITIVE_INFINITY) {
      if (reducedLength(x.shape, list) === 0)
        return full(reducedShape(x.shape, list, keepdim), 0, { dtype: result, device: x.device });
      return reduce(x, list, keepdim, { ...recipe, op: 'max', map: 'abs(x)' });
    }
    // Elements are scaled by the largest one, because powers of the elements themselves may overflow f32.
    using center = reduce(x, list, keepdim, { ...recipe, op: 'max', result: 'f32', map: 'abs(x)' });
    const unit = 'select(1.0, center, math_is_finite(center) && center > 0.0)';
    return reduce(x, list, keepdim, {
      ...recipe,
      op: 'sum',
      kernel: reduceWithPowers,
      n: p,
      map: `math_pow(abs(x) / ${unit}, params.n)`,
      finish: `${unit} * math_pow(a, 1.0 / n)`,
      center,
    });
  },
);

/** Whether any element over `axes` (default all) is not zero: bool; false for no elements. NaN is not zero. */
export const any = defineOp('any', (x: Tensor, axes?: Axes, options: ReduceOptions = {}) => anyOrAll('any', x, axes, options));

/** Whether no element over `axes` (default all) is zero: bool; true for no elements. */
export const all = defineOp('all', (x: Tensor, axes?: Axes, options: ReduceOptions = {}) => anyOrAll('all', x, axes, options));

function anyOrAll(op: 'any' | 'all', x: Tensor, axes: Axes, { keepdim }: ReduceOptions): Tensor {
  const list = axesOf(op, x, axes);
  using values = cast(x, 'bool');
  // Largest and smallest rather than sum and product, which could wrap around for many elements.
  return op === 'any'
    ? reduce(values, list, keepdim, { name: op, op: 'max', result: 'bool' })
    : reduce(values, list, keepdim, { name: op, op: 'min', result: 'bool', finish: 'min(a, 1u)' });
}

function position(op: 'argmax' | 'argmin', x: Tensor, axis: number | undefined, { keepdim }: ReduceOptions): Tensor {
  const list = axesOf(op, x, axis);
  expectElements(op, x, list);
  return argReduce(x, list, keepdim, op === 'argmax' ? 'max' : 'min');
}

/**
 * Position (i32) of the first largest element along `axis`, or in the flattened tensor; the first NaN counts as largest.
 * @throws ShapeError where there is no element to choose from
 */
export const argmax = defineOp('argmax', (x: Tensor, axis?: number, options: ReduceOptions = {}) =>
  position('argmax', x, axis, options),
);

/**
 * Position (i32) of the first smallest element along `axis`, or in the flattened tensor; the first NaN counts as smallest.
 * @throws ShapeError where there is no element to choose from
 */
export const argmin = defineOp('argmin', (x: Tensor, axis?: number, options: ReduceOptions = {}) =>
  position('argmin', x, axis, options),
);

/**
 * Undoes a broadcast: sums `x` over the axes along which a tensor of `shape` was repeated. A second handle of `x` if there are none.
 * @throws ShapeError when `shape` does not broadcast to that of x
 */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return alias(x);
  if (!sameShape(broadcastShapes('sumTo', x.shape, shape), x.shape))
    throw new ShapeError('sumTo', `${showShape(shape)} does not broadcast to ${showShape(x.shape)}`, 'give a shape x came from');
  const lead = x.rank - shape.length;
  const axes = x.shape.flatMap((size, axis) => (axis < lead || (shape[axis - lead] === 1 && size !== 1) ? [axis] : []));
  using sums = reduce(x, axes, true, { name: 'sumTo', op: 'sum', result: x.dtype });
  return view(sums, { shape, strides: sums.strides.slice(lead) });
}
