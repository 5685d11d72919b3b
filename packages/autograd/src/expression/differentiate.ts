/**
 * Derivatives of the expressions of the pointwise table, as expressions: a gradient's own gradient, of any order, is one kernel like the gradient
 * itself. A new row needs nothing more, unless it calls a function that has no derivative here.
 */
import { TensorError } from '@mudpt/tensor/functions';
import { lettersIn, type Node, parse, substitute } from './parse.ts';

/** Parts of the derivative of math_gelu_tanh_derivative: its logistic gate, and the first and second derivative of the gate's argument. */
const [S, U1, U2] = ['math_gelu_tanh_gate(a)', '(1.5957691216057308 + 0.2140644488 * a * a)', '(0.4281288976 * a)'];

/** Derivatives of each function by its arguments, as expressions of them (a, b); '0.0' for step functions. */
const FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  abs: ['math_sign(a)'],
  sqrt: ['0.5 / sqrt(a)'],
  floor: ['0.0'],
  math_sign: ['0.0'],
  math_floor_div: ['0.0', '0.0'],
  math_exp: ['math_exp(a)'],
  math_exp2: ['0.6931471805599453 * math_exp2(a)'],
  math_expm1: ['math_exp(a)'],
  math_log: ['1.0 / a'],
  math_log2: ['1.4426950408889634 / a'],
  math_log10: ['0.4342944819032518 / a'],
  math_log1p: ['1.0 / (1.0 + a)'],
  math_sin: ['math_cos(a)'],
  math_cos: ['-math_sin(a)'],
  math_tan: ['1.0 + math_tan(a) * math_tan(a)'],
  math_asin: ['1.0 / sqrt((1.0 - a) * (1.0 + a))'],
  math_acos: ['-1.0 / sqrt((1.0 - a) * (1.0 + a))'],
  math_atan: ['1.0 / (1.0 + a * a)'],
  math_atan2: ['b / (a * a + b * b)', '-a / (a * a + b * b)'],
  math_sinh: ['math_cosh(a)'],
  math_cosh: ['math_sinh(a)'],
  math_tanh: ['1.0 - math_tanh(a) * math_tanh(a)'],
  special_digamma: ['special_trigamma(a)'],
  special_trigamma: ['special_tetragamma(a)'],
  special_tetragamma: ['special_pentagamma(a)'],
  special_sinc: ['special_sinc_slope(a)'],
  special_sinc_slope: [
    'select(-9.869604401089358 * special_sinc(a) - 2.0 * special_sinc_slope(a) / a, -3.289868133696453 + 9.740909103400244 * a * a - 5.722740377 * a * a * a * a, abs(a) < 0.1)',
  ],
  special_trunc_div: ['0.0', '0.0'],
  math_sigmoid: ['math_sigmoid(a) * math_sigmoid(-a)'],
  math_softplus: ['math_sigmoid(a)'],
  math_gate: ['b', 'a'],
  math_erf: ['1.1283791670955126 * math_exp(-a * a)'],
  math_erfc: ['-1.1283791670955126 * math_exp(-a * a)'],
  math_normal_cumulative: ['math_normal_density(a)'],
  math_normal_density: ['math_gate(-a, math_normal_density(a))'],
  math_mish_gate: ['math_mish_slope(a)'],
  math_mish_slope: ['math_mish_slope(a) * (1.0 - math_sigmoid(a) - 2.0 * math_sigmoid(a) * math_mish_gate(a))'],
  math_gelu_tanh_gate: [`${S} * (1.0 - ${S}) * ${U1}`],
  math_gelu_tanh_derivative: [`${S} * (1.0 - ${S}) * (2.0 * ${U1} + a * ((1.0 - 2.0 * ${S}) * ${U1} * ${U1} + ${U2}))`],
  math_pow: [
    'select(b * math_pow(a, b - 1.0), 0.0, b == 0.0)',
    'select(math_pow(a, b) * math_log(a), 0.0, a == 0.0 && b >= 0.0)',
  ],
  math_maximum: ['select(select(1.0, 0.5, a == b), 0.0, a < b)', 'select(select(1.0, 0.5, a == b), 0.0, b < a)'],
  math_minimum: ['select(select(1.0, 0.5, a == b), 0.0, a > b)', 'select(select(1.0, 0.5, a == b), 0.0, b > a)'],
  math_mod: ['1.0', '-math_floor_div(a, b)'],
};

