/** Elementwise operators: arithmetic, comparison, logic. Activations are in activations.ts. */
import * as engine from '@mudpt/tensor';
import { type Operand, Tensor } from '@mudpt/tensor';
import { isFloatType } from '../format/types.ts';
import { mapElements } from '../host/elementwise.ts';
import type { Operator, Operators } from '../node/operator.ts';
import { typed } from '../node/results.ts';
import { arithmetic, bitwise, comparison, logical, unary, variadic, wrap } from './pointwise-forms.ts';

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
function roundEven(value: number): number {
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

/** Bits moved to the left or right; those of narrow types that leave them are lost. */
const bitShift: Operator = {
  by: 'op',
  run: (call) =>
    wrap(
      call.type(0),
      (call.text('direction', '') === 'LEFT' ? engine.shiftLeft : engine.shiftRight)(call.operand(0), call.operand(1)),
    ),
};

export const pointwiseOperators: Operators = {
  Abs: unary(engine.abs, Math.abs),
  Acos: unary(engine.acos),
  Acosh: unary(engine.acosh),
  Add: arithmetic(engine.add, (x, y) => x + y),
  And: logical((x, y) => x && y, engine.logicalAnd),
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
  Clip: clip,
  Cos: unary(engine.cos),
  Cosh: unary(engine.cosh),
  Div: div,
  Equal: comparison(engine.eq, (x, y) => x === y),
  Erf: unary(engine.erf),
  Exp: unary(engine.exp, Math.exp),
  Floor: unary(engine.floor, Math.floor),
  Greater: comparison(engine.gt, (x, y) => x > y),
  GreaterOrEqual: comparison(engine.ge, (x, y) => x >= y),
  IsInf: isInf,
  IsNaN: { by: 'op', run: (call) => typed(call, 'bool', engine.isNaN(call.x(0))) },
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
  Mod: mod,
  Mul: arithmetic(engine.mul, (x, y) => x * y),
  Neg: unary(engine.neg, (x) => -x),
  Not: not,
  Or: logical((x, y) => x || y, engine.logicalOr),
  Pow: pow,
  Reciprocal: unary(engine.reciprocal, (x) => 1 / x),
  Round: unary(engine.round, roundEven),
  Sign: unary(engine.sign, Math.sign),
  Sin: unary(engine.sin),
  Sinh: unary(engine.sinh),
  Sqrt: unary(engine.sqrt, Math.sqrt),
  Sub: arithmetic(engine.sub, (x, y) => x - y),
  Sum: variadic(engine.add, (x, y) => x + y),
  Tan: unary(engine.tan),
  Where: where,
  Xor: logical((x, y) => x !== y, engine.logicalXor),
};
