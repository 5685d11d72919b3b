/** Dropout by a counter-based random stream. */
import { dropoutWgsl } from '@mudpt/shaders';
import { DTypeError, LimitError } from '../errors.ts';
import { empty } from '../definition/views.ts';
import type { Tensor } from '../tensor.ts';
import { contiguous } from './copy.ts';
import { grid1d, kernel } from './kernel.ts';
import { workPerThread } from './work-per-thread.ts';

const dropoutKernel = kernel({ name: 'dropout', source: dropoutWgsl, strided: true });

/** Options of dropout. */
export type DropoutOptions = {
  /** Probability that an element becomes 0; the others are divided by 1 - p. */
  readonly p: number;
  /** Key of the random stream: a number, or a u32 tensor of one element that a captured step can change. */
  readonly seed: number | Tensor;
  /** Calls with one seed and different streams are independent. */
  readonly stream: number;
  /** Rows, along the first axis, of what x is a part of that come before it: the part is drawn what the whole would be. Default 0. */
  readonly firstRow?: number | undefined;
};

/** @throws LimitError for a row that no 32-bit count of elements reaches */
function firstElement({ shape: [rows = 1], size }: Tensor, firstRow: number): number {
  const first = firstRow * (size / Math.max(1, rows));
  if (Number.isInteger(firstRow) && firstRow >= 0 && first + size <= 2 ** 32) return first;
  throw new LimitError(
    'dropout',
    `firstRow is ${firstRow}`,
    'give a whole number of rows, so that elements count to 2^32 at most',
  );
}

/** x with elements set to 0 as the stream decides, in fresh memory. @throws LimitError for p outside 0..1, DTypeError for anything but f32 */
export function dropout(x: Tensor, { p, seed, stream, firstRow = 0 }: DropoutOptions): Tensor {
  if (!(p >= 0 && p < 1)) throw new LimitError('dropout', `p is ${p}`, 'give a probability from 0 up to, but not, 1');
  if (x.dtype !== 'f32') throw new DTypeError('dropout', `x has dtype ${x.dtype}`, "use f32, for instance x.cast('f32')");
  using flat = contiguous(x);
  const y = empty(x.device, x.shape);
  const { group, vectors } = workPerThread(x.device, 'dropout', 'flat');
  dropoutKernel.dispatch(x.device, {
    buffers: { x: flat, y, ...(typeof seed === 'object' && { seed }) },
    params: {
      count: x.size,
      x_offset: flat.offset,
      seed_value: typeof seed === 'number' ? seed >>> 0 : seed.offset,
      stream_number: stream,
      threshold: Math.round(p * 2 ** 24),
      scale: 1 / (1 - p),
      first: firstRow === 0 ? 0 : firstElement(x, firstRow),
    },
    grid: grid1d(Math.ceil(x.size / 4), group * vectors),
    defines: { SEEDED: typeof seed === 'object' ? 1 : 0, V: flat.offset % 4 === 0 ? 4 : 1, WG: group, PER: vectors },
    bytes: 8 * x.size,
  });
  return y;
}
