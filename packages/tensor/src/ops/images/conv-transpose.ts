/** Transposed convolution: every cell of x spreads the weight over the result. The gradient of a convolution with respect to its image. */
import { LimitError, ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import {
  channelsOf,
  eachAxis,
  flatWindows,
  type Pair,
  type SequenceWindowOptions,
  spatialSize,
  type WindowOptions,
  type Windows,
  windowsOf,
} from '../../kernels/conv/geometry.ts';
import { add } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import { expectTensors, inputOf } from './conv2d.ts';
import { reshape, squeeze, unsqueeze } from '../views/views.ts';

/** Stride, padding, dilation and groups of the convolution that this one transposes. */
export type ConvTranspose2dOptions = Omit<WindowOptions, 'padding'> & {
  /** Cells cut off the result: a number for all sides, [height, width] or [top, left, bottom, right]. Default 0. */
  readonly padding?: Pair | readonly [top: number, left: number, bottom: number, right: number];
  /** Cells that the result has more below and to the right, less than the stride. Default 0. */
  readonly outputPadding?: Pair;
  /** Default 1. */
  readonly groups?: number;
};

/** Stride, padding, dilation and groups of the convolution that this one transposes. */
export type ConvTranspose1dOptions = Omit<SequenceWindowOptions, 'padding'> & {
  /** Cells cut off the result: on both sides, or [before, after]. Default 0. */
  readonly padding?: number | readonly [before: number, after: number];
  /** Cells that the result has more at its end, less than the stride. Default 0. */
  readonly outputPadding?: number;
  /** Default 1. */
  readonly groups?: number;
};

type Given = {
  readonly stride?: number | readonly number[];
  readonly padding?: number | readonly number[];
  readonly dilation?: number | readonly number[];
  readonly outputPadding?: number | readonly number[];
};

/** The windows of the convolution whose result has the cells of x, over an image of the size that comes out. @throws ShapeError, LimitError */
function windowsOver<S extends readonly number[]>(op: string, places: S, kernel: readonly number[], options: Given): Windows<S> {
  const axes = places.length;
  const { padding = 0, outputPadding = 0 } = options;
  if (typeof padding === 'string')
    throw new LimitError(
      op,
      `padding is "${String(padding)}"`,
      'give numbers: several sizes of a result have the same convolution',
    );
  const more = eachAxis(op, 'outputPadding', outputPadding, axes, 0);
  // One cell an axis stands for the rest: windows of one place over what one place sees.
  const reach = kernel.map((taps, axis) => {
    const dilation = eachAxis(op, 'dilation', options.dilation ?? 1, axes, 1);
    return nth(dilation, axis) * (taps - 1) + 1;
  });
  const stride = eachAxis(op, 'stride', options.stride ?? 1, axes, 1);
  const wide = more.findIndex((cells, axis) => cells >= nth(stride, axis));
  if (wide >= 0) {
    throw new LimitError(
      op,
      `outputPadding ${showShape(more)} is not less than the stride ${showShape(stride)}`,
      'give less cells than the stride, as many as the result has more than whole steps',
    );
  }
  const whole = places.map((cells, axis) => (cells - 1) * nth(stride, axis) + nth(reach, axis) + nth(more, axis));
  const { padding: before, after } = windowsOf(op, whole, kernel, { padding });
  const size = whole.map((cells, axis) => cells - nth(before, axis) - nth(after, axis));
  if (size.some((cells) => cells < 1)) {
    throw new ShapeError(
      op,
      `x of ${showShape(places)} gives ${showShape(whole)} cells, of which padding cuts [${before.join(', ')}] and [${after.join(', ')}]`,
      'cut less off',
    );
  }
  return windowsOf(op, size as unknown as S, kernel, { ...options, stride, padding: [...before, ...after] });
}

/**
 * Transposed convolution of x [N, C, H, W] with weight [C, O / groups, kh, kw], plus bias [O]: [N, O, H', W'] with
 * H' = (H - 1) stride + dilation (kh - 1) + 1 - padding + outputPadding (padding of both sides). out[n, o, i s + a d - pad] is the sum of
 * x[n, c, i] weight[c, o, a]. (PyTorch's conv_transpose2d.)
 * @throws ShapeError, DTypeError, LimitError
 * @example
 * console.log(ones([1, 4, 2, 2]).convTranspose2d(ones([4, 3, 2, 2]), undefined, { stride: 2 }).shape); // [1,3,4,4]
 */
export const convTranspose2d = defineOp(
  'convTranspose2d',
  (x: Tensor, weight: Tensor, bias?: Tensor, options: ConvTranspose2dOptions = {}): Tensor => {
    const op = 'convTranspose2d';
    const { groups = 1 } = options;
    expectTensors(op, x, weight, bias, (weight.shape[1] ?? 0) * groups);
    const places = spatialSize(op, 'x', x, 2);
    const channels = transposedChannels(op, x, weight, groups);
    const windows = windowsOver(op, places, weight.shape.slice(2), options);
    const image = inputOf(x, weight, { windows, channels, outShape: x.shape });
    if (!bias) return image;
    using sum = image;
    using column = reshape.run(bias, [bias.size, 1, 1]);
    return add.run(sum, column);
  },
);

function transposedChannels(op: string, x: Tensor, weight: Tensor, groups: number): ReturnType<typeof channelsOf> {
  const { shape } = weight;
  if (shape.length !== x.rank || shape[0] !== x.shape[1]) {
    throw new ShapeError(
      op,
      `weight of shape ${showShape(shape)} does not fit x of shape ${showShape(x.shape)}`,
      'give weight [channels, outputs / groups, ...taps]',
    );
  }
  const image = [nth(x.shape, 0), nth(shape, 1) * groups, ...x.shape.slice(2)];
  return channelsOf(op, image, shape, groups);
}

/**
 * {@link convTranspose2d} of sequences: x [N, C, L] with weight [C, O / groups, k], plus bias [O]: [N, O, L'] with
 * L' = (L - 1) stride + dilation (k - 1) + 1 - padding + outputPadding.
 * @throws ShapeError, DTypeError, LimitError
 */
export const convTranspose1d = defineOp(
  'convTranspose1d',
  (x: Tensor, weight: Tensor, bias?: Tensor, options: ConvTranspose1dOptions = {}): Tensor =>
    scope(() => {
      const op = 'convTranspose1d';
      const { groups = 1, outputPadding = 0 } = options;
      expectTensors(op, x, weight, bias, (weight.shape[1] ?? 0) * groups);
      const places = spatialSize(op, 'x', x, 1);
      transposedChannels(op, x, weight, groups);
      const { stride, padding, dilation } = flatWindows(windowsOver(op, places, weight.shape.slice(2), options));
      const out = convTranspose2d(unsqueeze(x, 2), unsqueeze(weight, 2), bias, {
        ...{ stride, dilation, groups },
        padding: padding as readonly [number, number, number, number],
        outputPadding: [0, outputPadding],
      });
      return squeeze(out, 2);
    }),
);
