/** Convolution geometry: resolved options, output size, and the parameters of conv.wgsl. */
import { LimitError, ShapeError } from '../../errors.ts';
import { type Shape, showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';

/** A number for both axes, or [height, width]. */
export type Pair = number | readonly [number, number];
/** A number for all three axes, or [depth, height, width]. */
export type Triple = number | readonly [number, number, number];

/**
 * 'valid': no zeros. 'same': as many as make the output the input's size divided by the stride, rounded up; an odd one comes after (TensorFlow's
 * rule, ONNX's SAME_UPPER).
 */
export type NamedPadding = 'same' | 'valid';
/** Zeros around an image: a number for all sides, [height, width], [top, left, bottom, right], or by name. */
export type ImagePadding = Pair | readonly [top: number, left: number, bottom: number, right: number] | NamedPadding;

/** How windows move over an image. */
export type WindowOptions = {
  /** Cells from one window to the next. Default 1. */
  readonly stride?: Pair;
  /** Zeros around the input. Default 0. */
  readonly padding?: ImagePadding;
  /** Cells from one tap of the window to the next. Default 1. */
  readonly dilation?: Pair;
};

/** How windows move over a sequence. */
export type SequenceWindowOptions = {
  /** Cells from one window to the next. Default 1. */
  readonly stride?: number;
  /** Zeros on both sides, [before, after], or by name. Default 0. */
  readonly padding?: number | readonly [before: number, after: number] | NamedPadding;
  /** Cells from one tap of the window to the next. Default 1. */
  readonly dilation?: number;
};

/** How windows move over a volume. */
export type VolumeWindowOptions = {
  /** Cells from one window to the next. Default 1. */
  readonly stride?: Triple;
  /** Zeros on all sides, [depth, height, width], [front, top, left, back, bottom, right], or by name. Default 0. */
  readonly padding?: Triple | readonly [number, number, number, number, number, number] | NamedPadding;
  /** Cells from one tap of the window to the next. Default 1. */
  readonly dilation?: Triple;
};

type One = readonly [number];
type Two = readonly [number, number];
type Three = readonly [number, number, number];

/** Windows over one to three axes: every field has a number for each. */
export type Windows<S extends readonly number[] = Two> = {
  readonly size: S;
  readonly taps: S;
  readonly places: S;
  readonly stride: S;
  /** Zeros before the first cell, and after the last. */
  readonly padding: S;
  readonly after: S;
  readonly dilation: S;
};

type Given = {
  readonly stride?: number | readonly number[];
  readonly padding?: number | readonly number[] | NamedPadding;
  readonly dilation?: number | readonly number[];
  /** Whether windows that reach beyond the end count. */
  readonly ceilMode?: boolean;
};

const KINDS = ['', 'a sequence', 'an image', 'a volume'] as const;
const AXES = ['', '[length]', '[height, width]', '[depth, height, width]'] as const;
const SIDES = ['', '[before, after]', '[top, left, bottom, right]', '[front, top, left, back, bottom, right]'] as const;
const INPUTS = [
  '',
  '[sequences, channels, length]',
  '[images, channels, height, width]',
  '[volumes, channels, depth, height, width]',
];

/** Whole numbers of at least `least`, one for each of `axes`. @throws LimitError */
export function eachAxis(op: string, name: string, value: number | readonly number[], axes: number, least: number): number[] {
  const all = typeof value === 'number' ? Array.from({ length: axes }, () => value) : [...value];
  if (all.length === axes && all.every((part) => Number.isInteger(part) && part >= least)) return all;
  throw new LimitError(op, `${name} is ${String(value)}`, `give a whole number of at least ${least}, or ${AXES[axes]} of such`);
}

/** Padding as numbers before and after each axis. @throws LimitError */
function sidesOf(op: string, padding: Exclude<Given['padding'], NamedPadding | undefined>, axes: number): [number[], number[]] {
  const all = typeof padding === 'number' ? Array.from({ length: axes }, () => padding) : [...padding];
  if ((all.length === axes || all.length === 2 * axes) && all.every((part) => Number.isInteger(part) && part >= 0))
    return [all.slice(0, axes), all.slice(-axes)];
  throw new LimitError(
    op,
    `padding is ${typeof padding === 'string' ? `"${String(padding)}"` : String(padding)}`,
    `give a whole number of at least 0, ${AXES[axes]} or ${SIDES[axes]} of such, 'same' or 'valid'`,
  );
}

/** @throws ShapeError when not even one window fits, LimitError for options out of range */
export function windowsOf<S extends readonly number[]>(
  op: string,
  size: S,
  kernel: number | readonly number[],
  options: Given,
): Windows<S> {
  const axes = size.length;
  const taps = eachAxis(op, 'kernel', kernel, axes, 1);
  const stride = eachAxis(op, 'stride', options.stride ?? 1, axes, 1);
  const dilation = eachAxis(op, 'dilation', options.dilation ?? 1, axes, 1);
  const reach = taps.map((count, axis) => nth(dilation, axis) * (count - 1) + 1);
  const { padding: given = 0, ceilMode = false } = options;
  let [padding, after]: number[][] = [[], []];
  if (given === 'same') {
    const zeros = size.map((cells, axis) => {
      const step = nth(stride, axis);
      return Math.max(0, (Math.ceil(cells / step) - 1) * step + nth(reach, axis) - cells);
    });
    [padding, after] = [zeros.map((count) => Math.floor(count / 2)), zeros.map((count) => Math.ceil(count / 2))];
  } else [padding, after] = sidesOf(op, given === 'valid' ? 0 : given, axes);
  const places = size.map((cells, axis) => {
    const [step, before] = [nth(stride, axis), nth(padding, axis)];
    const room = cells + before + nth(after, axis) - nth(reach, axis);
    const count = Math[ceilMode ? 'ceil' : 'floor'](room / step) + 1;
    // A window that begins after the last cell has nothing to see.
    return ceilMode && (count - 1) * step >= cells + before ? count - 1 : count;
  });
  if (places.some((count) => count < 1)) {
    throw new ShapeError(
      op,
      `windows of ${showShape(taps)} (dilation ${showShape(dilation)}) do not fit ${KINDS[axes]} of ${showShape(size)} with padding ${showShape(String(padding) === String(after) ? padding : [...padding, ...after])}`,
      'use a smaller kernel or more padding',
    );
  }
  return { size, taps, places, stride, padding, after, dilation } as unknown as Windows<S>;
}

/** Sizes of the axes after images and channels. @throws ShapeError for another rank */
export function spatialSize(op: string, name: string, x: { readonly shape: Shape }, axes: 1): One;
export function spatialSize(op: string, name: string, x: { readonly shape: Shape }, axes: 2): Two;
export function spatialSize(op: string, name: string, x: { readonly shape: Shape }, axes: 3): Three;
export function spatialSize(op: string, name: string, { shape }: { readonly shape: Shape }, axes: number): readonly number[] {
  if (shape.length !== axes + 2) throw new ShapeError(op, `${name} has shape ${showShape(shape)}`, `give ${INPUTS[axes]}`);
  return shape.slice(2);
}

/** Height and width of [N, C, H, W]. @throws ShapeError for another rank */
export function imageSize(op: string, name: string, x: { readonly shape: Shape }): Two {
  return spatialSize(op, name, x, 2);
}

/** Windows over a sequence as options of windows over an image of height 1. */
export function flatWindows({ stride, padding, after, dilation }: Windows<One>): WindowOptions {
  return { stride: [1, stride[0]], padding: [0, padding[0], 0, after[0]], dilation: [1, dilation[0]] };
}

/** Windows over a volume as options of windows over its images, and over its depth with the rest as width. */
export function splitWindows({ stride, padding, after, dilation }: Windows<Three>): {
  readonly images: WindowOptions;
  readonly depth: WindowOptions;
} {
  return {
    images: {
      stride: [stride[1], stride[2]],
      padding: [padding[1], padding[2], after[1], after[2]],
      dilation: [dilation[1], dilation[2]],
    },
    depth: { stride: [stride[0], 1], padding: [padding[0], 0, after[0], 0], dilation: [dilation[0], 1] },
  };
}

export type Channels = {
  readonly images: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
};

/** @throws ShapeError unless the weight [outputs, channels / groups, ...] is one of as many axes as x [images, channels, ...] and fits it */
export function channelsOf(op: string, xShape: Shape, weightShape: Shape, groups = 1): Channels {
  const [images = 0, channels = 0] = xShape;
  const [outputs = 0, groupChannels = 0] = weightShape;
  const divides = Number.isInteger(groups) && groups >= 1 && outputs % groups === 0;
  if (weightShape.length === xShape.length && divides && channels === groupChannels * groups)
    return { images, channels, outputs, groups };
  throw new ShapeError(
    op,
    `weight of shape ${showShape(weightShape)} does not fit x of shape ${showShape(xShape)} in ${groups} group${groups === 1 ? '' : 's'}`,
    `give weight [outputs, channels / groups, ${AXES[xShape.length - 2]?.slice(1, -1)}] with outputs divisible by groups`,
  );
}

const wrapped = (strides: readonly number[]): number[] => strides.map((stride) => stride >>> 0);

/** Parameters of conv.wgsl; a missing tensor's are 0. */
export function convParams(
  windows: Windows,
  { images, channels, outputs, groups }: Channels,
  tensors: { readonly x?: Tensor; readonly y?: Tensor; readonly weight?: Tensor; readonly bias?: Tensor | undefined },
): Record<string, number | boolean | readonly number[]> {
  const { x, y, weight, bias } = tensors;
  const { size, taps, places, stride, padding, dilation } = windows;
  return {
    ...{ size, taps, places, stride, padding, dilation },
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
