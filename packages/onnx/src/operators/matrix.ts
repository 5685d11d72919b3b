/** Products of matrices. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import { isFloatType } from '../format/types.ts';
import type { Operator, Operators } from '../node/operator.ts';
import { typed } from '../node/results.ts';

/** Terms of a product of bytes whose sum f32 holds exactly: 256 * 255 * 255 < 2^24. */
const EXACT_TERMS = 256;
/** Elements of the table of all terms that a product of wide integers may take. */
const MAX_TERMS = 2 ** 26;

/** a x b of integers of at most 9 bits, exact, as i32. */
export function byteProduct(a: Tensor, b: Tensor): Tensor {
  const [rows, columns] = [engine.cast(a, 'f32'), engine.cast(b, 'f32')];
  const terms = a.shape[a.rank - 1] ?? 1;
  const axis = b.rank === 1 ? 0 : b.rank - 2;
  let total: Tensor | undefined;
  for (let at = 0; at < terms; at += EXACT_TERMS) {
    const length = Math.min(EXACT_TERMS, terms - at);
    const part = engine.cast(engine.matmul(engine.narrow(rows, -1, at, length), engine.narrow(columns, axis, at, length)), 'i32');
    total = total ? engine.add(total, part) : part;
  }
  return total ?? engine.cast(engine.matmul(rows, columns), 'i32');
}

/** a x b of integers of any size: all terms, then their sums. */
function integerProduct(a: Tensor, b: Tensor): Tensor {
  const left = a.rank === 1 ? engine.unsqueeze(a, 0) : a;
  const right = b.rank === 1 ? engine.unsqueeze(b, 1) : b;
  const terms = engine.mul(engine.unsqueeze(left, -1), engine.unsqueeze(right, -3));
  const sums = engine.sum(terms, -2);
  const dropped = [...(a.rank === 1 ? [sums.rank - 2] : []), ...(b.rank === 1 ? [sums.rank - 1] : [])];
  return dropped.length > 0 ? engine.squeeze(sums, dropped) : sums;
}

const matmul: Operator = {
  by: 'op',
  run: (call) => {
    const [a, b] = [call.x(0), call.x(1)];
    if (isFloatType(call.type(0))) return engine.matmul(a, b);
    if (a.size * (b.shape[b.rank - 1] ?? 1) > MAX_TERMS)
      throw call.error(`a product of integers of [${a.shape.join(', ')}] and [${b.shape.join(', ')}] is too large`, 'use floats');
    return integerProduct(a, b);
  },
};

/** alpha A B + beta C. */
const gemm: Operator = {
  by: 'op',
  run: (call) => {
    const [alpha, beta] = [call.float('alpha', 1), call.float('beta', 1)];
    const [transposeA, transposeB] = [call.int('transA', 0) !== 0, call.int('transB', 0) !== 0];
    const [a, b, c] = [call.x(0), call.x(1), call.maybe(2)];
    const isLinear = alpha === 1 && beta === 1 && !transposeA && transposeB && isFloatType(call.type(0));
    if (isLinear && c?.rank === 1 && c.size === b.shape[0]) return engine.linear(a, b, c);
    const product = isFloatType(call.type(0))
      ? engine.matmul(a, b, { transposeA, transposeB, alpha })
      : engine.mul(integerProduct(transposeA ? engine.transpose(a) : a, transposeB ? engine.transpose(b) : b), alpha);
    if (!c || beta === 0) return product;
    return engine.add(product, beta === 1 ? c : engine.mul(c, beta));
  },
};

const einsum: Operator = {
  by: 'op',
  refuses: (node) => (node.inputs.length > 2 ? `of ${node.inputs.length} operands` : undefined),
  run: (call) => {
    const equation = call.text('equation', '').replaceAll(' ', '');
    if (call.inputs.length === 2) return engine.einsum(equation, call.x(0), call.x(1));
    // One operand times a scalar.
    const [from = '', to] = equation.split('->');
    const one = engine.ones([], { device: call.device, dtype: call.x(0).dtype });
    return engine.einsum(to === undefined ? `${from},` : `${from},->${to}`, call.x(0), one);
  },
};

/** The zero point of a quantized operand, for its rows (a) or columns (b). */
function shifted(x: Tensor, zero: Tensor | undefined, axis: 'rows' | 'columns'): Tensor {
  const wide = engine.cast(x, 'i32');
  if (!zero) return wide;
  const shift = engine.cast(zero, 'i32');
  return engine.sub(wide, axis === 'rows' && shift.rank === 1 && shift.size > 1 ? engine.unsqueeze(shift, 1) : shift);
}

const matmulInteger: Operator = {
  by: 'composition',
  run: (call) =>
    typed(call, 'int32', byteProduct(shifted(call.x(0), call.maybe(2), 'rows'), shifted(call.x(1), call.maybe(3), 'columns'))),
};

export const matrixOperators: Operators = {
  Einsum: einsum,
  Gemm: gemm,
  MatMul: matmul,
  MatMulInteger: matmulInteger,
};
