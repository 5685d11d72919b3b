/** Convolution over one axis and over three, by that over two. */
import { defineOp } from '../../definition/op.ts';
import {
  channelsOf,
  flatWindows,
  type SequenceWindowOptions,
  spatialSize,
  splitWindows,
  type VolumeWindowOptions,
  windowsOf,
} from '../../kernels/conv/geometry.ts';
import { scope } from '../../scope.ts';
import type { Tensor } from '../../tensor.ts';
import { conv2d, expectTensors } from './conv2d.ts';
import { unfold } from './unfold.ts';
import { permute, reshape, squeeze, unsqueeze } from '../views/views.ts';

/** Stride, padding, dilation and groups of a convolution of sequences. */
export type Conv1dOptions = SequenceWindowOptions & {
  /** See {@link Conv2dOptions}. Default 1. */
  readonly groups?: number;
};

/** Stride, padding, dilation and groups of a convolution of volumes. */
export type Conv3dOptions = VolumeWindowOptions & {
  /** See {@link Conv2dOptions}. Default 1. */
  readonly groups?: number;
};

/**
 * Cross-correlation of x [N, C, L] with weight [O, C / groups, k], plus bias [O]: [N, O, L'], L' = floor((L + padding - dilation (k - 1) - 1) / stride)
 * + 1 with the padding of both sides.
 * @throws ShapeError, DTypeError, LimitError
 * @example
 * console.log(await tensor([[[1, 2, 3]]]).conv1d(tensor([[[1, 1]]])).array()); // [[[3,5]]]
 */
export const conv1d = defineOp(
  'conv1d',
  (x: Tensor, weight: Tensor, bias?: Tensor, options: Conv1dOptions = {}): Tensor =>
    scope(() => {
      expectTensors('conv1d', x, weight, bias);
      const size = spatialSize('conv1d', 'x', x, 1);
      const { groups } = channelsOf('conv1d', x.shape, weight.shape, options.groups);
      const windows = windowsOf('conv1d', size, weight.shape.slice(2), options);
      return squeeze(conv2d(unsqueeze(x, 2), unsqueeze(weight, 2), bias, { ...flatWindows(windows), groups }), 2);
    }),
);

/**
 * Cross-correlation of x [N, C, D, H, W] with weight [O, C / groups, kd, kh, kw], plus bias [O]: [N, O, D', H', W']. Windows over the depth become
 * channels of images, so that memory for kd times x is taken on the way.
 * @throws ShapeError, DTypeError, LimitError
 */
export const conv3d = defineOp(
  'conv3d',
  (x: Tensor, weight: Tensor, bias?: Tensor, options: Conv3dOptions = {}): Tensor =>
    scope(() => {
      expectTensors('conv3d', x, weight, bias);
      const [depth, height, width] = spatialSize('conv3d', 'x', x, 3);
      const { images, channels, outputs, groups } = channelsOf('conv3d', x.shape, weight.shape, options.groups);
      const windows = windowsOf('conv3d', [depth, height, width] as const, weight.shape.slice(2), options);
      const { images: within, depth: across } = splitWindows(windows);
      const [taps, ...kernel] = windows.taps;
      const deep = channels * taps;
      const [layers, ...places] = windows.places;
      const columns = unfold(reshape(x, [images, channels, depth, height * width]), [taps, 1], across);
      const layered = permute(reshape(columns, [images, deep, layers, height, width]), [0, 2, 1, 3, 4]);
      const out = conv2d(
        reshape(layered, [images * layers, deep, height, width]),
        reshape(weight, [outputs, deep / groups, ...kernel]),
        bias,
        { ...within, groups },
      );
      return permute(reshape(out, [images, layers, outputs, ...places]), [0, 2, 1, 3, 4]);
    }),
);
