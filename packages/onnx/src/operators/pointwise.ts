/** Elementwise operators: arithmetic, comparison, logic, activations. */
import * as engine from '@mudpt/tensor';
import { type Operand, Tensor } from '@mudpt/tensor';
import { type ElementType, isFloatType, isNarrow, rangeOf } from '../format/types.ts';
import { mapElements } from '../host/elementwise.ts';
import type { Operator, Operators } from '../node/operator.ts';
import { typed } from '../node/results.ts';

type Unary = (x: Tensor) => Tensor;
type Binary = (x: Operand, y: Operand) => Tensor;

/** Integers of 2 to 16 bits are held in 32: what they cannot hold wraps around. */
export function wrap(type: ElementType, x: Tensor): Tensor {
  const range = rangeOf(type);
  if (!isNarrow(type) || !range) return x;
  const [low, high] = range;
  const count = high - low + 1;
  return low === 0 ? engine.mod(x, count) : engine.add(engine.mod(engine.sub(x, low), count), low);
}

function unary(op: Unary, host?: (x: number) => number): Operator {
  return {
    by: 'op',
    run: (call) => wrap(call.type(0), op(call.x(0))),
    ...(host && { host: (call) => mapElements(call.node.op, call.type(0), [call.host(0)], host) }),
  };
}

/** Operators on numbers of one type. */
function arithmetic(op: Binary, host: (x: number, y: number) => number, by: Operator['by'] = 'op'): Operator {
  return {
    by,
    run: (call) => wrap(call.type(0), op(call.operand(0), call.operand(1))),
    host: (call) => mapElements(call.node.op, call.type(0), [call.host(0), call.host(1)], host),
  };
}

function comparison(op: Binary, host: (x: number, y: number) => boolean): Operator {
  return {
    by: 'op',
    run: (call) => typed(call, 'bool', op(call.operand(0), call.operand(1))),
    host: (call) => mapElements(call.node.op, 'bool', [call.host(0), call.host(1)], (x, y) => Number(host(x ?? 0, y ?? 0))),
  };
}

/** Any number of operands. */
function variadic(op: Binary, host: (x: number, y: number) => number, finish?: (sum: Tensor, count: number) => Tensor): Operator {
  return {
    by: finish ? 'composition' : 'op',
    run: (call) => {
      const all = call.inputs.map((_, index) => call.x(index));
      const total = all.slice(1).reduce((sum, x) => op(sum, x), all[0] as Tensor);
      return wrap(call.type(0), finish ? finish(total, all.length) : total);
    },
    ...(!finish && {
      host: (call) =>
        mapElements(
          call.node.op,
          call.type(0),
          call.inputs.map((_, index) => call.host(index)),
          (...values) => values.reduce(host),
        ),
    }),
  };
}

const div: Operator = {
  by: 'op',
  run: (call) => {
    const type = call.type(0);
    const [x, y] = [call.operand(0), call.operand(1)];
    return isFloatType(type) ? engine.div(x, y) : wrap(type, engine.truncDiv(x, y));
  },
  host: (call) => {
    const type = call.type(0);
    return mapElements('Div', type, [call.host(0), call.host(1)], (x = 0, y = 0) =>
      isFloatType(type) ? x / y : Math.trunc(x / y),
    );
  },
};

const mod: Operator = {
  by: 'op',
  run: (call) => (call.int('fmod', 0) === 1 ? engine.fmod : engine.mod)(call.operand(0), call.operand(1)),
  host: (call) => {
    const isC = call.int('fmod', 0) === 1;
    return mapElements('Mod', call.type(0), [call.host(0), call.host(1)], (x = 0, y = 1) =>
      isC ? x % y : x - y * Math.floor(x / y),
    );
  },
};

/** Powers of integers modulo 2^32, as i32 of the same bits; a negative exponent gives a quotient without its fraction. */
function integerPower(x: Operand, y: Operand): Tensor {
  const [base, exponent] = [x, y].map((operand) => (operand instanceof Tensor ? engine.cast(operand, 'i32') : operand | 0));
  return engine.pow(base as Operand, exponent as Operand);
}

/** Powers of integers by floats: whole exponents exactly, others without the fraction of the result. */
function floatPower(x: Operand, y: Operand): Tensor {
  const base = x instanceof Tensor ? engine.cast(x, 'f32') : x;
  const power = engine.pow(base, y);
  const nearest = engine.round(power);
  // What only rounding keeps from a whole number is one.
  const whole = engine.where(engine.isClose(power, nearest, 1e-6, 0), nearest, engine.trunc(power));
  if (typeof y === 'number') return Number.isInteger(y) ? integerPower(x, y) : whole;
  return engine.where(engine.eq(y, engine.trunc(y)), integerPower(x, y), engine.cast(whole, 'i32'));
}

