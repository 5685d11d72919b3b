/** Decompositions with orthogonal factors: QR, symmetric eigenvalues, singular values; least squares and pseudo-inverses by them. */
import { linalgEighWgsl, linalgQrWgsl, linalgSvdWgsl } from '@mudpt/shaders';
import { LimitError, ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { empty } from '../../definition/views.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { add, div, gt, mul, where } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { contiguousCopy } from '../views/copy.ts';
import { gather } from '../indexing/gather.ts';
import { triu } from '../indexing/masks.ts';
import { matmul } from '../products/matmul.ts';
import { diagonal } from '../products/matrices.ts';
import { max } from '../reduce/reduce.ts';
import { narrow } from '../views/slices.ts';
import { sort } from '../order/sort.ts';
import { expand, squeeze, transpose, unsqueeze } from '../views/views.ts';
import { expectMatrices, expectRightSide, expectSquare } from './stack.ts';
import { solveTriangular } from './triangular.ts';

const qrKernel = kernel({ name: 'qr', source: linalgQrWgsl });
const eighKernel = kernel({ name: 'eigh', source: linalgEighWgsl });
const svdKernel = kernel({ name: 'svd', source: linalgSvdWgsl });

/** What {@link qr} gives, with k = min(m, n). */
export type Qr = {
  /** [..., m, k], of orthonormal columns. */
  readonly q: Tensor;
  /** [..., k, n], upper triangular; its diagonal may be negative. */
  readonly r: Tensor;
};

/**
 * q r = a by Householder reflections, the reduced form. One workgroup a matrix; made for sizes up to some hundreds.
 * @param a f32 [..., m, n]
 * @throws ShapeError, DTypeError
 */
export const qr = defineOp('qr', (a: Tensor): Qr => {
  const { batch, matrices, rows: m, columns: n } = expectMatrices('qr', 'a', a);
  const k = Math.min(m, n);
  return scope(() => {
    const work = contiguousCopy.run(a);
    const q = empty(a.device, [...batch, m, k]);
    qrKernel.dispatch(a.device, {
      buffers: { r: work, q, heads: empty(a.device, [...batch, k]) },
      params: { matrices, m, n },
      grid: k === 0 ? [0] : grid1d(matrices, 1),
      flops: 4 * matrices * m * n * k,
      bytes: 8 * (a.size + q.size),
    });
    return { q, r: triu.run(narrow.run(work, -2, 0, k)) };
  });
});

/** What {@link eigh} gives. */
export type Eigen = {
  /** [..., n], ascending. */
  readonly values: Tensor;
  /** [..., n, n]: column i belongs to value i; of length 1, of either sign. */
  readonly vectors: Tensor;
};

/** Lines of x [..., n, m] in the order of indices [..., n]. */
const inOrder = (x: Tensor, indices: Tensor): Tensor => gather.run(x, -2, expand.run(unsqueeze.run(indices, -1), x.shape));

/**
 * Eigenvalues and eigenvectors of symmetric matrices (of others (a + a^T) / 2 counts), by Jacobi's method. Gradients of vectors are exact where eigenvalues
 * differ; where two are equal the vectors have none (NaN). One workgroup a matrix; made for n up to some hundreds.
 * @param a f32 [..., n, n]
 * @throws ShapeError, DTypeError
 * @example
 * console.log(await tensor([[2, 0], [0, 1]]).eigh().values.data()); // [1,2]
 */
export const eigh = defineOp('eigh', (a: Tensor): Eigen => {
  const { batch, matrices, rows: n } = expectSquare('eigh', 'a', a);
  return scope(() => {
    const work = mul.run(add.run(a, transpose.run(a, -1, -2)), 0.5);
    const vectors = empty(a.device, a.shape);
    eighKernel.dispatch(a.device, {
      buffers: { w: work, v: vectors, turns: empty(a.device, [matrices, Math.ceil(n / 2), 2]) },
      params: { matrices, n },
      grid: n === 0 ? [0] : grid1d(matrices, 1),
      flops: 60 * matrices * n ** 3,
      bytes: 8 * a.size,
    });
    const { values, indices } = sort.run(n === 0 ? empty(a.device, [...batch, 0]) : diagonal.run(work));
    return { values, vectors: transpose.run(inOrder(vectors, indices), -1, -2) };
  });
});

/** What {@link svd} gives, with k = min(m, n). */
export type Svd = {
  /** [..., m, k], of orthonormal columns; 0 in the columns of singular values that are 0. */
  readonly u: Tensor;
  /** [..., k], descending. */
  readonly s: Tensor;
  /** [..., n, k], of orthonormal columns: a = u diag(s) v^T. */
  readonly v: Tensor;
};

/**
 * Singular values and vectors, u diag(s) v^T = a, the reduced form, by one-sided Jacobi rotations. Gradients of vectors are exact where singular values
 * differ and none is 0. One workgroup a matrix; made for sizes up to some hundreds.
 * @param a f32 [..., m, n]
 * @throws ShapeError, DTypeError
 * @example
 * console.log(await tensor([[3, 0], [0, 4]]).svd().s.data()); // [4,3]
 */
export const svd = defineOp('svd', (a: Tensor): Svd => {
  const { batch, matrices, rows, columns } = expectMatrices('svd', 'a', a);
  const isWide = rows < columns;
  const [m, n] = isWide ? [columns, rows] : [rows, columns];
  return scope(() => {
    // The kernel rotates lines of its work matrix, which are the columns of the tall form.
    const work = contiguousCopy.run(isWide ? a : transpose.run(a, -1, -2));
    const turned = empty(a.device, [...batch, n, n]);
    const lengths = empty(a.device, [...batch, n]);
    svdKernel.dispatch(a.device, {
      buffers: { w: work, v: turned, lengths },
      params: { matrices, m, n },
      grid: n === 0 ? [0] : grid1d(matrices, 1),
      flops: 60 * matrices * m * n * n,
      bytes: 8 * a.size,
    });
    const { values: s, indices } = sort.run(lengths, { descending: true });
    const [long, short] = [work, turned].map((lines) => transpose.run(inOrder(lines, indices), -1, -2)) as [Tensor, Tensor];
    return isWide ? { u: short, s, v: long } : { u: long, s, v: short };
  });
});

/**
 * x of the least squares |a x - b|, for matrices of full column rank with at least as many rows as columns, by QR decomposition: a [..., m, n], b [..., m, p]
 * (or [m]), x [..., n, p] (or [n]). Of others use pinv(a) b.
 * @throws ShapeError, DTypeError
 */
export const lstsq = defineOp('lstsq', (a: Tensor, b: Tensor): Tensor => {
  const { rows, columns } = expectMatrices('lstsq', 'a', a);
  if (rows < columns)
    throw new ShapeError('lstsq', `a has shape ${showShape(a.shape)}: more columns than rows`, 'use matmul(pinv(a), b)');
  if (b.rank === 1) return scope(() => squeeze(lstsq(a, unsqueeze(b, -1)), -1));
  expectRightSide('lstsq', a, b, rows);
  return scope(() => {
    const { q, r } = qr(a);
    return solveTriangular(r, matmul(q, b, { transposeA: true }), { upper: true });
  });
});

/**
 * Pseudo-inverses (Moore and Penrose) [..., n, m] of matrices [..., m, n], by singular values; those below `tolerance` times the largest count as 0.
 * @param tolerance default 1e-6 times the larger size
 * @throws ShapeError, DTypeError, LimitError for a tolerance below 0
 */
export const pinv = defineOp('pinv', (a: Tensor, tolerance?: number): Tensor => {
  const { rows, columns } = expectMatrices('pinv', 'a', a);
  const least = tolerance ?? 1e-6 * Math.max(rows, columns);
  if (!(least >= 0)) throw new LimitError('pinv', `tolerance is ${least}`, 'give a number from 0');
  return scope(() => {
    const { u, s, v } = svd(a);
    if (s.size === 0) return matmul(v, u, { transposeB: true });
    const counts = gt(s, mul(max(s, -1, { keepdim: true }), least));
    const inverses = where(counts, div(1, where(counts, s, 1)), 0);
    return matmul(mul(v, unsqueeze(inverses, -2)), u, { transposeB: true });
  });
});
