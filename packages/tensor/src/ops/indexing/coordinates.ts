/** Picking and putting by coordinates: whole slices named by an index for each of the leading axes. Made of other ops. */
import { DTypeError, ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { showShape, sizeOf } from '../../shape.ts';
import { checkIndices } from '../../kernels/index-check.ts';
import { scope } from '../../scope.ts';
import { add, ge, logicalAnd, lt, mul, where } from '../../pointwise/ops.ts';
import type { Tensor } from '../../tensor.ts';
import { lastOf, nth } from '../../values.ts';
import { cast } from '../views/copy.ts';
import { indexSelect } from './gather.ts';
import { scatter, type ScatterOptions } from './scatter.ts';
import { select } from '../views/slices.ts';
import { expand, reshape } from '../views/views.ts';

type Places = {
  /** Number of leading axes that an index names. */
  readonly depth: number;
  /** Elements of the leading axes, and their place among them: i32 [n], the number of them where a coordinate is outside. */
  readonly extent: number;
  readonly flat: Tensor;
};

function placesOf(op: string, x: Tensor, index: Tensor): Places {
  x.expectLive(op);
  index.expectLive(op);
  if (index.dtype !== 'i32' && index.dtype !== 'u32')
    throw new DTypeError(op, `index has dtype ${index.dtype}`, 'use i32 or u32');
  const depth = index.rank === 0 ? 0 : lastOf(index.shape);
  if (depth < 1 || depth > x.rank)
    throw new ShapeError(
      op,
      `index has shape ${showShape(index.shape)}, x ${showShape(x.shape)}`,
      `give index [..., k] with k coordinates, from 1 to ${x.rank}`,
    );
  const extent = sizeOf(x.shape.slice(0, depth));
  const count = index.size / depth;
  const signed = cast(reshape(index, [count, depth]), 'i32');
  let flat: Tensor | undefined;
  let isInside: Tensor | undefined;
  for (let axis = 0; axis < depth; axis += 1) {
    const size = nth(x.shape, axis);
    const given = select(signed, 1, axis);
    checkIndices(op, given, size, { axis });
    const place = where(lt(given, 0), add(given, size), given);
    const inside = logicalAnd(ge(place, 0), lt(place, size));
    flat = flat ? add(mul(flat, size), place) : place;
    isInside = isInside ? logicalAnd(isInside, inside) : inside;
  }
  return { depth, extent, flat: where(isInside as Tensor, flat as Tensor, extent) };
}

/**
 * Slices of `x` by coordinates: `out[..., :] = x[index[..., 0], ..., index[..., k - 1], :]`, of shape [...index without its last axis, ...x without
 * its first k]. Negative coordinates count from the end; what lies outside is NaN (0 for integers). (TensorFlow's gather_nd, ONNX's GatherND.)
 * @param index i32 or u32 [..., k]
 * @throws ShapeError, DTypeError
 * @example
 * const x = tensor([[1, 2], [3, 4]]);
 * console.log(await gatherND(x, tensor(Int32Array.of(1, 0, 0, 1), { shape: [2, 2] })).data()); // [3,2]
 */
export const gatherND = defineOp(
  'gatherND',
  (x: Tensor, index: Tensor): Tensor =>
    scope(() => {
      const { depth, extent, flat } = placesOf('gatherND', x, index);
      const rest = x.shape.slice(depth);
      return reshape(indexSelect(reshape(x, [extent, ...rest]), 0, flat), [...index.shape.slice(0, -1), ...rest]);
    }),
);

/**
 * `x` with slices of `source` at coordinates, as {@link gatherND} names them: in place of what stood there, or combined with it as {@link scatter} does.
 * What lies outside is dropped. (TensorFlow's scatter_nd, ONNX's ScatterND.)
 * @param index i32 or u32 [..., k]
 * @param source [...index without its last axis, ...x without its first k]
 * @throws ShapeError, DTypeError; TensorError for another reduction
 */
export const scatterND = defineOp(
  'scatterND',
  (x: Tensor, index: Tensor, source: Tensor, options: ScatterOptions = {}): Tensor =>
    scope(() => {
      const { depth, extent, flat } = placesOf('scatterND', x, index);
      const rest = x.shape.slice(depth);
      const shape = [...index.shape.slice(0, -1), ...rest];
      if (source.shape.join() !== shape.join())
        throw new ShapeError('scatterND', `source has shape ${showShape(source.shape)}`, `here it must be ${showShape(shape)}`);
      const [count, width] = [flat.size, sizeOf(rest)];
      const put = scatter(
        reshape(x, [extent, width]),
        0,
        expand(reshape(flat, [count, 1]), [count, width]),
        reshape(source, [count, width]),
        options,
      );
      return reshape(put, x.shape);
    }),
);
