/**
 * Operations whose size depends on the values: they read a count from the device, so they are asynchronous functions, and no captured function may call
 * them. What they pick out of floating tensors is differentiable, where the tape listens across `await` (in Node).
 */
import { compactWgsl } from '@mudpt/shaders';
import { engineOf } from '../../device.ts';
import { expectDType, isFloat } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { alias, empty } from '../../definition/views.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { floorDiv, isNaN, logicalAnd, logicalNot, mod, ne, sub } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { broadcastShapes, contiguousStrides, normalizeAxis, showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import { cast, contiguous } from '../views/copy.ts';
import { full, ones } from '../create/create.ts';
import { indexSelect } from './gather.ts';
import { cat, stack } from '../views/join.ts';
import { cumsum, diff } from '../reduce/scan.ts';
import { narrow } from '../views/slices.ts';
import { sort } from '../order/sort.ts';
import { broadcastTo, reshape } from '../views/views.ts';

const compactKernel = kernel({ name: 'compact', source: compactWgsl });

/** Runs `body` with tensors that are released once its promise has settled, also when it fails. */
async function releasing<T>(tensors: readonly Tensor[], body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } finally {
    for (const t of tensors) t.dispose();
  }
}

/** Checks that throw at the call itself instead of rejecting its promise. */
function begin(op: string, ...tensors: readonly Tensor[]): void {
  for (const t of tensors) {
    t.expectLive(op);
    engineOf(t.device).expectNoCapture(op);
  }
}

/** Positions (i32 [count], ascending) of what is set in `flags`, a contiguous bool [n] that this releases. */
function placesOf(flags: Tensor): Promise<Tensor> {
  const { device, size } = flags;
  const running = cumsum(flags, 0);
  return releasing([flags, running], async () => {
    if (size === 0) return empty(device, [0], 'i32');
    using last = narrow(running, 0, size - 1, 1);
    const places = empty(device, [await last.item()], 'i32');
    compactKernel.dispatch(device, {
      buffers: { flags, running, places },
      params: { count: places.size === 0 ? 0 : size },
      grid: grid1d(size, 64),
      bytes: 12 * size,
    });
    return places;
  });
}

const flatFlags = (x: Tensor): Tensor => scope(() => contiguous(reshape(cast(x, 'bool'), [x.size])));

/**
 * Coordinates of the elements that are not zero, in row-major order: i32 [count, rank]. (NumPy's argwhere; NaN is not zero.)
 * @throws CaptureError inside of a captured function
 * @example
 * console.log(await (await nonzero(tensor([0, 5, 0, 7]))).array()); // [[1],[3]]
 */
export function nonzero(x: Tensor): Promise<Tensor> {
  begin('nonzero', x);
  return coordinatesOf(x);
}

async function coordinatesOf(x: Tensor): Promise<Tensor> {
  const { shape, device } = x;
  const places = await placesOf(flatFlags(x));
  return releasing([places], async () => {
    if (shape.length === 0 || places.size === 0) return empty(device, [places.size, shape.length], 'i32');
    const strides = contiguousStrides(shape);
    return scope(() =>
      stack(
        shape.map((size, axis) => mod(floorDiv(places, nth(strides, axis)), size)),
        1,
      ),
    );
  });
}

/**
 * The elements of `x` where `mask` holds, in row-major order: [count]. Both broadcast.
 * @param mask bool
 * @throws ShapeError where they do not broadcast, DTypeError for another mask, CaptureError inside of a captured function
 * @example
 * const x = tensor([1, 5, 2]);
 * console.log(await (await maskedSelect(x, x.gt(1))).data()); // [5,2]
 */
export function maskedSelect(x: Tensor, mask: Tensor): Promise<Tensor> {
  begin('maskedSelect', x, mask);
  expectDType('maskedSelect', 'mask', mask.dtype, ['bool']);
  const shape = broadcastShapes('maskedSelect', x.shape, mask.shape);
  const [flags, flat] = scope(() => {
    const wide = broadcastTo(mask, shape);
    return [contiguous(reshape(wide, [wide.size])), reshape(broadcastTo(x, shape), [wide.size])] as const;
  });
  return releasing([flat], async () => {
    using places = await placesOf(flags);
    return indexSelect(flat, 0, places);
  });
}

