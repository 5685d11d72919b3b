/** Even ranges, grids of coordinates, and tensors like another one. */
import { ShapeError } from '../../errors.ts';
import { lerp } from '../../pointwise/ops.ts';
import { div, mul } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { cast } from '../views/copy.ts';
import { arange, type CreateOptions, full, ones, zeros } from '../create/create.ts';
import { rand, randn, type RandomOptions } from '../create/random.ts';
import { expand, reshape, transpose } from '../views/views.ts';

/**
 * `count` numbers from `start` to `stop`, both among them and exact, in even steps.
 * @param options.dtype f32 (default) or f16
 * @throws ShapeError for a count that is no whole number from 0
 */
export function linspace(start: number, stop: number, count: number, options: CreateOptions = {}): Tensor {
  if (!Number.isSafeInteger(count) || count < 0)
    throw new ShapeError('linspace', `count is ${count}`, 'give a whole number from 0');
  const { dtype = 'f32', device } = options;
  return scope(() => {
    const steps = arange(count, { ...(device && { device }) });
    const shares = count > 1 ? div(steps, count - 1) : mul(steps, 0);
    return cast(lerp(start, stop, shares), dtype);
  });
}

/** Options of {@link meshgrid}. */
export type MeshgridOptions = {
  /** 'ij' (default): axis i of the grids follows vector i. 'xy': the first two axes exchanged, as for images. */
  readonly indexing?: 'ij' | 'xy';
};

/**
 * A grid for each vector [n_i], of shape [n_0, n_1, ...], that repeats it along the other axes. @throws ShapeError for tensors that are no vectors
 * @example
 * const [rows] = meshgrid([tensor([1, 2]), tensor([3, 4, 5])]);
 * console.log(await rows.array()); // [[1,1,1],[2,2,2]]
 */
export function meshgrid(vectors: readonly Tensor[], { indexing = 'ij' }: MeshgridOptions = {}): Tensor[] {
  const odd = vectors.find(({ rank }) => rank !== 1);
  if (odd) throw new ShapeError('meshgrid', `a tensor has shape ${showShape(odd.shape)}`, 'give vectors, [n]');
  if (indexing !== 'ij' && indexing !== 'xy')
    throw new ShapeError('meshgrid', `indexing is "${String(indexing)}"`, "use 'ij' or 'xy'");
  const shape = vectors.map(({ size }) => size);
  return scope(() =>
    vectors.map((vector, axis) => {
      const grid = expand(
        reshape(
          vector,
          shape.map((size, at) => (at === axis ? size : 1)),
        ),
        shape,
      );
      return indexing === 'xy' && shape.length > 1 ? transpose(grid, 0, 1) : grid;
    }),
  );
}

/** Zeros of x's shape, dtype and device. */
export function zerosLike(x: Tensor): Tensor {
  return zeros(x.shape, { dtype: x.dtype, device: x.device });
}

/** Ones of x's shape, dtype and device. */
export function onesLike(x: Tensor): Tensor {
  return ones(x.shape, { dtype: x.dtype, device: x.device });
}

/** `value` everywhere, of x's shape, dtype and device. */
export function fullLike(x: Tensor, value: number): Tensor {
  return full(x.shape, value, { dtype: x.dtype, device: x.device });
}

/** Uniform numbers in 0..1 of x's shape, dtype and device. */
export function randLike(x: Tensor, options: RandomOptions): Tensor {
  return rand(x.shape, { ...options, dtype: likeFloat(x), device: x.device });
}

/** Normal numbers of x's shape, dtype and device. */
export function randnLike(x: Tensor, options: RandomOptions): Tensor {
  return randn(x.shape, { ...options, dtype: likeFloat(x), device: x.device });
}

/** Random numbers in the likeness of integers are f32. */
function likeFloat({ dtype }: Tensor): 'f32' | 'f16' {
  return dtype === 'f16' ? 'f16' : 'f32';
}
