/**
 * Ops that put or add by an index tensor: scatter, scatterAdd and indexAdd, and with them the gradients of the ops in gather.ts.
 *
 * Sums run in index order, so results are bitwise repeatable. Work grows with the square of the index count along the axis (a few
 * thousand are fine). What an index outside names is dropped; to find it, set `device.checkIndices`.
 */
import { scatterWgsl } from '@mudpt/shaders';
import { bytesPerElement, expectDType, wgslType } from '../../dtype.ts';
import { DTypeError, ShapeError } from '../../errors.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { expectOneOf } from '../../definition/options.ts';
import { collapse, normalizeAxis, sameShape, type Shape, showShape, sizeOf } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { replaced, sizesParam, stridesParam, without } from '../../kernels/axes.ts';
import { contiguousCopy } from '../views/copy.ts';
import { zeros } from '../create/create.ts';
import { checkIndices } from '../../kernels/index-check.ts';
import { expectIndex, expectIndexShape, expectList } from './gather.ts';
import { expand, reshape, unsqueeze } from '../views/views.ts';
import { lastOf, nth } from '../../values.ts';

const scatterKernel = kernel({ name: 'scatter', source: scatterWgsl });

function expectSource(op: string, x: Tensor, source: Tensor, shape: Shape): void {
  source.expectLive(op);
  expectDType(op, 'x', x.dtype, ['f32', 'f16', 'i32', 'u32']);
  if (source.dtype !== x.dtype) throw new DTypeError(op, `x is ${x.dtype}, source ${source.dtype}`, 'cast them to one dtype');
  if (!sameShape(source.shape, shape)) {
    throw new ShapeError(
      op,
      `source has shape ${showShape(source.shape)}`,
      `here it must be ${showShape(shape)}: one value for everything the index names`,
    );
  }
}

type Geometry = {
  readonly axis: number;
  readonly length: number;
  readonly indexStrides: readonly number[];
  readonly indexStep: number;
};

/** Adds into (or as `reduction` says) the contiguous `out`. With `links`, where one index serves whole slices, they are filled first: each sum then visits its own terms only. */
function combineInto(
  out: Tensor,
  index: Tensor,
  source: Tensor,
  geometry: Geometry,
  links: Tensor | undefined,
  reduction: ScatterReduction = 'add',
): void {
  const { axis, length, indexStep } = geometry;
  const { shape, strides } = collapse(without(source.shape, axis), [
    without(source.strides, axis),
    without(out.strides, axis),
    geometry.indexStrides,
  ]);
  const buffers = { indices: index, source, y: out, ...(links ? { links } : {}) };
  const params = {
    length,
    extent: nth(out.shape, axis),
    signed: index.dtype === 'i32',
    index_offset: index.offset,
    index_step: indexStep >>> 0,
    source_offset: source.offset,
    source_step: nth(source.strides, axis) >>> 0,
    y_step: nth(out.strides, axis),
    inner: sizeOf(source.shape.slice(axis + 1)),
    shape: sizesParam(shape),
    source_strides: stridesParam(strides[0]),
    y_strides: stridesParam(strides[1]),
    ...(links ? {} : { index_strides: stridesParam(strides[2]) }),
  };
  const defines = { T: wgslType(out.dtype), MODE: links ? 'slices' : 'elements', OP: reduction };
  if (links) {
    const linking = { ...params, count: length, linking: true };
    scatterKernel.dispatch(out.device, { buffers, params: linking, grid: grid1d(length, 64), defines, bytes: 8 * length });
  }
  scatterKernel.dispatch(out.device, {
    buffers,
    params: { ...params, count: source.size, linking: false },
    grid: grid1d(source.size, 64),
    defines,
    flops: source.size,
    bytes: 3 * source.size * bytesPerElement(out.dtype),
  });
}

function combineElements(out: Tensor, axis: number, index: Tensor, source: Tensor, reduction?: ScatterReduction): void {
  const geometry = {
    axis,
    length: nth(index.shape, axis),
    indexStrides: without(index.strides, axis),
    indexStep: nth(index.strides, axis),
  };
  combineInto(out, index, source, geometry, undefined, reduction);
}

function addSlices(out: Tensor, axis: number, index: Tensor, source: Tensor): void {
  using links = empty(out.device, [index.size], 'u32');
  const geometry = {
    axis,
    length: index.size,
    indexStrides: source.shape.slice(1).map(() => 0),
    indexStep: nth(index.strides, 0),
  };
  combineInto(out, index, source, geometry, links);
}

/**
 * `x` plus every element of `source` at the position `index` names along `axis`; index and source have one shape, no other axis longer
 * than that of x. The gradient of x is the cotangent, that of source is its `gather`.
 */