const pow: Operator = {
  by: 'op',
  run: (call) => {
    const [x, y] = [call.operand(0), call.operand(1)];
    const type = call.type(0);
    if (isFloatType(type)) return engine.pow(x, y);
    return wrap(type, engine.cast((isFloatType(call.type(1)) ? floatPower : integerPower)(x, y), call.dtype(type)));
  },
  host: (call) => mapElements('Pow', call.type(0), [call.host(0), call.host(1)], (x = 0, y = 0) => x ** y),
};

/** Bounds are attributes before opset 11 and inputs after. */
const clip: Operator = {
  by: 'op',
  run: (call) => {
    const bound = (index: number, name: string): Operand | undefined => {
      if (call.opset >= 11) return call.has(index) ? call.operand(index) : undefined;
      return call.isGiven(name) ? call.float(name) : undefined;
    };
    const [low, high] = [bound(1, 'min'), bound(2, 'max')];
    // Where the bounds cross, the upper one holds.
    const raised = low === undefined ? call.x(0) : engine.maximum(call.x(0), low);
    return high === undefined ? raised : engine.minimum(raised, high);
  },
};

/** Rounds half to even, as ONNX's Round does. */
export function roundEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

const where: Operator = {
  by: 'op',
  run: (call) => typed(call, call.type(1), engine.where(call.x(0), call.operand(1), call.x(2))),
  host: (call) =>
    mapElements('Where', call.type(1), [call.host(0), call.host(1), call.host(2)], (c, x = 0, y = 0) => (c ? x : y)),
};

const not: Operator = {
  by: 'op',
  run: (call) => engine.logicalNot(call.x(0)),
  host: (call) => mapElements('Not', 'bool', [call.host(0)], (x) => Number(!x)),
};

/** x where |x| is beyond lambd, moved towards 0 by the bias. */
const shrink: Operator = {
  by: 'composition',
  run: (call) => {
    const x = call.x(0);
    const [bias, lambd] = [call.float('bias', 0), call.float('lambd', 0.5)];
    const toward = (by: number): Tensor => engine.add(x, by);
    return engine.where(engine.lt(x, -lambd), toward(bias), engine.where(engine.gt(x, lambd), toward(-bias), 0));
  },
};

const isInf: Operator = {
  by: 'op',
  run: (call) => {
    const x = call.x(0);
    const [negative, positive] = [call.int('detect_negative', 1) === 1, call.int('detect_positive', 1) === 1];
    const found = engine.isInf(x);
    if (negative && positive) return typed(call, 'bool', found);
    const side = negative ? engine.lt(x, 0) : engine.gt(x, 0);
    return typed(call, 'bool', negative || positive ? engine.logicalAnd(found, side) : engine.logicalAnd(found, 0));
  },
};

const hardSigmoid: Operator = {
  by: 'composition',
  run: (call) => engine.clamp(engine.add(engine.mul(call.x(0), call.float('alpha', 0.2)), call.float('beta', 0.5)), 0, 1),
};

/** The slope broadcasts to x. */
const prelu: Operator = {
  by: 'composition',
  run: (call) => engine.where(engine.lt(call.x(0), 0), engine.mul(call.x(0), call.x(1)), call.x(0)),
};

const selu: Operator = {
  by: 'composition',
  run: (call) => {
    const [alpha, gamma] = [call.float('alpha', 1.67326319217681884765625), call.float('gamma', 1.05070102214813232421875)];
    return engine.mul(engine.elu(call.x(0), alpha), gamma);
  },
};

/** x times the sigmoid of alpha x. */
const swish: Operator = {
  by: 'composition',
  run: (call) => engine.mul(call.x(0), engine.sigmoid(engine.mul(call.x(0), call.float('alpha', 1)))),
};

const thresholded: Operator = {
  by: 'composition',
  run: (call) => engine.where(engine.gt(call.x(0), call.float('alpha', 1)), call.x(0), 0),
};

const logicalOperand = (host: (x: boolean, y: boolean) => boolean, op: Binary): Operator =>
  comparison(op, (x, y) => host(x !== 0, y !== 0));

/** Bits moved to the left or right; those of narrow types that leave them are lost. */
const bitShift: Operator = {
  by: 'op',
  run: (call) =>
    wrap(
      call.type(0),
      (call.text('direction', '') === 'LEFT' ? engine.shiftLeft : engine.shiftRight)(call.operand(0), call.operand(1)),
    ),
};

