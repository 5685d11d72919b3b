/** Running sums, products, largest values. */
import { scanWgsl } from '@mudpt/shaders';
import { bytesPerElement, type DType, isFloat, wgslType } from '../../dtype.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { normalizeAxis } from '../../shape.ts';
import { alias, empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { axisView } from '../../kernels/axis-view.ts';
import { LimitError } from '../../errors.ts';
import { logaddexp, maximum, minimum, mul, sub } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { nth } from '../../values.ts';
import { cast, contiguousCopy } from '../views/copy.ts';
import { cat } from '../views/join.ts';
import { narrow } from '../views/slices.ts';

const scanKernel = kernel({ name: 'scan', source: scanWgsl });

/** Elements that one thread adds up when lines are long and few. */
const CHUNK = 256;
const MANY_LINES = 4096;
/** The same when there are many lines: longer sums would lose terms that are small compared with the sum. */
const LONG = 4096;

function runningSum(x: Tensor, axis: number, out: Tensor): void {
  const { device } = x;
  const geometry = axisView(x, axis);
  const { lines, length } = geometry;
  const arithmetic = isFloat(out.dtype) ? 'f32' : wgslType(out.dtype);
  const chunk = (lines >= MANY_LINES && length <= LONG) || length <= CHUNK ? Math.max(1, length) : CHUNK;
  const chunks = Math.max(1, Math.ceil(length / chunk));
  const dispatch = (pass: 'totals' | 'scan', y: Tensor, carry?: Tensor): void =>
    scanKernel.dispatch(device, {
      buffers: { x, y, ...(carry ? { carry } : {}) },
      params: { ...geometry.params, chunk, chunks },
      grid: grid1d(lines * chunks, 64),
      defines: { T: wgslType(x.dtype), TY: wgslType(y.dtype), A: arithmetic, PASS: pass, CARRY: carry ? 1 : 0 },
      flops: x.size,
      bytes: x.size * bytesPerElement(x.dtype) + y.size * bytesPerElement(y.dtype),
    });
  if (chunks === 1) return dispatch('scan', out);
  const between: DType = arithmetic;
  using totals = empty(device, [lines, chunks], between);
  dispatch('totals', totals);
  using carry = empty(device, [lines, chunks], between);
  runningSum(totals, 1, carry);
  dispatch('scan', out, carry);
}

/**
 * Sums of the elements up to each one along `axis` (default the last). Same shape; same dtype, but bool counts as i32. f16 is summed in f32.
 * @throws ShapeError for an axis out of range; a scalar has none
 * @example
 * console.log(await tensor([1, 2, 3]).cumsum().data()); // [1,3,6]
 */
export const cumsum = defineOp('cumsum', (x: Tensor, axis: number = -1): Tensor => {
  x.expectLive('cumsum');
  const along = normalizeAxis('cumsum', axis, x.shape);
  const out = empty(x.device, x.shape, x.dtype === 'bool' ? 'i32' : x.dtype);
  runningSum(x, along, out);
  return out;
});

/** Combines every element along an axis with all before it, in log2(length) steps of doubling distance; bools count as i32. */
function combineRunning(op: string, x: Tensor, axis: number, combine: (later: Tensor, earlier: Tensor) => Tensor): Tensor {
  x.expectLive(op);
  const dtype = op === 'logcumsumexp' && !isFloat(x.dtype) ? 'f32' : x.dtype === 'bool' ? 'i32' : x.dtype;
  const along = normalizeAxis(op, axis, x.shape);
  const length = nth(x.shape, along);
  return scope(() => {
    let result = cast(x, dtype);
    for (let distance = 1; distance < length; distance *= 2) {
      const rest = length - distance;
      const later = combine(narrow(result, along, distance, rest), narrow(result, along, 0, rest));
      result = cat([narrow(result, along, 0, distance), later], along);
    }
    return length > 1 ? result : contiguousCopy(result);
  });
}

/**
 * Products of the elements up to each one along `axis` (default the last). Shape and dtype of x, but bool counts as i32. Made of log2(length) products;
 * gradients are right at zeros.
 * @throws ShapeError for an axis out of range; a scalar has none
 */
export const cumprod = defineOp('cumprod', (x: Tensor, axis: number = -1): Tensor => combineRunning('cumprod', x, axis, mul));

/** The largest element up to each one along `axis` (default the last), NaN from the first NaN on. Equal ones share the gradient. @throws ShapeError */
export const cummax = defineOp('cummax', (x: Tensor, axis: number = -1): Tensor => combineRunning('cummax', x, axis, maximum));

/** The smallest element up to each one along `axis` (default the last), NaN from the first NaN on. Equal ones share the gradient. @throws ShapeError */
export const cummin = defineOp('cummin', (x: Tensor, axis: number = -1): Tensor => combineRunning('cummin', x, axis, minimum));

/** Logarithms of the sums of exponentials up to each element along `axis` (default the last), safe for any size of values. @throws ShapeError */
export const logcumsumexp = defineOp(
  'logcumsumexp',
  (x: Tensor, axis: number = -1): Tensor => combineRunning('logcumsumexp', x, axis, logaddexp),
);

/**
 * Differences of neighbours along `axis` (default the last), `order` times: the axis is shorter by `order`, at least 0. (NumPy's diff.)
 * @throws ShapeError for an axis out of range, LimitError for an order that is no whole number from 0
 * @example
 * console.log(await tensor([1, 4, 9]).diff().data()); // [3,5]
 */
export const diff = defineOp('diff', (x: Tensor, axis: number = -1, order: number = 1): Tensor => {
  x.expectLive('diff');
  const along = normalizeAxis('diff', axis, x.shape);
  if (!Number.isSafeInteger(order) || order < 0) throw new LimitError('diff', `order is ${order}`, 'give a whole number from 0');
  return scope(() => {
    let result = alias(x);
    for (let step = 0; step < order && nth(result.shape, along) > 0; step += 1) {
      const rest = nth(result.shape, along) - 1;
      result = sub(narrow(result, along, 1, rest), narrow(result, along, 0, rest));
    }
    return result;
  });
});
