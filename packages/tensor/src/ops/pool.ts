/** Pooling: the largest or the mean value of every window of an image, and the gradients. */
import { wgsl } from '@mudpt/shaders';
import { bytesPerElement, expectDType, wgslType } from '../dtype.ts';
import { LimitError, ShapeError } from '../errors.ts';
import { grid1d, kernel } from '../kernels/kernel.ts';
import { defineOp } from '../definition/op.ts';
import { sameShape, type Shape, showShape } from '../shape.ts';
import { empty } from '../definition/views.ts';
import type { Tensor } from '../tensor.ts';
import { imageSize, type Pair, type WindowOptions, type Windows, windowsOf } from '../kernels/conv/geometry.ts';
import { nth } from '../values.ts';

/** How windows move; the stride is the window's own size by default. */
export type MaxPoolOptions = WindowOptions;
/** Stride and padding of windows, and the divisor of a mean. */
export type AvgPoolOptions = Omit<WindowOptions, 'dilation'> & {
  /** Whether zeros of the padding count for the mean. Default true, as in PyTorch. */
  readonly countsPadding?: boolean;
};

/** Largest values, and their positions: the index row * W + column in the image, u32. */
export type MaxPoolResult = { readonly out: Tensor; readonly places: Tensor };

const poolKernel = kernel({ name: 'pool', source: wgsl['pool.wgsl'] });

type Mode = 'max' | 'max_gradient' | 'mean' | 'mean_gradient';

/** @throws ShapeError when no window fits, LimitError for options out of range, among them padding that fills a window */
function poolWindows(op: string, imageShape: Shape, kernelSize: Pair, options: WindowOptions): Windows {
  const size = imageSize(op, 'x', { shape: imageShape });
  const windows = windowsOf(op, size, kernelSize, { ...options, stride: options.stride ?? kernelSize });
  const { padding, taps } = windows;
  if (padding[0] * 2 > taps[0] || padding[1] * 2 > taps[1]) {
    throw new LimitError(
      op,
      `padding ${showShape(padding)} is more than half of the window ${showShape(taps)}`,
      'use at most half, so that no window lies in the padding alone',
    );
  }
  return windows;
}

type Run = {
  readonly op: string;
  readonly mode: Mode;
  readonly windows: Windows;
  /** The image, or the gradient of the pooled one. */
  readonly x: Tensor;
  readonly outShape: Shape;
  readonly chosen?: Tensor;
  readonly countsPadding?: boolean;
};

function run({ op, mode, windows, x, outShape, chosen, countsPadding = true }: Run): Tensor {
  x.expectLive(op);
  expectDType(op, mode.endsWith('gradient') ? 'grad' : 'x', x.dtype, ['f32', 'f16']);
  const result = empty(x.device, outShape, x.dtype);
  poolKernel.dispatch(x.device, {
    buffers: { x, result, ...(chosen && { chosen }) },
    params: {
      ...windows,
      count: result.size,
      channels: nth(outShape, 1),
      x_offset: x.offset,
      x_strides: x.strides.map((stride) => stride >>> 0),
      counts_padding: countsPadding,
    },
    grid: grid1d(result.size, 64),
    defines: { T: wgslType(x.dtype), MODE: mode },
    flops: result.size * windows.taps[0] * windows.taps[1],
    bytes: (x.size + result.size) * bytesPerElement(x.dtype),
  });
  return result;
}

function expectGrad(op: string, grad: Tensor, imageShape: Shape, windows: Windows): void {
  const expected = [...imageShape.slice(0, 2), ...windows.places];
  if (sameShape(grad.shape, expected)) return;
  throw new ShapeError(op, `grad has shape ${showShape(grad.shape)}`, `the output of this pooling is ${showShape(expected)}`);
}

/** {@link maxPool2d} with what its gradient reads. */
export function maxPool2dForward(x: Tensor, kernelSize: Pair, options: MaxPoolOptions = {}): MaxPoolResult {
  x.expectLive('maxPool2d');
  const windows = poolWindows('maxPool2d', x.shape, kernelSize, options);
  const outShape = [...x.shape.slice(0, 2), ...windows.places];
  const places = empty(x.device, outShape, 'u32');
  return { out: run({ op: 'maxPool2d', mode: 'max', windows, x, outShape, chosen: places }), places };
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

/** Gradient of {@link maxPool2d} with respect to x of shape `imageShape`; of equal values the first takes it. */
export function maxPool2dBackward(
  grad: Tensor,
  places: Tensor,
  imageShape: Shape,
  kernelSize: Pair,
  options: MaxPoolOptions = {},
): Tensor {
  const op = 'maxPool2dBackward';
  const windows = poolWindows(op, imageShape, kernelSize, options);
  expectGrad(op, grad, imageShape, windows);
  places.expectLive(op);
  return run({ op, mode: 'max_gradient', windows, x: grad, outShape: imageShape, chosen: places });
}

/**
 * The mean of every window of x [N, C, H, W]: [N, C, H', W']. The stride is the window's size by default.
 * @throws ShapeError, DTypeError, LimitError
 */
export const avgPool2d = defineOp('avgPool2d', (x: Tensor, kernelSize: Pair, options: AvgPoolOptions = {}): Tensor => {
  x.expectLive('avgPool2d');
  const windows = poolWindows('avgPool2d', x.shape, kernelSize, options);
  const { countsPadding } = options;
  return run({ op: 'avgPool2d', mode: 'mean', windows, x, outShape: [...x.shape.slice(0, 2), ...windows.places], countsPadding });
});

/** Gradient of {@link avgPool2d} with respect to x of shape `imageShape`. */
export function avgPool2dBackward(grad: Tensor, imageShape: Shape, kernelSize: Pair, options: AvgPoolOptions = {}): Tensor {
  const op = 'avgPool2dBackward';
  const windows = poolWindows(op, imageShape, kernelSize, options);
  expectGrad(op, grad, imageShape, windows);
  const { countsPadding } = options;
  return run({ op, mode: 'mean_gradient', windows, x: grad, outShape: imageShape, countsPadding });
}
