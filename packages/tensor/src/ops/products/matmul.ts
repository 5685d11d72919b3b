/** Matrix products of any two strided, batched, broadcast tensors. */
import { expectNumber, isFloat, promote } from '../../dtype.ts';
import { DTypeError, ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { broadcastShapes, broadcastStrides, showShape } from '../../shape.ts';
import { empty, expectOneDevice } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { gemm } from '../../kernels/gemm/gemm.ts';
import { integerProduct } from '../../kernels/gemm/integer.ts';
import { matricesOf, type Operand } from '../../kernels/gemm/problem/problem.ts';
import { nth } from '../../values.ts';

/** Options of {@link matmul}. */
export type MatmulOptions = {
  /** `a` is stored [..., K, M]. */
  readonly transposeA?: boolean;
  /** `b` is stored [..., N, K]. */
  readonly transposeB?: boolean;
  /** Factor of the result. Default 1. */
  readonly alpha?: number;
};

/**
 * alpha * a x b: a [..., M, K] times b [..., K, N] gives [..., M, N]; leading axes broadcast as in NumPy and PyTorch. A 1-D `a` is a row, a 1-D `b` a
 * column, and that axis is absent from the result. f16 operands are summed in f32; the result is f16 only if both are. Two i32 or two u32 tensors are
 * multiplied modulo 2^32, with a whole alpha.
 * @throws ShapeError when inner sizes differ, an operand is a scalar, or a 1-D operand is to be transposed; DTypeError for integers beside floats or of two kinds
 * @example
 * console.log(await tensor([[1, 2]]).matmul(tensor([[1, 1], [0, 1]])).array()); // [[1,3]]
 */
export const matmul = defineOp('matmul', (a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor => {
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  const isInteger = a.dtype === b.dtype && (a.dtype === 'i32' || a.dtype === 'u32');
  if (isInteger) expectIntegers(a, b, alpha);
  else expectFloats('matmul', a, b);
  expectMatrix('a', a, transposeA);
  expectMatrix('b', b, transposeB);
  const left = matricesOf(a, transposeA);
  // A 1-D b is a column, while matricesOf makes it a row.
  const right = b.rank === 1 ? { ...matricesOf(b), row: nth(b.strides, 0), col: 0 } : matricesOf(b, transposeB);
  const [m, k] = a.rank === 1 ? [1, a.size] : matrixSizes(a, transposeA);
  const [inner, n] = b.rank === 1 ? [b.size, 1] : matrixSizes(b, transposeB);
  if (k !== inner) {
    throw new ShapeError(
      'matmul',
      `a ${showShape(a.shape)}${transposeA ? ' transposed' : ''} and b ${showShape(b.shape)}${transposeB ? ' transposed' : ''} have inner sizes ${k} and ${inner}`,
      'they must be equal: a is [..., M, K] and b is [..., K, N]; see transposeA and transposeB',
    );
  }
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batch = broadcastShapes('matmul', batchA, batchB);
  const rows = a.rank === 1 ? [] : [m];
  const columns = b.rank === 1 ? [] : [n];
  const out = empty(a.device, [...batch, ...rows, ...columns], promote(a.dtype, b.dtype));
  const batchOut = out.strides.slice(0, batch.length);
  const c: Operand = { tensor: out, offset: 0, row: n, col: 1, batch: batchOut };
  (isInteger ? integerProduct : gemm)({
    batch,
    m,
    n,
    k,
    a: { ...left, batch: broadcastStrides(batchA, left.batch, batch) },
    b: { ...right, batch: broadcastStrides(batchB, right.batch, batch) },
    c,
    epilogue: { alpha },
  });
  return out;
});

function matrixSizes(t: Tensor, transposed: boolean): [number, number] {
  const [rows = 1, columns = 1] = t.shape.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
}

function expectMatrix(name: string, t: Tensor, transposed: boolean): void {
  if (t.rank === 0) throw new ShapeError('matmul', `${name} is a scalar`, 'give at least one axis, or multiply elementwise');
  if (t.rank === 1 && transposed) {
    throw new ShapeError(
      'matmul',
      `${name} ${showShape(t.shape)} has no matrix to transpose`,
      `leave out transpose${name.toUpperCase()}`,
    );
  }
}

function expectIntegers(a: Tensor, b: Tensor, alpha: number): void {
  a.expectLive('matmul');
  b.expectLive('matmul');
  expectOneDevice('matmul', a, b);
  expectNumber('matmul', 'alpha', alpha, a.dtype);
}

/** Throws unless all tensors are live, on one device, and f32 or f16. */
export function expectFloats(op: string, first: Tensor, ...rest: readonly Tensor[]): void {
  for (const t of [first, ...rest]) {
    t.expectLive(op);
    if (!isFloat(t.dtype))
      throw new DTypeError(op, `an operand of shape ${showShape(t.shape)} has dtype ${t.dtype}`, "use f32 or f16: x.cast('f32')");
    expectOneDevice(op, first, t);
  }
}
