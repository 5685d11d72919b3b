/** Places in sorted lines, and what is counted by them: searchsorted, bucketize, histogram. */
import { searchWgsl } from '@mudpt/shaders';
import { bytesPerElement, expectDType, isFloat, wgslType } from '../../dtype.ts';
import { DTypeError, LimitError, ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { empty, expectOneDevice } from '../../definition/views.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { upload } from '../../kernels/upload.ts';
import { add, div, eq, isFinite, lerp, lt, mul, sub, where } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { sameShape, showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { lastOf } from '../../values.ts';
import { bincount } from './bincount.ts';
import { cast, contiguous } from '../views/copy.ts';
import { arange, full } from '../create/create.ts';
import { max, min } from '../reduce/reduce.ts';

const searchKernel = kernel({ name: 'search', source: searchWgsl });

/** Options of {@link searchsorted} and {@link bucketize}. */
export type SearchOptions = {
  /** Places after equal elements instead of before them. Default false. */
  readonly right?: boolean;
};

/**
 * How many elements of a sorted line are less than each value (`right`: or equal to it): the place where it would be inserted. NaN counts as largest.
 * @param sorted ascending along the last axis: [n], or [..., n] with the leading axes of `values`
 * @param values of the dtype of `sorted`, any shape
 * @returns i32, of the shape of values
 * @throws ShapeError, DTypeError
 * @example
 * console.log(await searchsorted(tensor([1, 3, 5]), tensor([0, 3, 9])).data()); // [0,1,3]
 */
export const searchsorted = defineOp(
  'searchsorted',
  (sorted: Tensor, values: Tensor, { right = false }: SearchOptions = {}): Tensor => {
    sorted.expectLive('searchsorted');
    values.expectLive('searchsorted');
    expectOneDevice('searchsorted', sorted, values);
    expectDType('searchsorted', 'sorted', sorted.dtype, ['f32', 'f16', 'i32', 'u32']);
    if (values.dtype !== sorted.dtype)
      throw new DTypeError('searchsorted', `sorted is ${sorted.dtype}, values ${values.dtype}`, 'cast them to one dtype');
    if (sorted.rank === 0 || (sorted.rank > 1 && !sameShape(sorted.shape.slice(0, -1), values.shape.slice(0, -1))))
      throw new ShapeError(
        'searchsorted',
        `sorted has shape ${showShape(sorted.shape)}, values ${showShape(values.shape)}`,
        'give one sorted line [n], or one for each line of values, with equal leading axes',
      );
    using lines = contiguous.run(sorted);
    using wanted = contiguous.run(values);
    const out = empty(values.device, values.shape, 'i32');
    const length = lastOf(sorted.shape);
    searchKernel.dispatch(values.device, {
      buffers: { sorted: lines, values: wanted, y: out },
      params: {
        ...{ count: out.size, length, right: Number(right) },
        per_line: sorted.rank === 1 ? Math.max(1, values.size) : lastOf(values.shape),
        line_step: sorted.rank === 1 ? 0 : length,
        sorted_offset: lines.offset,
        values_offset: wanted.offset,
      },
      grid: grid1d(out.size, 64),
      defines: { T: wgslType(sorted.dtype), KIND: isFloat(sorted.dtype) ? 'f' : sorted.dtype === 'i32' ? 'i' : 'u' },
      bytes: out.size * (4 + 2 * bytesPerElement(sorted.dtype)),
    });
    return out;
  },
);

/**
 * Which interval between ascending `boundaries` [n] each element falls into: i32 of x's shape, i where boundaries[i - 1] < x <= boundaries[i]
 * (`right`: boundaries[i - 1] <= x < boundaries[i], NumPy's digitize), 0 before the first and n after the last.
 * @throws ShapeError for boundaries that are no vector, DTypeError for another dtype than x's
 * @example
 * console.log(await tensor([0, 3, 9]).bucketize(tensor([1, 3, 5])).data()); // [0,1,3]
 */
export const bucketize = defineOp('bucketize', (x: Tensor, boundaries: Tensor, options: SearchOptions = {}): Tensor => {
  x.expectLive('bucketize');
  boundaries.expectLive('bucketize');
  if (boundaries.rank !== 1)
    throw new ShapeError('bucketize', `boundaries have shape ${showShape(boundaries.shape)}`, 'give a vector, [n]');
  return searchsorted(boundaries, x, options);
});

/** Options of {@link histogram}. */
export type HistogramOptions = {
  /** Lower edge of the first bin and upper edge of the last; values outside are not counted. Default: the smallest and largest value. */
  readonly range?: readonly [low: number, high: number];
  /** What each element counts, f32 of the shape of x. Default 1. */
  readonly weights?: Tensor;
};

/** What {@link histogram} gives. */
export type Histogram = {
  /** u32 [bins], with weights f32. */
  readonly counts: Tensor;
  /** f32 [bins + 1], ascending. */
  readonly edges: Tensor;
};

/** Edges of `bins` intervals, rounded once: a value that lies on one is equal to it. */
function edgesBetween([low, high]: readonly [number, number], bins: number): Float32Array {
  return Float32Array.from({ length: bins + 1 }, (_, i) => (low * (bins - i) + high * i) / bins);
}

/** The same between bounds on the device. They are multiplied before the division, so that bounds of few digits, such as whole numbers, are not rounded early. */
function evenly(first: Tensor, last: Tensor, bins: number): Tensor {
  const places = arange(bins + 1, { device: first.device });
  const steps = mul(places, sub(last, first));
  const exact = where(lt(places, bins), add(first, div(steps, bins)), last);
  return where(isFinite(steps), exact, lerp(first, last, div(places, bins)));
}

/**
 * How many elements fall into each of `bins` intervals of equal width, and their edges. A value on an edge belongs to the bin above it, on the last edge to
 * the last bin. NaN is not counted; without a range it leaves nothing to count. (NumPy's histogram.)
 * @param x f32, f16, or integers, which are converted to f32
 * @throws ShapeError for no elements and no range, or weights of another shape; LimitError for a range that is none, or bins that are no whole number above 0
 * @example
 * const { counts, edges } = tensor([0, 1, 1, 4]).histogram(2);
 * console.log(await counts.data(), await edges.data()); // [3,1] [0,2,4]
 */
export const histogram = defineOp('histogram', (x: Tensor, bins: number, options: HistogramOptions = {}): Histogram => {
  x.expectLive('histogram');
  const { range, weights } = options;
  if (!Number.isSafeInteger(bins) || bins < 1)
    throw new LimitError('histogram', `bins is ${bins}`, 'give a whole number above 0');
  if (range && !(range[0] < range[1] && Number.isFinite(range[1] - range[0])))
    throw new LimitError('histogram', `the range is ${range[0]} to ${range[1]}`, 'give two finite numbers, the smaller first');
  if (!range && x.size === 0) throw new ShapeError('histogram', 'x has no elements to take a range from', 'give a range');
  const { device } = x;
  return scope(() => {
    const values = cast(x, 'f32');
    const [low, high] = range ? [full([], range[0], { device }), full([], range[1], { device })] : [min(values), max(values)];
    const isPoint = eq(low, high);
    const [first, last] = [where(isPoint, sub(low, 0.5), low), where(isPoint, add(high, 0.5), high)];
    const edges = range ? upload(device, [bins + 1], 'f32', edgesBetween(range, bins)) : evenly(first, last, bins);
    const place = sub(searchsorted(edges, values, { right: true }), 1);
    const bin = where(eq(values, last), bins - 1, place);
    return { counts: bincount(bin, bins, weights), edges };
  });
});
