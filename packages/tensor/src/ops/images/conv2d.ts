/**
 * Two-dimensional convolution and its gradients. Variant `gemm` multiplies a matrix of windows (unfold.ts) with the weight, for one group and
 * where that matrix fits a binding; `direct` evaluates the defining sums, for any groups.
 */
import type { Device } from '../../device.ts';
import { bytesPerElement, type DType, expectDType, wgslType } from '../../dtype.ts';
import type { Choice } from '../../engine/tuner.ts';
import { ShapeError } from '../../errors.ts';
import { grid1d } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { sameShape, type Shape, showShape } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { linear, linearBackwardBias, linearBackwardInput, linearBackwardWeight } from '../products/linear.ts';
import { cast, contiguous } from '../views/copy.ts';
import { permute, reshape } from '../views/views.ts';
import {
  type Channels,
  channelsOf,
  convParams,
  imageSize,
  type WindowOptions,
  type Windows,
  windowsOf,
} from '../../kernels/conv/geometry.ts';
import { convKernel, foldRows, windowRows } from './unfold.ts';
import { nth } from '../../values.ts';

/** Stride, padding, dilation and groups of a convolution. */
export type Conv2dOptions = WindowOptions & {
  /** Channels and outputs are split into this many groups; each output reads its group's channels only. Default 1. */
  readonly groups?: number;
};

/** A convolution of images: its windows, channels, and the shape of its result. */
export type Problem = { readonly windows: Windows; readonly channels: Channels; readonly outShape: readonly number[] };

/** @throws ShapeError, LimitError */
function problemOf(op: string, xShape: Shape, weightShape: Shape, options: Conv2dOptions): Problem {
  const size = imageSize(op, 'x', { shape: xShape });
  const channels = channelsOf(op, xShape, weightShape, options.groups);
  const windows = windowsOf(op, size, weightShape.slice(2), options);
  return { windows, channels, outShape: [channels.images, channels.outputs, ...windows.places] };
}

/** @throws DTypeError, ShapeError */
export function expectTensors(op: string, x: Tensor, weight: Tensor, bias?: Tensor, outputs = weight.shape[0] ?? 0): void {
  for (const [name, tensor] of Object.entries({ x, weight, bias })) {
    if (!tensor) continue;
    tensor.expectLive(op);
    expectDType(op, name, tensor.dtype, name === 'x' ? ['f32', 'f16'] : [x.dtype]);
  }
  if (bias && !sameShape(bias.shape, [outputs])) {
    throw new ShapeError(op, `bias has shape ${showShape(bias.shape)}`, `give one value for each of ${outputs} outputs`);
  }
}

/** Multiplications and additions of the whole convolution. */
function flopsOf({ windows, channels, outShape }: Problem): number {
  const taps = windows.taps[0] * windows.taps[1];
  return (2 * outShape.reduce((product, size) => product * size, 1) * taps * channels.channels) / channels.groups;
}

/** Sums below this many multiplications are not worth the copy of the windows. */
const SMALL = 1 << 16;

/** Whether the matrix of windows, with each pixel repeated for every window that covers it, fits a binding. */
function fitsWindows(device: Device, dtype: DType, { windows, channels }: Problem): boolean {
  const [places, taps] = [windows.places[0] * windows.places[1], windows.taps[0] * windows.taps[1]];
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
  const bytes = channels.images * places * channels.channels * taps * bytesPerElement(dtype);
  return bytes <= Math.min(maxStorageBufferBindingSize, maxBufferSize);
}

/** All variants of a convolution. */
export const CONV_VARIANTS = ['gemm', 'direct'] as const;

type Variant = (typeof CONV_VARIANTS)[number];

function choiceOf(device: Device, dtype: DType, problem: Problem): Choice<Variant> {
  const work = flopsOf(problem) / 2;
  const key = work < SMALL ? 'small' : 'large';
  if (problem.channels.groups > 1 || !fitsWindows(device, dtype, problem)) return { candidates: ['direct'], key };
  return { candidates: work < SMALL ? ['direct', 'gemm'] : ['gemm', 'direct'], key };
}

/** Variants that run the convolution of an f32 image of `xShape`, and its class. */
export function conv2dChoice(device: Device, xShape: Shape, weightShape: Shape, options: Conv2dOptions): Choice {
  return choiceOf(device, 'f32', problemOf('conv2d', xShape, weightShape, options));
}

function variantOf({ device, dtype }: Tensor, problem: Problem): Variant {
  const { candidates, key } = choiceOf(device, dtype, problem);
  return device.tuner.choose('conv2d', candidates, key);
}

/** The weight [O, C, kh, kw] as a matrix [O, C kh kw]. */
function weightMatrix(weight: Tensor): Tensor {
  return reshape.run(weight, [nth(weight.shape, 0), weight.size / Math.max(1, nth(weight.shape, 0))]);
}

/** grad [N, O, H', W'] as rows [N, L, O]. */
function placeRows(grad: Tensor): Tensor {
  const [images = 0, outputs = 0, height = 0, width = 0] = grad.shape;
  using last = permute.run(grad, [0, 2, 3, 1]);
  return reshape.run(last, [images, height * width, outputs]);
}

