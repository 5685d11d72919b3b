/** LU decomposition, and what follows from it: systems, inverses, determinants. */
import { linalgLuWgsl } from '@mudpt/shaders';
import { defineOp } from '../../definition/op.ts';
import { empty } from '../../definition/views.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { abs, add, log, mul, sign, where } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { broadcastShapes } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { LimitError } from '../../errors.ts';
import { contiguousCopy } from '../views/copy.ts';
import { eye, zeros } from '../create/create.ts';
import { gather } from '../indexing/gather.ts';
import { tril, triu } from '../indexing/masks.ts';
import { diagonal } from '../products/matrices.ts';
import { matmul } from '../products/matmul.ts';
import { prod, sum } from '../reduce/reduce.ts';
import { broadcastTo, squeeze, unsqueeze } from '../views/views.ts';
import { expectRightSide, expectSquare } from './stack.ts';
import { solveTriangular } from './triangular.ts';

const luKernel = kernel({ name: 'lu', source: linalgLuWgsl });

/** Both factors in one matrix, the order of rows (i32 [..., n]) and its sign (f32 [...]). */
type PackedLu = { readonly packed: Tensor; readonly permutation: Tensor; readonly signs: Tensor };

/** Factors of square matrices by elimination with partial pivoting: U on and above the diagonal, L without its unit diagonal below. */
function packedLu(op: string, a: Tensor): PackedLu {
  const { batch, matrices, rows: n } = expectSquare(op, 'a', a);
  const packed = contiguousCopy.run(a);
  const permutation = empty(a.device, [...batch, n], 'i32');
  const signs = empty(a.device, batch);
  luKernel.dispatch(a.device, {
    buffers: { y: packed, places: permutation, signs },
    params: { matrices, n },
    grid: grid1d(matrices, 1),
    flops: (2 / 3) * matrices * n ** 3,
    bytes: 8 * a.size,
  });
  return { packed, permutation, signs };
}

/** What {@link lu} gives. */
export type Lu = {
  /** [..., n, n] with a unit diagonal. */
  readonly lower: Tensor;
  /** [..., n, n]; a 0 in its diagonal tells a singular matrix. */
  readonly upper: Tensor;
  /** i32 [..., n]: row i of lower x upper is row permutation[i] of a. */
  readonly permutation: Tensor;
};

/**
 * LU decomposition with partial pivoting of square matrices. One workgroup a matrix; made for n up to some hundreds.
 * @param a f32 [..., n, n]
 * @throws ShapeError, DTypeError
 * @example
 * const { upper, permutation } = tensor([[2, 1], [4, 4]]).lu();
 * console.log(await upper.array(), await permutation.data()); // [[4,4],[0,-1]] [1,0]
 */
export const lu = defineOp(
  'lu',
  (a: Tensor): Lu =>
    scope(() => {
      const { rows: n } = expectSquare('lu', 'a', a);
      const { packed, permutation } = packedLu('lu', a);
      const lower = add(tril.run(packed, -1), eye(n, n, { device: a.device }));
      return { lower, upper: triu.run(packed), permutation };
    }),
);

/**
 * x with a x = b, by LU decomposition with partial pivoting: a [..., n, n], b and x [..., n, m], or b and x [n] where it has one axis; leading axes broadcast.
 * Nothing is thrown for a singular matrix, which only the device knows: x is infinite or NaN there.
 * @param a f32
 * @param b f32
 * @throws ShapeError, DTypeError
 * @example
 * console.log(await tensor([[2, 0], [0, 4]]).solve(tensor([2, 4])).data()); // [1,1]
 */
export const solve = defineOp('solve', (a: Tensor, b: Tensor): Tensor => {
  const { batch, rows: n } = expectSquare('solve', 'a', a);
  if (b.rank === 1) return scope(() => squeeze.run(solve.run(a, unsqueeze.run(b, -1)), -1));
  const { batch: batchB, columns: m } = expectRightSide('solve', a, b, n);
  const wide = broadcastShapes('solve', batch, batchB);
  return scope(() => {
    const { packed, permutation } = packedLu('solve', a);
    const places = broadcastTo.run(unsqueeze.run(permutation, -1), [...wide, n, m]);
    const right = gather.run(broadcastTo.run(b, [...wide, n, m]), -2, places);
    const halfway = solveTriangular.run(packed, right, { unit: true });
    return solveTriangular.run(packed, halfway, { upper: true });
  });
});

/** Inverses of square matrices [..., n, n]: infinite or NaN where one is singular. To solve a system {@link solve} is cheaper and closer. @throws ShapeError, DTypeError */
export const inverse = defineOp('inverse', (a: Tensor): Tensor => {
  const { rows: n } = expectSquare('inverse', 'a', a);
  return scope(() => solve(a, eye(n, n, { device: a.device })));
});

/** Determinants of square matrices [..., n, n]: [...]. The gradient, det(a) times the transposed inverse, is NaN where a is singular. @throws ShapeError, DTypeError */
export const det = defineOp(
  'det',
  (a: Tensor): Tensor =>
    scope(() => {
      const { packed, signs } = packedLu('det', a);
      return mul.run(signs, prod.run(diagonal.run(packed), -1));
    }),
);

/** What {@link slogdet} gives. */
export type LogDeterminant = {
  /** Logarithms of the magnitudes of determinants, -infinity for a singular matrix. */
  readonly logabs: Tensor;
  /** Their signs: -1, 0 or 1. */
  readonly sign: Tensor;
};

/** Signs and logarithms of the magnitudes of determinants of square matrices [..., n, n], where the determinants themselves would overflow. @throws ShapeError, DTypeError */
export const slogdet = defineOp(
  'slogdet',
  (a: Tensor): LogDeterminant =>
    scope(() => {
      const { packed, signs } = packedLu('slogdet', a);
      const pivots = diagonal.run(packed);
      return { logabs: sum.run(log.run(abs.run(pivots)), -1), sign: mul.run(signs, prod.run(sign.run(pivots), -1)) };
    }),
);

/** a x a x ... of `exponent` factors, by squaring; of the inverse for a negative one. @param a f32 [..., n, n] @throws ShapeError, DTypeError, LimitError for an exponent that is not whole */
export const matrixPower = defineOp('matrixPower', (a: Tensor, exponent: number): Tensor => {
  const { batch, rows: n } = expectSquare('matrixPower', 'a', a);
  if (!Number.isSafeInteger(exponent)) throw new LimitError('matrixPower', `exponent is ${exponent}`, 'give a whole number');
  return scope(() => {
    let factor = exponent < 0 ? inverse(a) : a;
    let result: Tensor | undefined;
    for (let rest = Math.abs(exponent); rest > 0; rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) result = result ? matmul(result, factor) : factor;
      if (rest > 1) factor = matmul(factor, factor);
    }
    if (result) return contiguousCopy(result);
    // Exponent 0: the result does not depend on a, and its gradient is 0.
    const none = zeros([], { dtype: 'bool', device: a.device });
    return where(none, a, broadcastTo(eye(n, n, { device: a.device }), [...batch, n, n]));
  });
});
