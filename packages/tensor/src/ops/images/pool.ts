/** Pooling: the largest or the mean value of every window of an image, and the gradients. */
import { defineOp } from '../../definition/op.ts';
import { empty } from '../../definition/views.ts';
import { imageSize, type Pair, type WindowOptions, type Windows } from '../../kernels/conv/geometry.ts';
import { adaptiveWindows, expectPooled, pool, poolWindows } from '../../kernels/conv/pooling.ts';
import type { Shape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';

/** How windows of a maximum move; the stride is the window's own size by default. */
export type MaxPoolOptions = WindowOptions & {
  /** Whether windows that reach over the end count, as long as they begin within. Default false. */
  readonly ceilMode?: boolean;
};
/** How windows of a mean move, and its divisor. */
export type AvgPoolOptions = MaxPoolOptions & {
  /** Whether zeros of the padding count for the mean. Default true, as in PyTorch. What ceilMode adds never counts. */
  readonly countsPadding?: boolean;
};

/** Largest values, and their positions: the index row * W + column in the image, u32. */
export type MaxPoolResult = { readonly out: Tensor; readonly places: Tensor };

type MaxRun = { readonly op: string; readonly windows: Windows; readonly isAdaptive?: boolean };

function largest(x: Tensor, problem: MaxRun): MaxPoolResult {
  const outShape = [...x.shape.slice(0, 2), ...problem.windows.places];
  const places = empty(x.device, outShape, 'u32');
  return { out: pool({ ...problem, mode: 'max', x, outShape, chosen: places }), places };
}

/** {@link maxPool2d} with what its gradient reads. */
export function maxPool2dForward(x: Tensor, kernelSize: Pair, options: MaxPoolOptions = {}): MaxPoolResult {
  x.expectLive('maxPool2d');
  const op = 'maxPool2d';
  return largest(x, { op, windows: poolWindows(op, imageSize(op, 'x', x), kernelSize, options) });
}

/**
 * The largest value of every window of x [N, C, H, W]: [N, C, H', W'], NaN if there is one. The stride is the window's size by default;
 * padding takes no part.
 * @throws ShapeError, DTypeError, LimitError
 */
export const maxPool2d = defineOp('maxPool2d', (x: Tensor, kernelSize: Pair, options: MaxPoolOptions = {}): Tensor => {
  const { out, places } = maxPool2dForward(x, kernelSize, options);
  places.dispose();
  return out;
});

/**
 * {@link maxPool2d}, and where the values lie: u32 [N, C, H', W'], row * W + column of the image; of equal values the first.
 * @throws ShapeError, DTypeError, LimitError
 */
export const maxPool2dWithIndices = defineOp(
  'maxPool2dWithIndices',
  (x: Tensor, kernelSize: Pair, options: MaxPoolOptions = {}): { readonly values: Tensor; readonly indices: Tensor } => {
    const { out, places } = maxPool2dForward(x, kernelSize, options);
    return { values: out, indices: places };
  },
);

/** Gradient of {@link maxPool2d} with respect to x of shape `imageShape`; of equal values the first takes it. */
export function maxPool2dBackward(
  grad: Tensor,
  places: Tensor,
  imageShape: Shape,
  kernelSize: Pair,
  options: MaxPoolOptions = {},
): Tensor {
  const op = 'maxPool2dBackward';
  const windows = poolWindows(op, imageSize(op, 'x', { shape: imageShape }), kernelSize, options);
  expectPooled(op, grad, imageShape, windows);
  places.expectLive(op);
  return pool({ op, mode: 'max_gradient', windows, x: grad, outShape: imageShape, chosen: places });
}

/**
 * The mean of every window of x [N, C, H, W]: [N, C, H', W']. The stride is the window's size by default.
 * @throws ShapeError, DTypeError, LimitError
 */
export const avgPool2d = defineOp('avgPool2d', (x: Tensor, kernelSize: Pair, options: AvgPoolOptions = {}): Tensor => {
  x.expectLive('avgPool2d');
  const op = 'avgPool2d';
  const { countsPadding = true, ...moves } = options;
  const windows = poolWindows(op, imageSize(op, 'x', x), kernelSize, moves);
  return pool({ op, mode: 'mean', windows, x, outShape: [...x.shape.slice(0, 2), ...windows.places], countsPadding });
});

/** Gradient of {@link avgPool2d} with respect to x of shape `imageShape`. */
export function avgPool2dBackward(grad: Tensor, imageShape: Shape, kernelSize: Pair, options: AvgPoolOptions = {}): Tensor {
  const op = 'avgPool2dBackward';
  const { countsPadding = true, ...moves } = options;
  const windows = poolWindows(op, imageSize(op, 'x', { shape: imageShape }), kernelSize, moves);
  expectPooled(op, grad, imageShape, windows);
  return pool({ op, mode: 'mean_gradient', windows, x: grad, outShape: imageShape, countsPadding });
}

/** {@link adaptiveMaxPool2d} with what its gradient reads. */
export function adaptiveMaxPool2dForward(x: Tensor, size: Pair): MaxPoolResult {
  const op = 'adaptiveMaxPool2d';
  x.expectLive(op);
  return largest(x, { op, windows: adaptiveWindows(op, imageSize(op, 'x', x), size), isAdaptive: true });
}

/**
 * The largest value of every one of `size` [H', W'] windows that cover x [N, C, H, W]: window i of H' has the rows from floor(i H / H') to
 * ceil((i + 1) H / H') - 1. [N, C, H', W'], NaN if there is one.
 * @throws ShapeError, DTypeError, LimitError
 */
export const adaptiveMaxPool2d = defineOp('adaptiveMaxPool2d', (x: Tensor, size: Pair): Tensor => {
  const { out, places } = adaptiveMaxPool2dForward(x, size);
  places.dispose();
  return out;
});

/** Gradient of {@link adaptiveMaxPool2d} with respect to x of shape `imageShape`; of equal values the first takes it. */
export function adaptiveMaxPool2dBackward(grad: Tensor, places: Tensor, imageShape: Shape): Tensor {
  const op = 'adaptiveMaxPool2dBackward';
  const windows = adaptiveWindows(op, imageSize(op, 'x', { shape: imageShape }), imageSize(op, 'grad', grad));
  expectPooled(op, grad, imageShape, windows);
  places.expectLive(op);
  return pool({ op, mode: 'max_gradient', windows, isAdaptive: true, x: grad, outShape: imageShape, chosen: places });
}

/**
 * The mean of every one of `size` [H', W'] windows that cover x [N, C, H, W], as {@link adaptiveMaxPool2d} has them: [N, C, H', W'].
 * @throws ShapeError, DTypeError, LimitError
 * @example
 * console.log(await arange(4).reshape([1, 1, 2, 2]).adaptiveAvgPool2d(1).data()); // [1.5]
 */
export const adaptiveAvgPool2d = defineOp('adaptiveAvgPool2d', (x: Tensor, size: Pair): Tensor => {
  const op = 'adaptiveAvgPool2d';
  x.expectLive(op);
  const windows = adaptiveWindows(op, imageSize(op, 'x', x), size);
  return pool({ op, mode: 'mean', windows, isAdaptive: true, x, outShape: [...x.shape.slice(0, 2), ...windows.places] });
});

/** Gradient of {@link adaptiveAvgPool2d} with respect to x of shape `imageShape`. */
export function adaptiveAvgPool2dBackward(grad: Tensor, imageShape: Shape): Tensor {
  const op = 'adaptiveAvgPool2dBackward';
  const windows = adaptiveWindows(op, imageSize(op, 'x', { shape: imageShape }), imageSize(op, 'grad', grad));
  expectPooled(op, grad, imageShape, windows);
  return pool({ op, mode: 'mean_gradient', windows, isAdaptive: true, x: grad, outShape: imageShape });
}
