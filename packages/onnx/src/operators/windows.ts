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

/** A convolution without padding over 1, 2 or 3 axes. */
export function convolve(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  options: { readonly strides: readonly number[]; readonly dilations: readonly number[]; readonly groups: number; readonly padding?: readonly number[] },
): Tensor {
  const { strides, dilations, groups, padding = strides.map(() => 0) } = options;
  const pair = (list: readonly number[], fill: number): readonly [number, number] => [list.at(-2) ?? fill, list.at(-1) ?? fill];
  const flat = { stride: pair(strides, 1), dilation: pair(dilations, 1), padding: pair(padding, 0), groups };
  if (strides.length === 1)
    return engine.squeeze(engine.conv2d(engine.unsqueeze(x, 2), engine.unsqueeze(weight, 2), bias, flat), 2);
  if (strides.length === 2) return engine.conv2d(x, weight, bias, flat);
  // Images of each depth by themselves, for each depth of the window.
  const [stride = 1, dilation = 1, around = 0] = [strides[0], dilations[0], padding[0]];
  const deep = around === 0 ? x : engine.pad(x, [[0, 0], [0, 0], [around, around]]);
  const [images = 1, , depth = 1] = deep.shape;
  const taps = weight.shape[2] ?? 1;
  const places = Math.floor((depth - dilation * (taps - 1) - 1) / stride) + 1;
  let total: Tensor | undefined;
  for (let tap = 0; tap < taps; tap += 1) {
    const start = tap * dilation;
    const planes = engine.slice(deep, [null, null, { start, stop: start + stride * (places - 1) + 1, step: stride }]);
    const [, channels = 1, , height = 1, width = 1] = planes.shape;
    const batch = engine.reshape(engine.permute(planes, [0, 2, 1, 3, 4]), [images * places, channels, height, width]);
    const part = engine.conv2d(batch, engine.select(weight, 2, tap), tap === 0 ? bias : undefined, flat);
    total = total ? engine.add(total, part) : part;
  }
  const [, outputs = 1, height = 1, width = 1] = (total as Tensor).shape;
  return engine.permute(engine.reshape(total as Tensor, [images, places, outputs, height, width]), [0, 2, 1, 3, 4]);
}

/** A pool that can be done axis by axis, over 1, 2 or 3 axes without padding. */
export function poolAxes(
  x: Tensor,
  windows: readonly AxisWindows[],
  pool: (x: Tensor, kernel: readonly [number, number], stride: readonly [number, number], dilation: readonly [number, number]) => Tensor,
): Tensor {
  const of = (key: 'taps' | 'stride' | 'dilation'): readonly [number, number] => [
    windows.length > 1 ? (windows.at(-2)?.[key] ?? 1) : 1,
    windows.at(-1)?.[key] ?? 1,
  ];
  const flat = (image: Tensor): Tensor => pool(image, of('taps'), of('stride'), of('dilation'));
  if (windows.length === 1) return engine.squeeze(flat(engine.unsqueeze(x, 2)), 2);
  if (windows.length === 2) return flat(x);
  const [n = 1, c = 1, d = 1, h = 1, w = 1] = x.shape;
  const planes = flat(engine.reshape(x, [n, c * d, h, w]));
  const [, , height = 1, width = 1] = planes.shape;
  const [first] = windows as [AxisWindows];
  const columns = engine.reshape(planes, [n, c, d, height * width]);
  const pooled = pool(columns, [first.taps, 1], [first.stride, 1], [first.dilation, 1]);
  return engine.reshape(pooled, [n, c, first.places, height, width]);
}