/**
 * The positions along `axis` (default 0) where `condition` holds: x with a shorter axis. (NumPy's compress.)
 * @param condition bool, one value for every position of the axis
 * @throws ShapeError for a condition of another length, DTypeError, CaptureError inside of a captured function
 */
export function compress(x: Tensor, condition: Tensor, axis: number = 0): Promise<Tensor> {
  begin('compress', x, condition);
  expectDType('compress', 'condition', condition.dtype, ['bool']);
  const at = normalizeAxis('compress', axis, x.shape);
  if (condition.rank !== 1 || condition.size !== x.shape[at])
    throw new ShapeError(
      'compress',
      `condition has shape ${showShape(condition.shape)}, axis ${at} of x ${nth(x.shape, at)} positions`,
      'give one truth value for each position',
    );
  const kept = alias(x);
  return releasing([kept], async () => {
    using places = await placesOf(flatFlags(condition));
    return indexSelect(kept, at, places);
  });
}

/** What {@link uniqueAll} gives. */
export type Unique = {
  /** The distinct values, ascending. */
  readonly values: Tensor;
  /** Where each value occurs first in the flattened tensor: i32, of the shape of `values`. */
  readonly indices: Tensor;
  /** Which of `values` each element is: i32, of the shape of x. */
  readonly inverse: Tensor;
  /** How often each value occurs: i32, of the shape of `values`. */
  readonly counts: Tensor;
};

type Runs = {
  readonly sorted: { readonly values: Tensor; readonly indices: Tensor };
  readonly starts: Tensor;
  readonly flags: Tensor;
};

/** The flattened tensor in order, and whether a new value begins at each place. */
function runsOf(x: Tensor): Runs {
  return scope(() => {
    const sorted = sort(reshape(x, [x.size]));
    if (x.size === 0)
      return {
        sorted,
        starts: ones([0], { dtype: 'bool', device: x.device }),
        flags: ones([0], { dtype: 'bool', device: x.device }),
      };
    const [before, after] = [narrow(sorted.values, 0, 0, x.size - 1), narrow(sorted.values, 0, 1, x.size - 1)];
    const isNew = isFloat(x.dtype)
      ? logicalAnd(ne(before, after), logicalNot(logicalAnd(isNaN(before), isNaN(after))))
      : ne(before, after);
    const flags = cat([ones([1], { dtype: 'bool', device: x.device }), isNew], 0);
    return { sorted, flags, starts: cast(flags, 'i32') };
  });
}

/**
 * The distinct values of x, ascending: [count]. NaN comes last, once; -0 equals 0.
 * @throws CaptureError inside of a captured function
 * @example
 * console.log(await (await unique(tensor([3, 1, 3]))).data()); // [1,3]
 */
export function unique(x: Tensor): Promise<Tensor> {
  begin('unique', x);
  const { sorted, starts, flags } = runsOf(x);
  starts.dispose();
  return releasing([sorted.values, sorted.indices], async () => {
    using places = await placesOf(flags);
    return indexSelect(sorted.values, 0, places);
  });
}

/**
 * As {@link unique}, with the place of the first occurrence, the number of occurrences, and which value each element is.
 * @throws CaptureError inside of a captured function
 */
export function uniqueAll(x: Tensor): Promise<Unique> {
  begin('uniqueAll', x);
  const { shape, size, device } = x;
  const { sorted, starts, flags } = runsOf(x);
  return releasing([sorted.values, sorted.indices, starts], async () => {
    using places = await placesOf(flags);
    return scope(() => {
      const end = full([1], size, { dtype: 'i32', device });
      const order = sort(sorted.indices).indices;
      return {
        values: indexSelect(sorted.values, 0, places),
        indices: indexSelect(sorted.indices, 0, places),
        inverse: reshape(indexSelect(sub(cumsum(starts, 0), 1), 0, order), shape),
        counts: diff(cat([places, end], 0)),
      };
    });
  });
}
