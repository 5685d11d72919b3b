/** Products of matrices. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import { isFloatType } from '../format/types.ts';
import { type Operator, type Operators, textAttribute } from '../node/operator.ts';
import { typed } from '../node/results.ts';

const matmul: Operator = {
  by: 'op',
  run: (call) => engine.matmul(call.x(0), call.x(1)),
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
    const product = engine.matmul(a, b, { transposeA, transposeB, alpha });
    if (!c || beta === 0) return product;
    return engine.add(product, beta === 1 ? c : engine.mul(c, beta));
  },
};

/** Labels of the result: given, or those that occur once, sorted. */
function labelsOf(equation: string): { readonly terms: readonly string[]; readonly out: string } {
  const [from = '', to] = equation.split('->');
  const terms = from.split(',');
  const all = [...terms.join('')].toSorted();
  return { terms, out: to ?? all.filter((label) => all.indexOf(label) === all.lastIndexOf(label)).join('') };
}

/** One operand after another; what neither the result nor a later operand names is summed at once. */
function contract(equation: string, operands: readonly Tensor[]): Tensor {
  const { terms, out } = labelsOf(equation);
  let [labels = ''] = terms;
  return operands.slice(1).reduce((product, operand, index) => {
    const term = terms[index + 1] ?? '';
    const later = [out, ...terms.slice(index + 2)].join('');
    const isLast = index === operands.length - 2;
    const kept = isLast ? out : [...new Set(labels + term)].filter((label) => later.includes(label)).join('');
    const next = engine.einsum(`${labels},${term}->${kept}`, product, operand);
    labels = kept;
    return next;
  }, operands[0] as Tensor);
}

const einsum: Operator = {
  by: 'op',
  refuses: (node) =>
    node.inputs.length > 2 && textAttribute(node, 'equation', '').includes('...')
      ? `of ${node.inputs.length} operands with "..."`
      : undefined,
  run: (call) => {
    const equation = call.text('equation', '').replaceAll(' ', '');
    const operands = call.inputs.map((_, index) => call.x(index));
    if (operands.length > 2) return contract(equation, operands);
    const [a, b] = operands as [Tensor, Tensor | undefined];
    if (b) return engine.einsum(equation, a, b);
    // One operand is taken times a scalar.
    const [from = '', to] = equation.split('->');
    return engine.einsum(
      to === undefined ? `${from},` : `${from},->${to}`,
      a,
      engine.ones([], { device: call.device, dtype: a.dtype }),
    );
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
    typed(call, 'int32', engine.matmul(shifted(call.x(0), call.maybe(2), 'rows'), shifted(call.x(1), call.maybe(3), 'columns'))),
};

export const matrixOperators: Operators = {
  Det: { by: 'op', run: (call) => engine.det(engine.cast(call.x(0), 'f32')) },
  Einsum: einsum,
  Gemm: gemm,
  MatMul: matmul,
  MatMulInteger: matmulInteger,
};
