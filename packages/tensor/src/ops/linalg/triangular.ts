/** Cholesky factors and triangular systems. */
import { linalgCholeskyWgsl, linalgTriangularWgsl } from '@mudpt/shaders';
import { defineOp } from '../../definition/op.ts';
import { empty } from '../../definition/views.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { scope } from '../../scope.ts';
import { broadcastShapes } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { contiguous } from '../views/copy.ts';
import { broadcastTo } from '../views/views.ts';
import { expectRightSide, expectSquare } from './stack.ts';

const choleskyKernel = kernel({ name: 'cholesky', source: linalgCholeskyWgsl });
const triangularKernel = kernel({ name: 'triangular', source: linalgTriangularWgsl });

/**
 * The lower triangular L [..., n, n] with L L^T = a, for symmetric positive definite matrices (of others (a + a^T) / 2 counts). Nothing is thrown where one
 * is not positive definite, which only the device knows: its last columns are NaN. One workgroup a matrix; made for n up to some hundreds.
 * @param a f32 [..., n, n]
 * @throws ShapeError, DTypeError
 * @example
 * console.log(await tensor([[4, 2], [2, 5]]).cholesky().array()); // [[2,0],[1,2]]
 */
export const cholesky = defineOp('cholesky', (a: Tensor): Tensor => {
  const { matrices, rows: n } = expectSquare('cholesky', 'a', a);
  using values = contiguous.run(a);
  const out = empty(a.device, a.shape);
  choleskyKernel.dispatch(a.device, {
    buffers: { a: values, y: out },
    params: { matrices, n, offset: values.offset },
    grid: n === 0 ? [0] : grid1d(matrices, 1),
    flops: (matrices * n ** 3) / 3,
    bytes: 8 * a.size,
  });
  return out;
});

/** Options of {@link solveTriangular}. */
export type TriangularOptions = {
  /** The upper triangle of a instead of the lower one. Default false. */
  readonly upper?: boolean;
  /** Solves with the transpose of that triangle. Default false. */
  readonly transpose?: boolean;
  /** The diagonal counts as 1 and is not read. Default false. */
  readonly unit?: boolean;
};

/**
 * x with a x = b, where of a [..., n, n] only one triangle is read: b and x [..., n, m]; leading axes broadcast. Infinite or NaN where the diagonal has a 0.
 * @param a f32
 * @param b f32
 * @throws ShapeError, DTypeError
 */
export const solveTriangular = defineOp('solveTriangular', (a: Tensor, b: Tensor, options: TriangularOptions = {}): Tensor => {
  const { batch, rows: n } = expectSquare('solveTriangular', 'a', a);
  const { batch: batchB, columns: m } = expectRightSide('solveTriangular', a, b, n);
  const wide = broadcastShapes('solveTriangular', batch, batchB);
  return scope(() => {
    const left = contiguous.run(broadcastTo.run(a, [...wide, n, n]));
    const right = contiguous.run(broadcastTo.run(b, [...wide, n, m]));
    const out = empty(a.device, [...wide, n, m]);
    const columns = n === 0 ? 0 : out.size / n;
    triangularKernel.dispatch(a.device, {
      buffers: { a: left, b: right, y: out },
      params: {
        ...{ count: columns, n, m, a_offset: left.offset, b_offset: right.offset },
        ...{ upper: options.upper ?? false, transposed: options.transpose ?? false, unit: options.unit ?? false },
      },
      grid: grid1d(columns, 64),
      flops: columns * n * n,
      bytes: 4 * (left.size + 2 * out.size),
    });
    return out;
  });
});
