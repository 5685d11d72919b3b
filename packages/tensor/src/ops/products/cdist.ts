/** Distances between all pairs of rows. */
import { cdistWgsl } from '@mudpt/shaders';
import { bytesPerElement, expectDType, wgslType } from '../../dtype.ts';
import { DTypeError, ShapeError } from '../../errors.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { broadcastShapes, showShape, sizeOf } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { contiguous } from '../views/copy.ts';
import { expand } from '../views/views.ts';

const cdistKernel = kernel({ name: 'cdist', source: cdistWgsl });

type Rows = { readonly batch: readonly number[]; readonly m: number; readonly n: number; readonly d: number };

function checkRows(a: Tensor, b: Tensor): Rows {
  for (const [name, x] of Object.entries({ a, b })) {
    x.expectLive('cdist');
    expectDType('cdist', name, x.dtype, ['f32', 'f16']);
    if (x.rank < 2) throw new ShapeError('cdist', `${name} has shape ${showShape(x.shape)}`, 'give rows: [..., count, width]');
  }
  if (a.dtype !== b.dtype)
    throw new DTypeError('cdist', `a is ${a.dtype} and b is ${b.dtype}`, 'cast one to the dtype of the other');
  const [m = 0, d = 0] = a.shape.slice(-2);
  const [n = 0, width = 0] = b.shape.slice(-2);
  if (d !== width) {
    const shapes = `a of shape ${showShape(a.shape)} has rows of ${d}, b of shape ${showShape(b.shape)} rows of ${width}`;
    throw new ShapeError('cdist', shapes, 'give rows of one width');
  }
  return { batch: broadcastShapes('cdist', a.shape.slice(0, -2), b.shape.slice(0, -2)), m, n, d };
}

/** A contiguous [...batch, count, width] of `x`, whose batch axes broadcast. */
function spread(x: Tensor, batch: readonly number[]): Tensor {
  using wide = expand.run(x, [...batch, ...x.shape.slice(-2)]);
  return contiguous.run(wide);
}

/**
 * Euclidean distances between rows: a [..., M, D] and b [..., N, D] (f32 or f16; leading axes broadcast) give [..., M, N]. Differences are
 * squared as they are, so that near rows keep their digits.
 * @throws ShapeError for rows of different widths, DTypeError for integers or different dtypes
 * @example
 * console.log(await tensor([[0, 0]]).cdist(tensor([[3, 4]])).array()); // [[5]]
 */
export const cdist = defineOp('cdist', (a: Tensor, b: Tensor): Tensor => {
  const { batch, m, n, d } = checkRows(a, b);
  using left = spread(a, batch);
  using right = spread(b, batch);
  const y = empty(a.device, [...batch, m, n], a.dtype);
  cdistKernel.dispatch(a.device, {
    buffers: { a: left, b: right, y },
    params: { batches: sizeOf(batch), m, n, d, a_offset: left.offset, b_offset: right.offset },
    grid: grid1d(y.size, 64),
    defines: { T: wgslType(a.dtype), PASS: 'forward' },
    flops: 3 * y.size * d,
    bytes: (left.size + right.size + y.size) * bytesPerElement(a.dtype),
  });
  return y;
});

/**
 * Gradient of {@link cdist} for one operand, from the gradient of the distances and the distances themselves (both [..., M, N]). Its shape is
 * [...batch, M, D] for `a`, [...batch, N, D] for `b`, with the batch axes of the result: the caller sums over broadcast ones. Equal rows, whose
 * distance has no derivative, pass none.
 */
export function cdistBackward(grad: Tensor, distances: Tensor, a: Tensor, b: Tensor, operand: 'a' | 'b'): Tensor {
  const { batch, m, n, d } = checkRows(a, b);
  using g = contiguous(grad);
  using dist = contiguous(distances);
  using points = spread(operand === 'a' ? a : b, batch);
  using other = spread(operand === 'a' ? b : a, batch);
  const [rows, columns] = operand === 'a' ? [m, n] : [n, m];
  const y = empty(a.device, [...batch, rows, d], a.dtype);
  cdistKernel.dispatch(a.device, {
    buffers: { a: points, b: other, y, grad: g, dist },
    params: {
      batches: sizeOf(batch),
      m: rows,
      n: columns,
      d,
      a_offset: points.offset,
      b_offset: other.offset,
      grad_offset: g.offset,
      dist_offset: dist.offset,
      row: operand === 'a' ? n : 1,
      column: operand === 'a' ? 1 : n,
    },
    grid: grid1d(y.size, 64),
    defines: { T: wgslType(a.dtype), PASS: 'gradient' },
    flops: 4 * y.size * columns,
    bytes: (points.size + other.size + 2 * g.size + y.size) * bytesPerElement(a.dtype),
  });
  return y;
}
