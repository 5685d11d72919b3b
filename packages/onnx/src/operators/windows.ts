/** Where windows lie over images: padding, places, and the axes that 1-D and 3-D images lack or have beyond two. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import type { Call } from '../node/call.ts';

/** Windows along one axis. */
export type AxisWindows = {
  readonly size: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  /** Cells of padding that belong to the image's surroundings. */
  readonly before: number;
  readonly after: number;
  /** Cells beyond, which the last window reaches into with ceil_mode. */
  readonly extra: number;
  readonly places: number;
};

/** Windows of a call over the axes after the second. */
export function windowsOf(call: Call, kernel: readonly number[]): AxisWindows[] {
  const sizes = call.shape(0).slice(2);
  if (kernel.length !== sizes.length)
    throw call.error(`a window of ${kernel.length} axes does not fit an image of [${sizes.join(', ')}]`, 'they must have as many axes');
  const [strides, dilations, pads] = [call.ints('strides'), call.ints('dilations'), call.ints('pads')];
  const automatic = call.text('auto_pad', 'NOTSET');
  const ceil = call.int('ceil_mode', 0) === 1;
  return sizes.map((size, axis) => {
    const taps = kernel[axis] ?? 1;
    const stride = strides?.[axis] ?? 1;
    const dilation = dilations?.[axis] ?? 1;
    const reach = dilation * (taps - 1) + 1;
    let [before, after] = automatic === 'NOTSET' ? [pads?.[axis] ?? 0, pads?.[axis + sizes.length] ?? 0] : [0, 0];
    if (automatic.startsWith('SAME')) {
      const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size);
      before = automatic === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
      after = total - before;
    }
    const steps = (size + before + after - reach) / stride;
    let places = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // The last window begins inside of the image or of the padding before it.
    if (ceil && (places - 1) * stride >= size + before) places -= 1;
    if (places < 1)
      throw call.error(`windows of ${reach} cells do not fit an axis of ${size} with padding ${before} and ${after}`, 'give larger images');
    const extra = Math.max(0, (places - 1) * stride + reach - size - before - after);
    return { size, taps, stride, dilation, before, after, extra, places };
  });
}

export type Surround = readonly [before: number, after: number];

/** x with cells around its axes after the second. */
export function surround(x: Tensor, amounts: readonly Surround[], value = 0): Tensor {
  return amounts.some(([before, after]) => before !== 0 || after !== 0) ? engine.pad(x, [[0, 0], [0, 0], ...amounts], value) : x;
}

/** Padding of all sides, those before first, as the engine's options have it. */
export const sides = (amounts: readonly Surround[]): number[] => [...amounts.map(([before]) => before), ...amounts.map(([, after]) => after)];

type Convolution = {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly groups: number;
  readonly padding: readonly Surround[];
};

/** A convolution over 1, 2 or 3 axes. */
export function convolve(x: Tensor, weight: Tensor, bias: Tensor | undefined, { strides, dilations, groups, padding }: Convolution): Tensor {
  const around = sides(padding);
  if (strides.length === 1) {
    const [stride = 1, dilation = 1] = [strides[0], dilations[0]];
    return engine.conv1d(x, weight, bias, { stride, dilation, groups, padding: around as [number, number] });
  }
  if (strides.length === 2) {
    const [stride, dilation] = [strides as [number, number], dilations as [number, number]];
    return engine.conv2d(x, weight, bias, { stride, dilation, groups, padding: around as [number, number, number, number] });
  }
  const [stride, dilation] = [strides as [number, number, number], dilations as [number, number, number]];
  return engine.conv3d(x, weight, bias, { stride, dilation, groups, padding: around as [number, number, number, number, number, number] });
}

/** How windows lie over an image with two axes. */
export type Flat = {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: readonly [number, number, number, number];
};

function flatOf(rows: AxisWindows | undefined, columns: AxisWindows | undefined): Flat {
  const both = (key: 'taps' | 'stride' | 'dilation'): [number, number] => [rows?.[key] ?? 1, columns?.[key] ?? 1];
  const after = (axis: AxisWindows | undefined): number => (axis?.after ?? 0) + (axis?.extra ?? 0);
  return {
    kernel: both('taps'),
    stride: both('stride'),
    dilation: both('dilation'),
    padding: [rows?.before ?? 0, columns?.before ?? 0, after(rows), after(columns)],
  };
}

/** A pool that can be done axis by axis, over 1, 2 or 3 axes. */
export function poolAxes(x: Tensor, windows: readonly AxisWindows[], pool: (x: Tensor, flat: Flat) => Tensor): Tensor {
  const flat = flatOf(windows.at(-2), windows.at(-1));
  if (windows.length === 1) return engine.squeeze(pool(engine.unsqueeze(x, 2), flat), 2);
  if (windows.length === 2) return pool(x, flat);
  const [n = 1, c = 1, d = 1, h = 1, w = 1] = x.shape;
  const planes = pool(engine.reshape(x, [n, c * d, h, w]), flat);
  const [, , height = 1, width = 1] = planes.shape;
  const columns = engine.reshape(planes, [n, c, d, height * width]);
  const pooled = pool(columns, flatOf(windows[0], undefined));
  return engine.reshape(pooled, [n, c, windows[0]?.places ?? 1, height, width]);
}
