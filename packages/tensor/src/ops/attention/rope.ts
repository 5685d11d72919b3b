/** Positions in attention: rotary embedding (Su and others, arXiv 2104.09864), its table, and linear biases (Press and others, arXiv 2108.12409). */
import { ropeWgsl } from '@mudpt/shaders';
import type { Device } from '../../device.ts';
import { bytesPerElement, expectDType, wgslType } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { empty } from '../../definition/views.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import { contiguous } from '../views/copy.ts';
import { tensor } from '../create/create.ts';

const ropeKernel = kernel({ name: 'rope', source: ropeWgsl });

/** Options of {@link rope}. */
export type RopeOptions = {
  /** Row of the table for the first row of x, for instance the rows that a cache has already. Default 0. */
  readonly offset?: number;
  /** Pairs are neighbours (GPT-J) instead of elements of both halves (GPT-NeoX, Llama in PyTorch). Default false. */
  readonly interleaved?: boolean;
  /** Turns back: the gradient. */
  readonly inverse?: boolean;
};

/**
 * Turns pairs of elements of x [..., T, H, D] by angles that grow with their row: queries and keys of attention then score by their distance.
 * @param table f32 [positions, width] of {@link ropeTable}; rows offset .. offset + T - 1 serve. For packed rows take its rows first: indexSelect(table, 0, positions). `width` is even and at
 * most D; elements beyond it pass unchanged.
 * @throws ShapeError, DTypeError
 * @example
 * console.log(rope(randn([5, 2, 8], { key: 1 }), ropeTable(5, 8)).shape); // [5,2,8]
 */
export const rope = defineOp('rope', (x: Tensor, table: Tensor, options: RopeOptions = {}): Tensor => {
  const { offset = 0, interleaved = false, inverse = false } = options;
  x.expectLive('rope');
  table.expectLive('rope');
  expectDType('rope', 'x', x.dtype, ['f32', 'f16']);
  expectDType('rope', 'table', table.dtype, ['f32']);
  const [positions = 0, width = 0] = table.shape;
  const [rows = 0, heads = 0, depth = 0] = x.shape.slice(-3);
  if (x.rank < 3 || table.rank !== 2 || width % 2 === 1 || width < 2 || width > depth)
    throw new ShapeError(
      'rope',
      `x ${showShape(x.shape)} and table ${showShape(table.shape)} do not fit`,
      'give x [..., T, H, D] and a table [positions, width] of an even width up to D',
    );
  if (!Number.isInteger(offset) || offset < 0 || offset + rows > positions)
    throw new ShapeError(
      'rope',
      `${rows} rows from ${offset} on are not in a table of ${positions} positions`,
      'make a longer table: ropeTable(positions, width)',
    );
  using values = contiguous.run(x);
  using angles = contiguous.run(table);
  const y = empty(x.device, x.shape, x.dtype);
  ropeKernel.dispatch(x.device, {
    buffers: { x: values, table: angles, y },
    params: {
      count: y.size,
      x_offset: values.offset,
      table_offset: angles.offset + offset * width,
      rows,
      heads,
      depth,
      width,
      direction: inverse ? -1 : 1,
    },
    grid: grid1d(y.size, 64),
    defines: { T: wgslType(x.dtype), INTERLEAVED: interleaved ? 1 : 0 },
    flops: 3 * y.size,
    bytes: 2 * y.size * bytesPerElement(x.dtype),
  });
  return y;
});

/**
 * Cosines and sines for {@link rope}, f32 [positions, width]: row p has those of p * base ** (-2 i / width), i < width / 2, first all cosines.
 * @throws ShapeError for an odd width
 */
export function ropeTable(
  positions: number,
  width: number,
  { base = 10_000, device }: { readonly base?: number; readonly device?: Device } = {},
): Tensor {
  if (!Number.isInteger(width) || width < 2 || width % 2 === 1)
    throw new ShapeError('ropeTable', `width is ${width}`, 'give an even number of elements that turn');
  const half = width / 2;
  const values = new Float32Array(positions * width);
  for (let p = 0; p < positions; p += 1) {
    for (let i = 0; i < half; i += 1) {
      const angle = p * base ** (-i / half);
      values[p * width + i] = Math.cos(angle);
      values[p * width + half + i] = Math.sin(angle);
    }
  }
  return tensor(values, { shape: [positions, width], ...(device && { device }) });
}

/**
 * Attention with linear biases as a mask for `attention`, f32 [H, Tq, Tk]: -slope |i + offset - j|, with the slopes 2 ** (-8 (h + 1) / H) of the paper (for H that
 * are no powers of two, of the next lower power and every other one of the next higher).
 * @param options.offset where the first query stands among the keys; default keys - queries
 */
export function alibiMask(
  heads: number,
  queries: number,
  keys: number,
  { offset = keys - queries, device }: { readonly offset?: number; readonly device?: Device } = {},
): Tensor {
  const slopes = alibiSlopes(heads);
  const values = new Float32Array(heads * queries * keys);
  let at = 0;
  for (let h = 0; h < heads; h += 1)
    for (let i = 0; i < queries; i += 1)
      for (let j = 0; j < keys; j += 1, at += 1) values[at] = -nth(slopes, h) * Math.abs(i + offset - j);
  return tensor(values, { shape: [heads, queries, keys], ...(device && { device }) });
}

function alibiSlopes(heads: number): number[] {
  const ofPower = (count: number): number[] => Array.from({ length: count }, (_, h) => 2 ** ((-8 * (h + 1)) / count));
  const lower = 2 ** Math.floor(Math.log2(heads));
  const between = ofPower(2 * lower).filter((_, h) => h % 2 === 0);
  return [...ofPower(lower), ...between.slice(0, heads - lower)];
}
