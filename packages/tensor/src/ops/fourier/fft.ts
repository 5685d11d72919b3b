/**
 * Fourier transforms. Complex numbers are pairs `{ re, im }` of f32 tensors: all other operations take each part as it is, reads are dense, and gradients flow
 * through the parts. Any length is fast: powers of two by Stockham's method in workgroup memory (longer ones in two steps), others by Bluestein's.
 * Inverse transforms divide by the number of points (NumPy's default).
 */
import { LimitError, ShapeError } from '../../errors.ts';
import { add, mul, neg } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { normalizeAxis, showShape } from '../../shape.ts';
import { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import { arange, type CreateOptions, tensor } from '../create/create.ts';
import { type Complex, fourier } from './fourier.ts';
import { indexSelect } from '../indexing/gather.ts';
import { cat } from '../views/join.ts';
import { flip, narrow } from '../views/slices.ts';
import { reshape, unsqueeze } from '../views/views.ts';

export type { Complex } from './fourier.ts';

const partsOf = (op: string, x: Tensor | Complex): { readonly re: Tensor; readonly im: Tensor | undefined } => {
  if (x instanceof Tensor) return { re: x, im: undefined };
  if (typeof x === 'object' && x?.re instanceof Tensor && x.im instanceof Tensor) return x;
  throw new ShapeError(op, 'x is neither a tensor nor a pair', 'give a tensor, or { re, im } of two tensors');
};

/** The inverse divides by the points of the axis. */
function along(op: string, x: Tensor | Complex, axis: number, sign: 1 | -1): Complex {
  const { re, im } = partsOf(op, x);
  const points = sign === 1 ? (re.shape[normalizeAxis(op, axis, re.shape)] ?? 1) : 1;
  return fourier(op, re, im, axis, sign, 1 / Math.max(1, points));
}

/** Both parts, and nothing else that was made on the way. */
const overTwo = (op: string, x: Tensor | Complex, axes: readonly number[], sign: 1 | -1): Complex => {
  if (axes.length !== 2) throw new ShapeError(op, `axes are [${axes.join(', ')}]`, 'give two axes');
  return scope(() => along(op, along(op, x, nth(axes, 1), sign), nth(axes, 0), sign));
};

/**
 * The discrete Fourier transform along `axis` (default the last): y[k] = sum over j of x[j] exp(-2 pi i j k / n).
 * @param x a real tensor or a complex pair, f32
 * @throws ShapeError for an axis out of range or empty, or parts of two shapes; DTypeError
 * @example
 * const { re } = fft(tensor([1, 1, 1, 1]));
 * console.log(await re.data()); // [4,0,0,0]
 */
export const fft = (x: Tensor | Complex, axis: number = -1): Complex => along('fft', x, axis, -1);

/** The inverse of {@link fft}: x[j] = sum over k of y[k] exp(2 pi i j k / n) / n. @throws as fft */
export const ifft = (x: Tensor | Complex, axis: number = -1): Complex => along('ifft', x, axis, 1);

/** {@link fft} along two axes (default the last two). @throws as fft */
export const fft2 = (x: Tensor | Complex, axes: readonly number[] = [-2, -1]): Complex => overTwo('fft2', x, axes, -1);

/** The inverse of {@link fft2}. @throws as fft */
export const ifft2 = (x: Tensor | Complex, axes: readonly number[] = [-2, -1]): Complex => overTwo('ifft2', x, axes, 1);

/** The first n / 2 + 1 (rounded down) points of {@link fft} of a real tensor; the others are their conjugates. @throws as fft */
export function rfft(x: Tensor, axis: number = -1): Complex {
  return scope(() => {
    const { re, im } = along('rfft', x, axis, -1);
    const at = normalizeAxis('rfft', axis, re.shape);
    const count = Math.floor(nth(re.shape, at) / 2) + 1;
    return { re: narrow(re, at, 0, count), im: narrow(im, at, 0, count) };
  });
}

/**
 * The inverse of {@link rfft}: a real tensor of `length` points along the axis.
 * @param length 2 (k - 1) for k points by default, or 2 k - 1
 * @throws ShapeError for another length; as fft
 */
export function irfft(x: Complex, axis: number = -1, length?: number): Tensor {
  const { re, im } = partsOf('irfft', x);
  const at = normalizeAxis('irfft', axis, re.shape);
  const count = nth(re.shape, at);
  const points = length ?? 2 * (count - 1);
  if (!im || points < 1 || Math.floor(points / 2) + 1 !== count)
    throw new ShapeError(
      'irfft',
      `x has shape ${showShape(re.shape)}, length is ${points}`,
      'give a pair of k points along the axis, and length 2 (k - 1) or 2 k - 1',
    );
  return scope(() => {
    const rest = points - count;
    const mirrored = (part: Tensor): Tensor => flip(narrow(part, at, 1, rest), at);
    const whole = rest > 0 ? { re: cat([re, mirrored(re)], at), im: cat([im, neg(mirrored(im))], at) } : { re, im };
    return ifft(whole, at).re;
  });
}

/** Options of windows. */
export type WindowFunctionOptions = CreateOptions & {
  /** For spectra: one period of `count` points. false: symmetric, for filters. Default true. */
  readonly periodic?: boolean;
};

function cosineWindow(op: string, count: number, options: WindowFunctionOptions, terms: readonly number[]): Tensor {
  const { periodic = true, ...create } = options;
  if (!Number.isSafeInteger(count) || count < 0) throw new LimitError(op, `count is ${count}`, 'give a whole number from 0');
  const period = periodic ? count : count - 1;
  const value = (i: number): number =>
    count === 1 ? 1 : terms.reduce((sum, term, order) => sum + term * Math.cos((2 * Math.PI * order * i) / period), 0);
  return tensor(
    Float32Array.from({ length: count }, (_, i) => value(i)),
    { ...create, dtype: create.dtype ?? 'f32' },
  );
}

/** Hann's window of `count` points, 0.5 - 0.5 cos(2 pi i / n). @throws LimitError for a count that is no whole number from 0 */
export const hannWindow = (count: number, options: WindowFunctionOptions = {}): Tensor =>
  cosineWindow('hannWindow', count, options, [0.5, -0.5]);

/** Hamming's window of `count` points, 0.54 - 0.46 cos(2 pi i / n). @throws LimitError for a count that is no whole number from 0 */
export const hammingWindow = (count: number, options: WindowFunctionOptions = {}): Tensor =>
  cosineWindow('hammingWindow', count, options, [0.54, -0.46]);

/** Blackman's window of `count` points, 0.42 - 0.5 cos(2 pi i / n) + 0.08 cos(4 pi i / n). @throws LimitError for a count that is no whole number from 0 */
export const blackmanWindow = (count: number, options: WindowFunctionOptions = {}): Tensor =>
  cosineWindow('blackmanWindow', count, options, [0.42, -0.5, 0.08]);

/** Options of {@link stft}. */
export type StftOptions = {
  /** Points of a frame. */
  readonly size: number;
  /** Points from one frame to the next. Default a quarter of `size`, rounded down. */
  readonly hop?: number;
  /** What frames are multiplied by: [size], for instance hannWindow(size). Default none. */
  readonly window?: Tensor;
};

/**
 * Spectra of overlapping frames: x [..., n] gives [..., frames, size / 2 + 1] with 1 + (n - size) / hop (rounded down) frames. Nothing is added at the ends: pad
 * first where frames shall be centred.
 * @throws LimitError for a size or hop that is no whole number above 0; ShapeError where no frame fits, or for another window
 * @example
 * console.log(stft(zeros([16]), { size: 8, window: hannWindow(8) }).re.shape); // [5,5]
 */
export function stft(x: Tensor, { size, hop = Math.max(1, Math.floor(size / 4)), window }: StftOptions): Complex {
  x.expectLive('stft');
  for (const [name, value] of [
    ['size', size],
    ['hop', hop],
  ] as const)
    if (!Number.isSafeInteger(value) || value < 1)
      throw new LimitError('stft', `${name} is ${value}`, 'give a whole number above 0');
  const points = x.shape.at(-1) ?? 0;
  if (points < size)
    throw new ShapeError(
      'stft',
      `x has shape ${showShape(x.shape)}, frames ${size} points`,
      'give a longer x, or smaller frames',
    );
  if (window && (window.rank !== 1 || window.size !== size))
    throw new ShapeError('stft', `window has shape ${showShape(window.shape)}`, `give [${size}]`);
  const frames = 1 + Math.floor((points - size) / hop);
  return scope(() => {
    const { device } = x;
    const starts = mul(arange(frames, { dtype: 'i32', device }), hop);
    const places = reshape(add(unsqueeze(starts, 1), arange(size, { dtype: 'i32', device })), [frames * size]);
    const cut = reshape(indexSelect(x, -1, places), [...x.shape.slice(0, -1), frames, size]);
    return rfft(window ? mul(cut, window) : cut);
  });
}
