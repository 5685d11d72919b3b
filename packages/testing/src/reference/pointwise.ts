/**
 * Pointwise operations: one row per name. The f64 formulas are the definitions, written for clarity; where two conventions
 * exist the row says which one holds (PyTorch's).
 */
import { type Ref, broadcastIndex, broadcastShapes, build, get, map } from './array.ts';
import { roundHalfEven } from './inputs.ts';
import { digamma, erf, erfc, erfinv, lgamma, normalCumulative, normalDensity, sinc } from './special.ts';

const GELU_TANH = Math.sqrt(2 / Math.PI);
const truth = (value: boolean): number => (value ? 1 : 0);
const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
/** x * factor where a factor that vanished wins over an infinite x (the limit at minus infinity). */
const gated = (x: number, factor: number): number => (factor === 0 ? 0 : x * factor);
const geluTanhGate = (x: number): number => sigmoid(2 * GELU_TANH * (x + 0.044715 * x ** 3));

/** Unary functions; `parameter` is the slope of leakyRelu (default 0.01) and the alpha of elu (default 1). */
export const unaryFunctions = {
  neg: (x) => -x,
  abs: Math.abs,
  /** Sign of zero is zero. */
  sign: (x) => (x === 0 ? 0 : Math.sign(x)),
  exp: Math.exp,
  exp2: (x) => 2 ** x,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  log2: Math.log2,
  log10: Math.log10,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  square: (x) => x * x,
  reciprocal: (x) => 1 / x,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  sigmoid,
  /** NaN stays NaN. */
  relu: (x) => (x <= 0 ? 0 : x),
  leakyRelu: (x, slope = 0.01) => (x >= 0 ? x : slope * x),
  elu: (x, alpha = 1) => (x > 0 ? x : alpha * Math.expm1(x)),
  silu: (x) => gated(x, sigmoid(x)),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  /** The exact form, with erf. */
  gelu: (x) => gated(x, normalCumulative(x)),
  /** 0.5 x (1 + tanh(u)) written as x sigmoid(2u), the same function without cancellation. */
  geluTanh: (x) => gated(x, geluTanhGate(x)),
  quickGelu: (x) => gated(x, sigmoid(1.702 * x)),
  hardSwish: (x) => gated(x, Math.min(Math.max((x + 3) / 6, 0), 1)),
  celu: (x, alpha = 1) => (x > 0 ? x : alpha * Math.expm1(x / alpha)),
  selu: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)),
  mish: (x) => gated(x, Math.tanh(Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))))),
  hardSigmoid: (x) => Math.min(Math.max((x + 3) / 6, 0), 1),
  /** The limit at infinity. */
  softsign: (x) => (Math.abs(x) === Infinity ? Math.sign(x) : x / (1 + Math.abs(x))),
  logSigmoid: (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))),
  erf,
  erfc,
  erfinv,
  lgamma,
  digamma,
  sinc,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  frac: (x) => x - Math.trunc(x),
  signbit: (x) => truth(x < 0 || Object.is(x, -0)),
  bitwiseNot: (x) => ~x,
  floor: Math.floor,
  ceil: Math.ceil,
  /** Ties to even. */
  round: roundHalfEven,
  trunc: Math.trunc,
  isNaN: (x) => truth(Number.isNaN(x)),
  isFinite: (x) => truth(Number.isFinite(x)),
  logicalNot: (x) => truth(x === 0),
} satisfies Record<string, (x: number, parameter?: number) => number>;

export type UnaryName = keyof typeof unaryFunctions;

/** Derivatives of the differentiable unary functions, with PyTorch's values at kinks (relu and abs: 0 at 0). */
export const unaryDerivatives = {
  neg: () => -1,
  abs: Math.sign,
  exp: Math.exp,
  expm1: Math.exp,
  log: (x) => 1 / x,
  log1p: (x) => 1 / (1 + x),
  log2: (x) => 1 / (x * Math.LN2),
  sqrt: (x) => 0.5 / Math.sqrt(x),
  rsqrt: (x) => -0.5 / (x * Math.sqrt(x)),
  square: (x) => 2 * x,
  reciprocal: (x) => -1 / (x * x),
  sin: Math.cos,
  cos: (x) => -Math.sin(x),
  tan: (x) => 1 + Math.tan(x) ** 2,
  tanh: (x) => 1 / Math.cosh(x) ** 2,
  sigmoid: (x) => sigmoid(x) * sigmoid(-x),
  relu: (x) => truth(x > 0),
  leakyRelu: (x, slope = 0.01) => (x > 0 ? 1 : slope),
  elu: (x, alpha = 1) => (x > 0 ? 1 : alpha * Math.exp(x)),
  silu: (x) => sigmoid(x) + gated(x, sigmoid(x) * sigmoid(-x)),
  softplus: sigmoid,
  gelu: (x) => normalCumulative(x) + gated(x, normalDensity(x)),
  geluTanh: (x) => {
    const gate = geluTanhGate(x);
    return gate + gated(2 * GELU_TANH * (x + 3 * 0.044715 * x ** 3), gate * (1 - gate));
  },
  quickGelu: (x) => sigmoid(1.702 * x) + gated(1.702 * x, sigmoid(1.702 * x) * sigmoid(-1.702 * x)),
  erf: (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x),
} satisfies Partial<Record<UnaryName, (x: number, parameter?: number) => number>>;

