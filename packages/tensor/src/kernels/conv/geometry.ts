/** Convolution geometry: resolved options, output size, and the parameters of conv.wgsl. */
import { LimitError, ShapeError } from '../../errors.ts';
import { type Shape, showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';

/** A number for both axes, or [height, width]. */
export type Pair = number | readonly [number, number];

/** How windows move over an image. */
export type WindowOptions = {
  /** Cells from one window to the next. Default 1. */
  readonly stride?: Pair;
  /** Zeros around the input. Default 0. */
  readonly padding?: Pair;
  /** Cells from one tap of the window to the next. Default 1. */
  readonly dilation?: Pair;
};

type Two = readonly [number, number];

/** Windows over an image: every field is [height, width]. */
export type Windows = {
  readonly size: Two;
  readonly taps: Two;
  readonly places: Two;
  readonly stride: Two;
  readonly padding: Two;
  readonly dilation: Two;
};

function pair(op: string, name: string, value: Pair, least: number): Two {
  const both: Two = typeof value === 'number' ? [value, value] : value;
  if (both.length === 2 && both.every((part) => Number.isInteger(part) && part >= least)) return both;
  throw new LimitError(op, `${name} is ${String(value)}`, `give a whole number of at least ${least}, or [height, width] of such`);
}

/** @throws ShapeError when not even one window fits, LimitError for options out of range */
export function windowsOf(op: string, size: Two, kernel: Pair, options: WindowOptions): Windows {
  const taps = pair(op, 'kernel', kernel, 1);
  const stride = pair(op, 'stride', options.stride ?? 1, 1);
  const padding = pair(op, 'padding', options.padding ?? 0, 0);
  const dilation = pair(op, 'dilation', options.dilation ?? 1, 1);
  const place = (axis: 0 | 1): number =>
    Math.floor((size[axis] + 2 * padding[axis] - dilation[axis] * (taps[axis] - 1) - 1) / stride[axis]) + 1;
  const places: Two = [place(0), place(1)];
  if (places[0] < 1 || places[1] < 1) {
    throw new ShapeError(
      op,
      `windows of ${showShape(taps)} (dilation ${showShape(dilation)}) do not fit an image of ${showShape(size)} with padding ${showShape(padding)}`,
      'use a smaller kernel or more padding',
    );
  }
  return { size, taps, places, stride, padding, dilation };
}

/** Height and width of [N, C, H, W]. @throws ShapeError for another rank */
export function imageSize(op: string, name: string, x: { readonly shape: Shape }): Two {
  if (x.shape.length !== 4)
    throw new ShapeError(op, `${name} has shape ${showShape(x.shape)}`, 'give [images, channels, height, width]');
  return [nth(x.shape, 2), nth(x.shape, 3)];
}

export type Channels = {
  readonly images: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
};

const wrapped = (strides: readonly number[]): number[] => strides.map((stride) => stride >>> 0);

/** Parameters of conv.wgsl; a missing tensor's are 0. */
export function convParams(
  windows: Windows,
  { images, channels, outputs, groups }: Channels,
  tensors: { readonly x?: Tensor; readonly y?: Tensor; readonly weight?: Tensor; readonly bias?: Tensor | undefined },
): Record<string, number | boolean | readonly number[]> {
  const { x, y, weight, bias } = tensors;
  return {
    ...windows,
    images,
    channels,
    outputs,
    group_channels: channels / groups,
    group_outputs: outputs / groups,
    x_offset: x?.offset ?? 0,
    x_strides: wrapped(x?.strides ?? [0, 0, 0, 0]),
    y_offset: y?.offset ?? 0,
    y_strides: wrapped(y?.strides ?? [0, 0, 0, 0]),
    weight_offset: weight?.offset ?? 0,
    bias_offset: bias?.offset ?? 0,
    has_bias: bias !== undefined,
  };
}
