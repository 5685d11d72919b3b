/** Two-dimensional convolution, pooling and unfold, [B, C, H, W], by the defining loops. */
import { type Ref, accumulate, build, forEachIndex, get, zeros } from './array.ts';

/** A number for both axes, or [height, width]. */
export type Pair = number | readonly [number, number];
export type WindowOptions = { stride?: Pair; padding?: Pair };
export type Conv2dOptions = WindowOptions & { bias?: Ref; groups?: number };

const both = (value: Pair): readonly [number, number] => (typeof value === 'number' ? [value, value] : value);

type Windows = {
  height: number;
  width: number;
  row: (out: number, tap: number) => number;
  column: (out: number, tap: number) => number;
};

/** Extents of the output and the input position under a tap of the kernel (outside the input where it is padding). */
function windows(input: readonly number[], kernel: readonly [number, number], options: WindowOptions): Windows {
  const [strideY, strideX] = both(options.stride ?? 1);
  const [padY, padX] = both(options.padding ?? 0);
  return {
    height: Math.floor((input[2]! + 2 * padY - kernel[0]) / strideY) + 1,
    width: Math.floor((input[3]! + 2 * padX - kernel[1]) / strideX) + 1,
    row: (out, tap) => out * strideY - padY + tap,
    column: (out, tap) => out * strideX - padX + tap,
  };
}

/** Visits every product of the convolution: [output index], [input index], [weight index]; taps over padding are left out. */
function forEachProduct(
  x: Ref,
  weight: Ref,
  options: Conv2dOptions,
  visit: (out: readonly number[], input: readonly number[], tap: readonly number[]) => void,
): number[] {
  const groups = options.groups ?? 1;
  const [outputs, channels, kernelY, kernelX] = weight.shape as [number, number, number, number];
  if (x.shape[1] !== channels * groups || outputs % groups !== 0)
    throw new Error(`conv2d of [${x.shape}] with [${weight.shape}], ${groups} groups`);
  const { height, width, row, column } = windows(x.shape, [kernelY, kernelX], options);
  const shape = [x.shape[0]!, outputs, height, width];
  forEachIndex(shape, (out) => {
    const [image, o, top, left] = out as [number, number, number, number];
    const group = Math.floor(o / (outputs / groups));
    forEachIndex([channels, kernelY, kernelX], (tap) => {
      const [channel, dy, dx] = tap as [number, number, number];
      const y = row(top, dy);
      const z = column(left, dx);
      if (y < 0 || y >= x.shape[2]! || z < 0 || z >= x.shape[3]!) return;
      visit(out, [image, group * channels + channel, y, z], [o, channel, dy, dx]);
    });
  });
  return shape;
}

/** x [B, C, H, W], weight [O, C / groups, kh, kw], bias [O] gives [B, O, H', W'] (cross-correlation, zero padding). */
export function conv2d(x: Ref, weight: Ref, options: Conv2dOptions = {}): Ref {
  const [outputs, , kernelY, kernelX] = weight.shape as [number, number, number, number];
  const { height, width } = windows(x.shape, [kernelY, kernelX], options);
  const out = build([x.shape[0]!, outputs, height, width], (index) => options.bias?.data[index[1]!] ?? 0);
  forEachProduct(x, weight, options, (at, input, tap) => accumulate(out, at, get(x, input) * get(weight, tap)));
  return out;
}

/** Gradients of conv2d. */
export function conv2dVjp(x: Ref, weight: Ref, cotangent: Ref, options: Conv2dOptions = {}): { x: Ref; weight: Ref; bias: Ref } {
  const grad = { x: zeros(x.shape), weight: zeros(weight.shape), bias: zeros([weight.shape[0]!]) };
  forEachProduct(x, weight, options, (at, input, tap) => {
    accumulate(grad.x, input, get(cotangent, at) * get(weight, tap));
    accumulate(grad.weight, tap, get(cotangent, at) * get(x, input));
  });
  forEachIndex(cotangent.shape, (index, flat) => accumulate(grad.bias, [index[1]!], cotangent.data[flat]!));
  return grad;
}

