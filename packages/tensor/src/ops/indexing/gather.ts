/**
 * Ops that pick elements or slices by an index tensor: gather, indexSelect, embedding, gatherRows. One kernel serves all.
 *
 * Indices are i32 or u32; negative i32 indices count from the end. The values are known to the GPU only, so an index outside cannot throw
 * before anything is recorded: what it picks is NaN (0 for integer and bool tensors). To find it, set `device.checkIndices`.
 */
import { gatherWgsl } from '@mudpt/shaders';
import { bitsType, bytesPerElement, expectDType, isFloat } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { collapse, normalizeAxis, type Shape, showShape } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { checkIndices } from '../../kernels/index-check.ts';
import { replaced, sizesParam, stridesParam } from '../../kernels/axes.ts';
import { workPerThread } from '../../kernels/work-per-thread.ts';
import { NAN_BITS } from '../norms/softmax.ts';
import { nth } from '../../values.ts';

const gatherKernel = kernel({ name: 'gather', source: gatherWgsl });

type Picking = {
  /** Shape of the result. */
  readonly shape: Shape;
  /** Strides of `x` along the axes of the result, 0 along the indexed axis. */
  readonly strides: readonly number[];
  /** Distance in `x` from one index to the next, and how many there are. */
  readonly step: number;
  readonly extent: number;
  /** The axis of x that is indexed. */
  readonly axis: number;
  /** Strides of the index tensor along the axes of the result. */
  readonly indexStrides: readonly number[];
  /** Whether an index outside gives 0, and is no mistake. */
  readonly isOpen?: boolean;
};

export function expectIndex(op: string, x: Tensor, index: Tensor): void {
  x.expectLive(op);
  index.expectLive(op);
  expectDType(op, 'index', index.dtype, ['i32', 'u32']);
}

function pick(op: string, x: Tensor, index: Tensor, picking: Picking): Tensor {
  if (!picking.isOpen) checkIndices(op, index, picking.extent, { axis: picking.axis });
  const out = empty(x.device, picking.shape, x.dtype);
  const { shape, strides } = collapse(picking.shape, [picking.strides, picking.indexStrides]);
  const [xStrides = [], indexStrides = []] = strides;
  const last = shape.length - 1;
  const moves = [shape[last] ?? 1, x.offset, picking.step, ...xStrides.slice(0, -1)];
  const unit = xStrides[last] === 1 && indexStrides[last] === 0 && moves.every((value) => value % 4 === 0) ? 4 : 1;
  if (out.size === 0) return out;
  const inner = (shape[last] ?? 1) / unit;
  const work = workPerThread(x.device, 'gather', unit === 4 ? 'vectors' : 'elements');
  const run = work.group === 64 ? 1 : work.run;
  const threads = (out.size / unit / inner) * Math.ceil(inner / run);
  gatherKernel.dispatch(x.device, {
    buffers: { x, indices: index, y: out },
    params: {
      count: threads,
      inner,
      run,
      x_offset: x.offset / unit,
      x_step: (picking.step / unit) >>> 0,
      extent: picking.extent,
      index_offset: index.offset,
      signed: index.dtype === 'i32',
      outside: isFloat(x.dtype) && !picking.isOpen ? NAN_BITS : 0,
      x_along: (xStrides[last] ?? 0) >>> 0,
      index_along: (indexStrides[last] ?? 0) >>> 0,
      shape: sizesParam(shape.slice(0, -1)),
      x_strides: stridesParam(xStrides.slice(0, -1).map((stride) => stride / unit)),
      index_strides: stridesParam(indexStrides.slice(0, -1)),
    },
    grid: grid1d(threads, work.group),
    defines: { T: bitsType(x.dtype), V: unit, WG: work.group },
    bytes: 2 * out.size * bytesPerElement(x.dtype) + 4 * index.size,
  });
  return out;
}

/**
 * `out[.., i, ..] = x[.., index[.., i, ..], ..]` along `axis`: the shape of `index`, the rank of `x`; other axes of `index` are at most as
 * long as those of `x` (PyTorch's gather, NumPy's take_along_axis: exported as `takeAlongAxis` too).
 * @throws ShapeError, DTypeError when index is not i32 or u32
 * @example
 * const x = tensor([[1, 2], [3, 4]]);
 * console.log(await gather(x, 1, tensor(Int32Array.of(1, 0), { shape: [2, 1] })).array()); // [[2],[3]]
 */