/** Windows times weights: [N, L, O], shown as [N, O, H', W']. */
function byProduct(x: Tensor, weight: Tensor, bias: Tensor | undefined, { windows, channels }: Problem): Tensor {
  using rows = windowRows(x, windows);
  using matrix = weightMatrix(weight);
  using product = linear.run(rows, matrix, bias);
  using image = reshape.run(product, [channels.images, ...windows.places, channels.outputs]);
  return permute.run(image, [0, 3, 1, 2]);
}

/**
 * Cross-correlation of x [N, C, H, W] with weight [O, C / groups, kh, kw], plus bias [O]: [N, O, H', W']. The result of the gemm variant
 * is a view with channels last in memory.
 * @throws ShapeError, DTypeError, LimitError
 * @example
 * console.log(await ones([1, 1, 3, 3]).conv2d(ones([1, 1, 2, 2])).array()); // [[[[4,4],[4,4]]]]
 */
export const conv2d = defineOp('conv2d', (x: Tensor, weight: Tensor, bias?: Tensor, options: Conv2dOptions = {}): Tensor => {
  expectTensors('conv2d', x, weight, bias);
  const problem = problemOf('conv2d', x.shape, weight.shape, options);
  if (variantOf(x, problem) === 'gemm') return byProduct(x, weight, bias, problem);
  using taps = contiguous.run(weight);
  using shift = contiguous.run(bias ?? weight);
  const out = empty(x.device, problem.outShape, x.dtype);
  const tensors = { x, weight: taps, bias: bias ? shift : undefined };
  convKernel.dispatch(x.device, {
    buffers: { x, weight: taps, bias: shift, result: out },
    params: { count: out.size, ...convParams(problem.windows, problem.channels, tensors) },
    grid: grid1d(out.size, 64),
    defines: { T: wgslType(x.dtype), MODE: 'forward' },
    flops: flopsOf(problem),
    bytes: (x.size + weight.size + out.size) * bytesPerElement(x.dtype),
  });
  return out;
});

/** Gradient of {@link conv2d} with respect to x of shape `inputShape`. */
export function conv2dBackwardInput(grad: Tensor, weight: Tensor, inputShape: Shape, options: Conv2dOptions = {}): Tensor {
  expectTensors('conv2dBackwardInput', grad, weight);
  const problem = problemOf('conv2dBackwardInput', inputShape, weight.shape, options);
  expectGrad('conv2dBackwardInput', grad, problem);
  return inputOf(grad, weight, problem);
}

/** The image whose windows are summed into: the transpose of the convolution `problem`, of `grad` in the shape of its result. */
export function inputOf(grad: Tensor, weight: Tensor, problem: Problem): Tensor {
  const { windows, channels } = problem;
  if (variantOf(grad, problem) === 'gemm') {
    using rows = placeRows(grad);
    using matrix = weightMatrix(weight);
    using columns = linearBackwardInput(rows, matrix);
    return foldRows(columns, channels.channels, windows);
  }
  using taps = contiguous.run(weight);
  const out = empty(grad.device, [channels.images, channels.channels, ...windows.size], grad.dtype);
  convKernel.dispatch(grad.device, {
    buffers: { y: grad, weight: taps, result: out },
    params: { count: out.size, ...convParams(windows, channels, { y: grad, weight: taps }) },
    grid: grid1d(out.size, 64),
    defines: { T: wgslType(grad.dtype), MODE: 'input' },
    flops: flopsOf(problem),
    bytes: (grad.size + weight.size + out.size) * bytesPerElement(grad.dtype),
  });
  return out;
}

/** Gradient of {@link conv2d} with respect to the weight, of shape `weightShape`. */
export function conv2dBackwardWeight(grad: Tensor, x: Tensor, weightShape: Shape, options: Conv2dOptions = {}): Tensor {
  expectTensors('conv2dBackwardWeight', x, grad);
  const problem = problemOf('conv2dBackwardWeight', x.shape, weightShape, options);
  expectGrad('conv2dBackwardWeight', grad, problem);
  if (variantOf(grad, problem) === 'gemm') {
    using rows = placeRows(grad);
    using windows = windowRows(x, problem.windows);
    using matrix = linearBackwardWeight(rows, windows);
    using stored = cast.run(matrix, x.dtype);
    return reshape.run(stored, weightShape);
  }
  const out = empty(x.device, weightShape, x.dtype);
  convKernel.dispatch(x.device, {
    buffers: { x, y: grad, result: out },
    params: { count: out.size, ...convParams(problem.windows, problem.channels, { x, y: grad }) },
    grid: grid1d(out.size, 64),
    defines: { T: wgslType(x.dtype), MODE: 'weight' },
    flops: flopsOf(problem),
    bytes: (grad.size + x.size + out.size) * bytesPerElement(x.dtype),
  });
  return out;
}

/** Gradient of {@link conv2d} with respect to the bias: sums of grad [N, O, H', W'] per output, [O]. */
export function conv2dBackwardBias(grad: Tensor): Tensor {
  grad.expectLive('conv2dBackwardBias');
  expectDType('conv2dBackwardBias', 'grad', grad.dtype, ['f32', 'f16']);
  imageSize('conv2dBackwardBias', 'grad', grad);
  using rows = placeRows(grad);
  using sums = linearBackwardBias(rows);
  return cast.run(sums, grad.dtype);
}

function expectGrad(op: string, grad: Tensor, { outShape }: Problem): void {
  if (sameShape(grad.shape, outShape)) return;
  throw new ShapeError(op, `grad has shape ${showShape(grad.shape)}`, `the output of this convolution is ${showShape(outShape)}`);
}