/** Patches as columns: [B, C kh kw, L], L = H' W', rows in the order channel, row, column of the kernel (PyTorch's unfold). */
export function unfold(x: Ref, kernel: Pair, options: WindowOptions = {}): Ref {
  const [kernelY, kernelX] = both(kernel);
  const { height, width, row, column } = windows(x.shape, [kernelY, kernelX], options);
  return build([x.shape[0]!, x.shape[1]! * kernelY * kernelX, height * width], ([image, tap, place]) => {
    const dx = tap! % kernelX;
    const dy = Math.floor(tap! / kernelX) % kernelY;
    const channel = Math.floor(tap! / (kernelX * kernelY));
    const y = row(Math.floor(place! / width), dy);
    const z = column(place! % width, dx);
    const inside = y >= 0 && y < x.shape[2]! && z >= 0 && z < x.shape[3]!;
    return inside ? get(x, [image!, channel, y, z]) : 0;
  });
}

/** Visits the cells of every window of x [B, C, H, W] that lie in the image, window by window. */
function forEachCell(
  x: Ref,
  kernel: Pair,
  options: WindowOptions,
  visit: (out: readonly number[], input: readonly number[], place: number) => void,
): number[] {
  const [kernelY, kernelX] = both(kernel);
  const { height, width, row, column } = windows(x.shape, [kernelY, kernelX], { ...options, stride: options.stride ?? kernel });
  const shape = [x.shape[0]!, x.shape[1]!, height, width];
  forEachIndex(shape, (out, flat) => {
    forEachIndex([kernelY, kernelX], ([dy, dx]) => {
      const [y, z] = [row(out[2]!, dy!), column(out[3]!, dx!)];
      if (y >= 0 && y < x.shape[2]! && z >= 0 && z < x.shape[3]!) visit(out, [out[0]!, out[1]!, y, z], flat);
    });
  });
  return shape;
}

/** Largest value of every window, NaN if there is one; with the gradient that `cotangent` gives the first of equals. */
export function maxPool2d(x: Ref, kernel: Pair, options: WindowOptions = {}, cotangent?: Ref): { out: Ref; grad: Ref } {
  const best = new Map<number, readonly number[]>();
  const shape = forEachCell(x, kernel, options, (_, input, place) => {
    const before = best.get(place);
    const [value, other] = [get(x, input), before ? get(x, before) : -Infinity];
    if (!before || value > other || (Number.isNaN(value) && !Number.isNaN(other))) best.set(place, [...input]);
  });
  const out = zeros(shape);
  const grad = zeros(x.shape);
  for (const [place, input] of best) {
    out.data[place] = get(x, input);
    if (cotangent) accumulate(grad, input, cotangent.data[place]!);
  }
  return { out, grad };
}

/** Mean of every window; the padding counts as zeros, or not at all. */
export function avgPool2d(
  x: Ref,
  kernel: Pair,
  options: WindowOptions & { countsPadding?: boolean } = {},
  cotangent?: Ref,
): { out: Ref; grad: Ref } {
  const [kernelY, kernelX] = both(kernel);
  const cells = new Map<number, number>();
  const shape = forEachCell(x, kernel, options, (_, _input, place) => cells.set(place, (cells.get(place) ?? 0) + 1));
  const share = (place: number): number => 1 / ((options.countsPadding ?? true) ? kernelY * kernelX : cells.get(place)!);
  const out = zeros(shape);
  const grad = zeros(x.shape);
  forEachCell(x, kernel, options, (at, input, place) => {
    accumulate(out, at, get(x, input) * share(place));
    if (cotangent) accumulate(grad, input, cotangent.data[place]! * share(place));
  });
  return { out, grad };
}