export const gather = defineOp('gather', (x: Tensor, axis: number, index: Tensor): Tensor => {
  expectIndex('gather', x, index);
  const at = normalizeAxis('gather', axis, x.shape);
  expectIndexShape('gather', x, index, at);
  return pick('gather', x, index, {
    shape: index.shape,
    strides: replaced(x.strides, at, 0),
    step: nth(x.strides, at),
    extent: nth(x.shape, at),
    axis: at,
    indexStrides: index.strides,
  });
});

export function expectIndexShape(op: string, x: Tensor, index: Tensor, axis: number): void {
  if (index.rank === x.rank && index.shape.every((size, i) => i === axis || size <= (x.shape[i] ?? 0))) return;
  throw new ShapeError(
    op,
    `index of shape ${showShape(index.shape)} does not fit x of shape ${showShape(x.shape)} along axis ${axis}`,
    'give index the rank of x, and no other axis longer than that of x',
  );
}

/**
 * Whole slices of `x`: position i along `axis` of the result is position `index[i]` of `x`.
 * @param index one axis, i32 or u32
 * @example
 * const x = tensor([[1, 2], [3, 4], [5, 6]]);
 * console.log(await x.indexSelect(0, tensor(Int32Array.of(2, -3))).array()); // [[5,6],[1,2]]
 */
export const indexSelect = defineOp('indexSelect', (x: Tensor, axis: number, index: Tensor): Tensor => {
  expectIndex('indexSelect', x, index);
  const at = normalizeAxis('indexSelect', axis, x.shape);
  expectList('indexSelect', index);
  return pick('indexSelect', x, index, {
    shape: replaced(x.shape, at, index.size),
    strides: replaced(x.strides, at, 0),
    step: nth(x.strides, at),
    extent: nth(x.shape, at),
    axis: at,
    indexStrides: x.shape.map((_, i) => (i === at ? nth(index.strides, 0) : 0)),
  });
});

export function expectList(op: string, index: Tensor): void {
  if (index.rank === 1) return;
  throw new ShapeError(op, `index has shape ${showShape(index.shape)}`, 'give an index with one axis');
}

/**
 * Rows of `weight` [V, C] named by `ids` [...] (i32 or u32): [..., C]. Negative i32 ids count from the end; an id outside
 * the table picks NaN, and with `device.checkIndices` the next read names it.
 * @throws ShapeError, DTypeError
 * @example
 * console.log(await tensor([[1, 2], [3, 4]]).embedding(tensor(Int32Array.of(1, 0))).array()); // [[3,4],[1,2]]
 */
export const embedding = defineOp('embedding', (weight: Tensor, ids: Tensor): Tensor => {
  expectIndex('embedding', weight, ids);
  if (weight.rank !== 2)
    throw new ShapeError('embedding', `weight has shape ${showShape(weight.shape)}`, 'give a table [rows, channels]');
  const [extent = 0, channels = 0] = weight.shape;
  const [step = 0, along = 0] = weight.strides;
  return pick('embedding', weight, ids, {
    shape: [...ids.shape, channels],
    strides: [...ids.shape.map(() => 0), along],
    step,
    extent,
    axis: 0,
    indexStrides: [...ids.strides, 0],
  });
});

/** Rows of x [rows, width] named by `index`, and zeros where it names none: a gradient of rows that were picked once each. */
export function rowsOrZeros(x: Tensor, index: Tensor): Tensor {
  expectIndex('rowsOrZeros', x, index);
  return pick('rowsOrZeros', x, index, {
    shape: [index.size, nth(x.shape, 1)],
    strides: [0, nth(x.strides, 1)],
    step: nth(x.strides, 0),
    extent: nth(x.shape, 0),
    axis: 0,
    indexStrides: [nth(index.strides, 0), 0],
    isOpen: true,
  });
}

/** One row of every batch item: `out[n] = x[n, index[n]]`, x [N, T, ...], index [N], out [N, ...] (the end-of-text token of each text). */
export const gatherRows = defineOp('gatherRows', (x: Tensor, index: Tensor): Tensor => {
  expectIndex('gatherRows', x, index);
  expectList('gatherRows', index);
  if (x.rank < 2 || x.shape[0] !== index.size) {
    throw new ShapeError(
      'gatherRows',
      `x of shape ${showShape(x.shape)} and index of shape ${showShape(index.shape)} do not fit`,
      'give x [N, T, ...] and index [N]',
    );
  }
  const rest = x.shape.slice(2);
  return pick('gatherRows', x, index, {
    shape: [index.size, ...rest],
    strides: [nth(x.strides, 0), ...x.strides.slice(2)],
    step: nth(x.strides, 1),
    extent: nth(x.shape, 1),
    axis: 1,
    indexStrides: [nth(index.strides, 0), ...rest.map(() => 0)],
  });
});

export { gather as takeAlongAxis };