export type DifferentiableName = keyof typeof unaryDerivatives;

/** Remainder with the sign of the divisor (Python's %). */
const floored = (a: number, b: number): number => {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
};

/** Binary functions of two broadcast operands. Comparisons and logic give 0 or 1; any non-zero value, NaN too, is true. */
export const binaryFunctions = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  /** pow(1, anything) = 1 as in C and PyTorch; JavaScript says NaN for pow(1, NaN) and pow(1, infinity). */
  pow: (a, b) => (a === 1 || (a === -1 && !Number.isNaN(b) && !Number.isFinite(b)) ? 1 : a ** b),
  /** NaN if either is NaN. */
  max: Math.max,
  min: Math.min,
  mod: floored,
  /** Python's //: -7 by infinity is -1, an infinite dividend has no whole quotient. */
  floorDiv: (a, b) => {
    if (b !== 0 && !Number.isFinite(a)) return Number.NaN;
    return Math.abs(b) === Infinity && a !== 0 && a < 0 !== b < 0 ? -1 : Math.floor(a / b);
  },
  atan2: Math.atan2,
  truncDiv: (a, b) => (b !== 0 && !Number.isFinite(a) ? Number.NaN : Math.trunc(a / b)),
  /** C's fmod, which is JavaScript's %. */
  fmod: (a, b) => a % b,
  hypot: Math.hypot,
  copysign: (a, b) => (b < 0 || Object.is(b, -0) ? -Math.abs(a) : Math.abs(a)),
  xlogy: (a, b) => (Number.isNaN(b) ? b : a === 0 ? 0 : a * Math.log(b)),
  heaviside: (a, b) => (Number.isNaN(a) ? a : a === 0 ? b : truth(a > 0)),
  gcd: (a, b) => {
    let [x, y] = [Math.abs(a), Math.abs(b)];
    while (y !== 0) [x, y] = [y, x % y];
    return x;
  },
  lcm: (a, b): number => (a === 0 || b === 0 ? 0 : Math.abs(a * b) / binaryFunctions.gcd(a, b)),
  bitwiseAnd: (a, b) => a & b,
  bitwiseOr: (a, b) => a | b,
  bitwiseXor: (a, b) => a ^ b,
  shiftLeft: (a, b) => (b > 31 || b < 0 ? 0 : a << b),
  shiftRight: (a, b) => a >> (b > 31 || b < 0 ? 31 : b),
  /** As i32, the dtype of the tests. */
  shiftRightLogical: (a, b) => (b > 31 || b < 0 ? 0 : (a >>> b) | 0),
  logaddexp: (a, b) => (a === b ? a + Math.LN2 : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)))),
  eq: (a, b) => truth(a === b),
  ne: (a, b) => truth(a !== b),
  lt: (a, b) => truth(a < b),
  le: (a, b) => truth(a <= b),
  gt: (a, b) => truth(a > b),
  ge: (a, b) => truth(a >= b),
  logicalAnd: (a, b) => truth(a !== 0 && b !== 0),
  logicalOr: (a, b) => truth(a !== 0 || b !== 0),
  logicalXor: (a, b) => truth((a !== 0) !== (b !== 0)),
} satisfies Record<string, (a: number, b: number) => number>;

export type BinaryName = keyof typeof binaryFunctions;

/** Applies a unary function. */
export function unary(name: UnaryName, x: Ref, parameter?: number): Ref {
  const fn: (x: number, parameter?: number) => number = unaryFunctions[name];
  return map(x, (value) => fn(value, parameter));
}

/** Gradient of a unary function: derivative at x times the cotangent. */
export function unaryVjp(name: DifferentiableName, x: Ref, cotangent: Ref, parameter?: number): Ref {
  const fn: (x: number, parameter?: number) => number = unaryDerivatives[name];
  return map(x, (value, flat) => fn(value, parameter) * cotangent.data[flat]!);
}

/** Applies a binary function with broadcasting. */
export function binary(name: BinaryName, a: Ref, b: Ref): Ref {
  const fn: (a: number, b: number) => number = binaryFunctions[name];
  return build(broadcastShapes(a.shape, b.shape), (index) =>
    fn(get(a, broadcastIndex(index, a.shape)), get(b, broadcastIndex(index, b.shape))),
  );
}

/** a where the condition is not zero, else b; all three broadcast. */
export function where(condition: Ref, a: Ref, b: Ref): Ref {
  return build(broadcastShapes(condition.shape, a.shape, b.shape), (index) => {
    const chosen = get(condition, broadcastIndex(index, condition.shape)) !== 0 ? a : b;
    return get(chosen, broadcastIndex(index, chosen.shape));
  });
}

/** Limits values to [low, high]; NaN stays NaN. */
export function clamp(x: Ref, low: number, high: number): Ref {
  return map(x, (value) => Math.min(Math.max(value, low), high));
}