export const scatterAdd = defineOp('scatterAdd', (x: Tensor, axis: number, index: Tensor, source: Tensor): Tensor => {
  expectIndex('scatterAdd', x, index);
  const at = normalizeAxis('scatterAdd', axis, x.shape);
  expectIndexShape('scatterAdd', x, index, at);
  expectSource('scatterAdd', x, source, index.shape);
  checkIndices('scatterAdd', index, nth(x.shape, at), { axis: at });
  const out = contiguousCopy(x);
  combineElements(out, at, index, source);
  return out;
});

/** How elements of a source meet what stands at their place: replace it (of several, the last stays), or combine with it. */
export type ScatterReduction = 'set' | 'add' | 'mul' | 'max' | 'min';
const REDUCTIONS: readonly string[] = ['set', 'add', 'mul', 'max', 'min'];

/** Options of {@link scatter}. */
export type ScatterOptions = {
  /** Default 'set'. */
  readonly reduction?: ScatterReduction;
};

/**
 * `x` with every element of `source` at the position `index` names along `axis`: in place of what stood there, the last of several ('set'), or the
 * sum, product, largest or smallest of all that meet there and of x. index and source have one shape, no other axis longer than that of x; an index
 * outside is dropped. Same bits on every run. (PyTorch's scatter and scatter_reduce, ONNX's ScatterElements.)
 *
 * Gradients: 'set' the element that stayed; 'max' and 'min' equal ones share; 'mul' takes memory for all pairs of elements along the axis.
 * @throws ShapeError, DTypeError; TensorError for another reduction
 * @example
 * const index = tensor(Int32Array.of(2, 0));
 * console.log(await zeros([3]).scatter(0, index, tensor([5, 7])).data()); // [7,0,5]
 */
export const scatter = defineOp(
  'scatter',
  (x: Tensor, axis: number, index: Tensor, source: Tensor, { reduction = 'set' }: ScatterOptions = {}): Tensor => {
    expectOneOf('scatter', 'reduction', reduction, REDUCTIONS);
    expectIndex('scatter', x, index);
    const at = normalizeAxis('scatter', axis, x.shape);
    expectIndexShape('scatter', x, index, at);
    expectSource('scatter', x, source, index.shape);
    checkIndices('scatter', index, nth(x.shape, at), { axis: at });
    const out = contiguousCopy(x);
    combineElements(out, at, index, source, reduction);
    return out;
  },
);

/**
 * `x` plus slice i of `source` at position `index[i]` of `axis`. The gradient of x is the cotangent, that of source its `indexSelect`.
 * @param index one axis, i32 or u32, as long as `axis` of source
 * @example
 * const index = tensor(Int32Array.of(1, 1));
 * console.log(await zeros([2]).indexAdd(0, index, tensor([5, 7])).data()); // [0,12]
 */
export const indexAdd = defineOp('indexAdd', (x: Tensor, axis: number, index: Tensor, source: Tensor): Tensor => {
  expectIndex('indexAdd', x, index);
  const at = normalizeAxis('indexAdd', axis, x.shape);
  expectList('indexAdd', index);
  expectSource('indexAdd', x, source, replaced(x.shape, at, index.size));
  checkIndices('indexAdd', index, nth(x.shape, at), { axis: at });
  const out = contiguousCopy(x);
  addSlices(out, at, index, source);
  return out;
});

/** Gradient of `gather(x, axis, index)` with respect to x of shape `inputShape`. */
export function gatherBackward(grad: Tensor, inputShape: Shape, axis: number, index: Tensor): Tensor {
  const out = zeros(inputShape, { device: grad.device, dtype: grad.dtype });
  combineElements(out, normalizeAxis('gatherBackward', axis, inputShape), index, grad);
  return out;
}

/** Gradient of `indexSelect(x, axis, index)` with respect to x of shape `inputShape`. */
export function indexSelectBackward(grad: Tensor, inputShape: Shape, axis: number, index: Tensor): Tensor {
  const out = zeros(inputShape, { device: grad.device, dtype: grad.dtype });
  addSlices(out, normalizeAxis('indexSelectBackward', axis, inputShape), index, grad);
  return out;
}

/** Gradient of `embedding(weight, ids)`: the rows of grad [..., C] added up per id, [rows, C]. Rows no id names stay 0. */
export function embeddingBackward(grad: Tensor, ids: Tensor, rows: number): Tensor {
  const channels = lastOf(grad.shape);
  using flatIds = reshape.run(ids, [ids.size]);
  using flatGrad = reshape.run(grad, [ids.size, channels]);
  return indexSelectBackward(flatGrad, [rows, channels], 0, flatIds);
}

/** Gradient of `gatherRows(x, index)` with respect to x of shape `inputShape`. */
export function gatherRowsBackward(grad: Tensor, inputShape: Shape, index: Tensor): Tensor {
  const line = [...grad.shape.slice(0, 1), 1, ...grad.shape.slice(1)];
  using source = unsqueeze.run(grad, 1);
  using column = reshape.run(index, [index.size, ...line.slice(1).map(() => 1)]);
  using wide = expand.run(column, line);
  return gatherBackward(source, inputShape, 1, wide);
}