const bitwise = (op: Binary): Operator => ({ by: 'op', run: (call) => op(call.operand(0), call.operand(1)) });

export const pointwiseOperators: Operators = {
  Abs: unary(engine.abs, Math.abs),
  Acos: unary(engine.acos),
  Acosh: unary(engine.acosh),
  Add: arithmetic(engine.add, (x, y) => x + y),
  And: logicalOperand((x, y) => x && y, engine.logicalAnd),
  Asin: unary(engine.asin),
  Asinh: unary(engine.asinh),
  Atan: unary(engine.atan),
  Atanh: unary(engine.atanh),
  BitShift: bitShift,
  BitwiseAnd: bitwise(engine.bitwiseAnd),
  BitwiseNot: { by: 'op', run: (call) => wrap(call.type(0), engine.bitwiseNot(call.x(0))) },
  BitwiseOr: bitwise(engine.bitwiseOr),
  BitwiseXor: bitwise(engine.bitwiseXor),
  Ceil: unary(engine.ceil, Math.ceil),
  Celu: { by: 'op', run: (call) => engine.celu(call.x(0), call.float('alpha', 1)) },
  Clip: clip,
  Cos: unary(engine.cos),
  Cosh: unary(engine.cosh),
  Div: div,
  Elu: { by: 'op', run: (call) => engine.elu(call.x(0), call.float('alpha', 1)) },
  Equal: comparison(engine.eq, (x, y) => x === y),
  Erf: unary(engine.erf),
  Exp: unary(engine.exp, Math.exp),
  Floor: unary(engine.floor, Math.floor),
  Gelu: { by: 'op', run: (call) => (call.text('approximate', 'none') === 'tanh' ? engine.geluTanh : engine.gelu)(call.x(0)) },
  Greater: comparison(engine.gt, (x, y) => x > y),
  GreaterOrEqual: comparison(engine.ge, (x, y) => x >= y),
  HardSigmoid: hardSigmoid,
  HardSwish: unary(engine.hardSwish),
  IsInf: isInf,
  IsNaN: { by: 'op', run: (call) => typed(call, 'bool', engine.isNaN(call.x(0))) },
  LeakyRelu: { by: 'op', run: (call) => engine.leakyRelu(call.x(0), call.float('alpha', 0.01)) },
  Less: comparison(engine.lt, (x, y) => x < y),
  LessOrEqual: comparison(engine.le, (x, y) => x <= y),
  Log: unary(engine.log, Math.log),
  Max: variadic(engine.maximum, (x, y) => Math.max(x, y)),
  Mean: variadic(
    engine.add,
    (x, y) => x + y,
    (sum, count) => engine.div(sum, count),
  ),
  Min: variadic(engine.minimum, (x, y) => Math.min(x, y)),
  Mish: unary(engine.mish),
  Mod: mod,
  Mul: arithmetic(engine.mul, (x, y) => x * y),
  Neg: unary(engine.neg, (x) => -x),
  Not: not,
  Or: logicalOperand((x, y) => x || y, engine.logicalOr),
  PRelu: prelu,
  Pow: pow,
  Reciprocal: unary(engine.reciprocal, (x) => 1 / x),
  Relu: unary(engine.relu, (x) => Math.max(x, 0)),
  Round: unary(engine.round, roundEven),
  Selu: selu,
  Shrink: shrink,
  Sigmoid: unary(engine.sigmoid),
  Sign: unary(engine.sign, Math.sign),
  Sin: unary(engine.sin),
  Sinh: unary(engine.sinh),
  Softplus: unary(engine.softplus),
  Softsign: unary(engine.softsign),
  Sqrt: unary(engine.sqrt, Math.sqrt),
  Sub: arithmetic(engine.sub, (x, y) => x - y),
  Sum: variadic(engine.add, (x, y) => x + y),
  Swish: swish,
  SwiGLU: {
    by: 'composition',
    run: (call) => {
      const [a, alpha] = [call.x(0), call.float('alpha', 1)];
      const gate = engine.sigmoid(alpha === 1 ? a : engine.mul(a, alpha));
      return engine.mul(engine.mul(a, gate), call.x(1));
    },
  },
  Tan: unary(engine.tan),
  Tanh: unary(engine.tanh),
  ThresholdedRelu: thresholded,
  Where: where,
  Xor: logicalOperand((x, y) => x !== y, engine.logicalXor),
};
