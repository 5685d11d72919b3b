/** Discrete Fourier transforms along one axis, of any length: what the ops and their gradients are made of. */
import { fftWgsl } from '@mudpt/shaders';
import { expectDType } from '../../dtype.ts';
import { LimitError, ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { empty, expectOneDevice } from '../../definition/views.ts';
import { add, mul, sub } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { normalizeAxis, sameShape, showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { lastOf, nth } from '../../values.ts';
import { tensor } from '../create/create.ts';
import { pad } from '../views/pad.ts';
import { narrow } from '../views/slices.ts';
import { reshape, transpose } from '../views/views.ts';
import { contiguous } from '../../kernels/copy.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';

/** Complex numbers: two f32 tensors of one shape. */
export type Complex = { readonly re: Tensor; readonly im: Tensor };

const fftKernel = kernel({ name: 'fft', source: fftWgsl });
/** Most points of one dispatch: two halves of 16 KB of workgroup memory hold them. */
const MOST = 1024;
const LONGEST = 2 ** 26;

type Lines = { readonly re: Tensor; readonly im?: Tensor | undefined };
type How = { readonly sign: 1 | -1; readonly scale?: number };

/** Transforms of contiguous lines of a power of two up to {@link MOST}. */
function shortLines({ re, im }: Lines, { sign, scale = 1 }: How, period = 0, columns = 1): Complex {
  const { device, shape } = re;
  const length = lastOf(shape);
  const lines = re.size / length;
  const [y, z] = [empty(device, shape), empty(device, shape)];
  fftKernel.dispatch(device, {
    buffers: { x_re: re, x_im: im ?? re, y_re: y, y_im: z },
    params: {
      lines,
      length,
      sign,
      scale,
      period,
      columns,
      re_offset: re.offset,
      im_offset: im?.offset ?? 0,
      has_im: im !== undefined,
    },
    grid: grid1d(lines, 1),
    defines: { N: length <= 128 ? 128 : MOST },
    flops: 5 * re.size * Math.log2(length),
    bytes: 16 * re.size,
  });
  return { re: y, im: z };
}

const both = (x: Lines, map: (part: Tensor) => Tensor): Lines => ({ re: map(x.re), im: x.im && map(x.im) });
const each = (x: Complex, map: (part: Tensor) => Tensor): Complex => ({ re: map(x.re), im: map(x.im) });
const product = (x: Lines, y: Complex): Complex =>
  x.im
    ? { re: sub(mul(x.re, y.re), mul(x.im, y.im)), im: add(mul(x.re, y.im), mul(x.im, y.re)) }
    : { re: mul(x.re, y.re), im: mul(x.re, y.im) };

/** Along the last axis. */
function transform(x: Lines, how: How): Complex {
  const length = lastOf(x.re.shape);
  if (!Number.isInteger(Math.log2(length))) return byChirps(x, how);
  if (length <= MOST) return shortLines(both(x, contiguous), how);
  // Of n = rows * columns points j = j1 columns + j2: first over j1, then over j2, the result at k = k2 rows + k1.
  const rows = Math.min(MOST, 2 ** Math.ceil(Math.log2(length) / 2));
  const columns = length / rows;
  const lead = x.re.shape.slice(0, -1);
  const grid = both(x, (part) => contiguous(transpose(reshape(part, [...lead, rows, columns]), -1, -2)));
  const first = shortLines(grid, how, length, columns);
  const second = transform(
    each(first, (part) => transpose(part, -1, -2)),
    { sign: how.sign },
  );
  return each(second, (part) => reshape(transpose(part, -1, -2), x.re.shape));
}

/** Bluestein: j k = (j^2 + k^2 - (k - j)^2) / 2 makes any length a convolution with a chirp, done with powers of two. */
function byChirps(x: Lines, { sign, scale = 1 }: How): Complex {
  const n = lastOf(x.re.shape);
  const size = 2 ** Math.ceil(Math.log2(2 * n - 1));
  const { device, rank } = x.re;
  const [cosines, sines] = [new Float32Array(n), new Float32Array(n)];
  const [circleRe, circleIm] = [new Float32Array(size), new Float32Array(size)];
  for (let k = 0; k < n; k += 1) {
    // k^2 modulo 2 n stays exact.
    const angle = (sign * Math.PI * ((k * k) % (2 * n))) / n;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    [cosines[k], sines[k]] = [c, s];
    for (const place of [k, (size - k) % size]) [circleRe[place], circleIm[place]] = [c, -s];
  }
  const chirp = { re: tensor(cosines, { device }), im: tensor(sines, { device }) };
  const circle = transform({ re: tensor(circleRe, { device }), im: tensor(circleIm, { device }) }, { sign: -1 });
  const amounts = Array.from({ length: rank }, (_, axis): [number, number] => (axis === rank - 1 ? [0, size - n] : [0, 0]));
  const padded = each(product(x, chirp), (part) => pad(part, amounts));
  const convolved = transform(product(transform(padded, { sign: -1 }), circle), { sign: 1, scale: scale / size });
  return product(
    each(convolved, (part) => narrow(part, -1, 0, n)),
    chirp,
  );
}

/**
 * y[k] = scale * sum over j of (re[j] + i im[j]) exp(sign * 2 pi i j k / n) along an axis. Its gradient is itself with the other sign.
 * @param im undefined: zeros
 */
export const fourier = defineOp(
  'fourier',
  (op: string, re: Tensor, im: Tensor | undefined, axis: number, sign: 1 | -1, scale: number): Complex => {
    for (const part of im ? [re, im] : [re]) {
      part.expectLive(op);
      expectDType(op, 'x', part.dtype, ['f32']);
    }
    const at = normalizeAxis(op, axis, re.shape);
    if (im) {
      expectOneDevice(op, re, im);
      if (!sameShape(re.shape, im.shape))
        throw new ShapeError(op, `re has shape ${showShape(re.shape)}, im ${showShape(im.shape)}`, 'give both one shape');
    }
    const length = nth(re.shape, at);
    if (length === 0) throw new ShapeError(op, `axis ${at} of shape ${showShape(re.shape)} is empty`, 'give at least one point');
    if (length > LONGEST) throw new LimitError(op, `axis ${at} has ${length} points`, `transform at most ${LONGEST}`);
    return scope(() => {
      const lines = both({ re, im }, (part) => transpose(part, at, -1));
      if (re.size === 0) return { re: empty(re.device, re.shape), im: empty(re.device, re.shape) };
      return each(transform(lines, { sign, scale }), (part) => transpose(part, at, -1));
    });
  },
);