const number = (value: number): Node => ({ kind: 'number', text: `${value}.0` });
const ZERO = number(0);
const ONE = number(1);

const valueOf = (node: Node): number | undefined => (node.kind === 'number' ? Number(node.text) : undefined);

/** a * b without factors of 0 and 1. */
export function times(a: Node, b: Node): Node {
  if (valueOf(a) === 0 || valueOf(b) === 0) return ZERO;
  if (valueOf(a) === 1) return b;
  return valueOf(b) === 1 ? a : { kind: 'binary', op: '*', a, b };
}

function plus(a: Node, b: Node): Node {
  if (valueOf(a) === 0) return b;
  return valueOf(b) === 0 ? a : { kind: 'binary', op: '+', a, b };
}

function minus(a: Node): Node {
  return valueOf(a) === 0 ? ZERO : { kind: 'unary', op: '-', a };
}

/** The derivative of `node` by `letter`; undefined where it is 0 everywhere. @throws TensorError in the name of `op` for a function without one */
export function derivative(op: string, node: Node, letter: string): Node | undefined {
  const result = derivativeBy(op, node, letter);
  return valueOf(result) === 0 ? undefined : result;
}

function derivativeBy(op: string, node: Node, letter: string): Node {
  if (!lettersIn(node).has(letter)) return ZERO;
  switch (node.kind) {
    case 'number':
      return ZERO;
    case 'name':
      return node.name === letter ? ONE : ZERO;
    case 'unary':
      return minus(derivativeBy(op, node.a, letter));
    case 'binary':
      return ofOperator(op, node, letter);
    case 'call':
      return ofCall(op, node, letter);
  }
}

function ofOperator(name: string, { op, a, b }: Node & { kind: 'binary' }, letter: string): Node {
  const [da, db] = [derivativeBy(name, a, letter), derivativeBy(name, b, letter)];
  if (op === '+') return plus(da, db);
  if (op === '-') return valueOf(db) === 0 ? da : valueOf(da) === 0 ? minus(db) : { kind: 'binary', op, a: da, b: db };
  if (op === '*') return plus(times(da, b), times(a, db));
  if (op === '/') {
    const over = (x: Node): Node => (valueOf(x) === 0 ? ZERO : { kind: 'binary', op, a: x, b });
    return plus(over(da), minus(over(times({ kind: 'binary', op, a, b }, db))));
  }
  throw new TensorError(
    name,
    `"${op}" stands where its gradient is differentiated`,
    'keep comparisons within the condition of select',
  );
}

function ofCall(op: string, { name, args }: Node & { kind: 'call' }, letter: string): Node {
  const [first = ZERO, second = ZERO, condition = ZERO] = args;
  if (name === 'select') {
    const [no, yes] = [derivativeBy(op, first, letter), derivativeBy(op, second, letter)];
    return valueOf(no) === 0 && valueOf(yes) === 0 ? ZERO : { kind: 'call', name, args: [no, yes, condition] };
  }
  const inner = args.map((arg) => derivativeBy(op, arg, letter));
  // The derivative by the factor is a gate again: its limit is right where the factor vanishes.
  if (name === 'math_gate') {
    const [dx = ZERO, dFactor = ZERO] = inner;
    const ofFactor: Node = valueOf(dFactor) === 0 ? ZERO : { kind: 'call', name, args: [first, dFactor] };
    return plus(times(dx, second), ofFactor);
  }
  const outer = FUNCTIONS[name];
  if (!outer)
    throw new TensorError(
      op,
      `its gradient calls ${name}, which has no derivative`,
      'add one to FUNCTIONS in packages/autograd/src/expression/differentiate.ts',
    );
  return inner.reduce<Node>((sum, slope, index) => {
    if (valueOf(slope) === 0) return sum;
    return plus(sum, times(substitute(parse(outer[index] ?? '0.0'), { a: first, b: second }), slope));
  }, ZERO);
}
