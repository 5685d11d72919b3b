/**
 * Pointwise operations: every element of the result depends on one element of each operand. Operands broadcast (sizes equal or 1, counted
 * from the last axis) and may be strided views; numbers need no upload. dtypes: tensors are promoted by bool < u32 < i32 < f16 < f32, a
 * number takes the type of the tensors if it fits, else the result is f32; functions of real numbers turn integers into f32; comparisons
 * give bool. Errors: ShapeError when shapes do not broadcast, DTypeError for a condition that is no truth value, DisposedError.
 */
import { defineOp, type Op } from '../definition/op.ts';
import type { Tensor } from '../tensor.ts';
import { applyPointwise } from './apply.ts';
import type { Operand } from './evaluate.ts';
import type { BinaryName, UnaryName } from './table.ts';

/** A function of one tensor. */
export type UnaryOp = Op<(x: Tensor) => Tensor>;
/** A function of two operands, at least one of them a tensor. */
export type BinaryOp = Op<(x: Operand, y: Operand) => Tensor>;

function unary(name: UnaryName): UnaryOp {
  return defineOp(name, (x: Tensor) => applyPointwise(name, [x]));
}

function binary(name: BinaryName): BinaryOp {
  return defineOp(name, (x: Operand, y: Operand) => applyPointwise(name, [x, y]));
}

/** -x. */
export const neg = unary('neg');
/** |x|; its gradient at 0 is 0. */
export const abs = unary('abs');
/** -1, 0 or 1 by the sign of x; NaN stays. */
export const sign = unary('sign');
/** x * x. */
export const square = unary('square');
/** e to the power x. */
export const exp = unary('exp');
/** 2 to the power x. */
export const exp2 = unary('exp2');
/** exp(x) - 1, exact near 0 too. */
export const expm1 = unary('expm1');
/** Natural logarithm: NaN below 0, -infinity at 0. */
export const log = unary('log');
/** log(1 + x), exact near 0 too. */
export const log1p = unary('log1p');
/** Logarithm to base 2. */
export const log2 = unary('log2');
/** Logarithm to base 10. */
export const log10 = unary('log10');
/** Square root; NaN below 0. */
export const sqrt = unary('sqrt');
/** 1 / sqrt(x). */
export const rsqrt = unary('rsqrt');
/** 1 / x. */
export const reciprocal = unary('reciprocal');
/** Sine of x in radians, of full accuracy for every x. */
export const sin = unary('sin');
/** Cosine of x in radians, of full accuracy for every x. */
export const cos = unary('cos');
/** Tangent of x in radians. */
export const tan = unary('tan');
/** Angle in radians whose sine is x; NaN outside -1 to 1. */
export const asin = unary('asin');
/** Angle in radians whose cosine is x; NaN outside -1 to 1. */
export const acos = unary('acos');
/** Angle in radians whose tangent is x. */
export const atan = unary('atan');
/** Hyperbolic sine. */
export const sinh = unary('sinh');
/** Hyperbolic cosine. */
export const cosh = unary('cosh');
/** Hyperbolic tangent. */
export const tanh = unary('tanh');
/** Inverse of sinh. */
export const asinh = unary('asinh');
/** Inverse of cosh: at least 0; NaN below 1. */
export const acosh = unary('acosh');
/** Inverse of tanh; NaN outside -1 to 1. */
export const atanh = unary('atanh');
/** 1 / (1 + exp(-x)). */
export const sigmoid = unary('sigmoid');
/** max(x, 0); its gradient at 0 is 0. */
export const relu = unary('relu');
/** x * sigmoid(x), also called swish. */
export const silu = unary('silu');
/** log(1 + exp(x)). */
export const softplus = unary('softplus');
/** x times the cumulative standard normal distribution: the exact form, with erf. */
export const gelu = unary('gelu');
/** The approximation of gelu with tanh (GPT-2). */
export const geluTanh = unary('geluTanh');
/** x * sigmoid(1.702 x), the activation of the original CLIP. */
export const quickGelu = unary('quickGelu');
/** x * min(max(x + 3, 0), 6) / 6, the piecewise form of silu (MobileNetV3). */
export const hardSwish = unary('hardSwish');
/** elu scaled so that activations keep mean 0 and variance 1 (Klambauer et al., arXiv:1706.02515). */
export const selu = unary('selu');
/** x * tanh(softplus(x)) (Misra, arXiv:1908.08681). */
export const mish = unary('mish');
/** min(max(x + 3, 0), 6) / 6, the piecewise form of sigmoid. */
export const hardSigmoid = unary('hardSigmoid');
/** x / (1 + |x|). */
export const softsign = unary('softsign');
/** log(sigmoid(x)), exact for any x. */
export const logSigmoid = unary('logSigmoid');
/** The error function. */
export const erf = unary('erf');
/** 1 - erf(x), exact in the upper tail too. */
export const erfc = unary('erfc');
/** Inverse of erf; NaN outside -1 to 1. */
export const erfinv = unary('erfinv');
/** Logarithm of |gamma(x)|; infinite at 0, -1, -2 ... */
export const lgamma = unary('lgamma');
/** Derivative of lgamma; NaN at -1, -2 ... */
export const digamma = unary('digamma');
/** sin(pi x) / (pi x), 1 at 0. */
export const sinc = unary('sinc');
/** The whole number at or below x. */
export const floor = unary('floor');
/** The whole number at or above x. */
export const ceil = unary('ceil');
/** The nearest whole number, ties to the even one. */
export const round = unary('round');
/** x without its fraction. */
export const trunc = unary('trunc');
/** The fraction of x, with its sign: x - trunc(x). */
export const frac = unary('frac');
/** Whether the sign of x is negative; that of -0 is. */
export const signbit = unary('signbit');
/** All bits of x turned over. */
export const bitwiseNot = unary('bitwiseNot');
/** Whether x is not a number. */
export const isNaN = unary('isNaN');
/** Whether x is infinite. */
export const isInf = unary('isInf');
/** Whether x is neither NaN nor infinite. */
export const isFinite = unary('isFinite');
/** Whether x is zero. */
export const logicalNot = unary('logicalNot');
/** x + y. */
export const add = binary('add');
/** x - y. */
export const sub = binary('sub');
/** x * y. */
export const mul = binary('mul');
/** x / y; integers give f32. */
export const div = binary('div');
/** x to the power y; pow(x, 0) and pow(1, y) are 1, a negative x needs a whole y. */
export const pow = binary('pow');
/** The larger of x and y, NaN if either is; equal operands share the gradient. */
export const maximum = binary('maximum');
/** The smaller of x and y, NaN if either is; equal operands share the gradient. */
export const minimum = binary('minimum');
/** Remainder with the sign of y, exact for |x / y| < 2^24. */
export const mod = binary('mod');
/** The whole number at or below x / y; an infinite x has none (NaN), an infinite y of the other sign gives -1. */
export const floorDiv = binary('floorDiv');
/** x / y without its fraction, as integer division of C has it; an infinite x has none (NaN). */
export const truncDiv = binary('truncDiv');
/** Remainder with the sign of x, exact for |x / y| < 2^24. */
export const fmod = binary('fmod');
/** sqrt(x^2 + y^2) without overflow on the way; its gradient at the origin is 0. */
export const hypot = binary('hypot');
/** |x| with the sign of y; its gradient at x = 0 is 0. */
export const copysign = binary('copysign');
/** x * log(y), 0 where x is 0 and y is a number. */
export const xlogy = binary('xlogy');
/** 0 for x < 0, y at x = 0, 1 for x > 0; NaN stays. */
export const heaviside = binary('heaviside');
/** The largest whole number that divides x and y, at least 0; gcd(0, 0) is 0. */
export const gcd = binary('gcd');
/** The smallest positive multiple of x and y, 0 if either is; modulo 2^32. */
export const lcm = binary('lcm');
/** Bits that are set in x and in y. */
export const bitwiseAnd = binary('bitwiseAnd');
/** Bits that are set in x or in y. */
export const bitwiseOr = binary('bitwiseOr');
/** Bits that are set in just one of x and y. */
export const bitwiseXor = binary('bitwiseXor');
/** The bits of x moved up by y, zeros let in; 0 for y outside 0 to 31. */
export const shiftLeft = binary('shiftLeft');
/** The bits of x moved down by y; the sign of i32 is let in (arithmetic), all bits of it for y outside 0 to 31. */
export const shiftRight = binary('shiftRight');
/** The bits of x moved down by y, zeros let in, whatever the sign; 0 for y outside 0 to 31. */
export const shiftRightLogical = binary('shiftRightLogical');
/** Angle of the point with ordinate x and abscissa y, in radians from -pi to pi. */
export const atan2 = binary('atan2');
/** x where positive, else slope * x. */
export const leakyRelu = defineOp('leakyRelu', (x: Tensor, slope?: Operand): Tensor => applyPointwise('leakyRelu', [x, slope]));
/** x where positive, else alpha * (exp(x) - 1). */
export const elu = defineOp('elu', (x: Tensor, alpha?: Operand): Tensor => applyPointwise('elu', [x, alpha]));
/** x where positive, else alpha * (exp(x / alpha) - 1): elu with a continuous slope (Barron, arXiv:1704.07483). */
export const celu = defineOp('celu', (x: Tensor, alpha?: Operand): Tensor => applyPointwise('celu', [x, alpha]));
/** log(exp(x) + exp(y)), exact for numbers of any size. */
export const logaddexp = binary('logaddexp');
/** Whether x = y. */
export const eq = binary('eq');
/** Whether x and y differ; NaN differs from everything. */
export const ne = binary('ne');
/** Whether x < y. */
export const lt = binary('lt');
/** Whether x <= y. */
export const le = binary('le');
/** Whether x > y. */
export const gt = binary('gt');
/** Whether x >= y. */
export const ge = binary('ge');
/** Whether neither x nor y is zero. */
export const logicalAnd = binary('logicalAnd');
/** Whether x or y is not zero. */
export const logicalOr = binary('logicalOr');
/** Whether just one of x and y is not zero. */
export const logicalXor = binary('logicalXor');
/** x where the condition holds, else y. */
export const where = defineOp(
  'where',
  (condition: Tensor, x: Operand, y: Operand): Tensor => applyPointwise('where', [condition, x, y]),
);
/** x limited to low and high (a left out bound does not limit); NaN stays. */
export const clamp = defineOp(
  'clamp',
  (x: Operand, low?: Operand, high?: Operand): Tensor => applyPointwise('clamp', [x, low, high]),
);
/** x + weight * (y - x), exactly x at weight 0 and y at weight 1. */
export const lerp = defineOp('lerp', (x: Operand, y: Operand, weight: Operand): Tensor => applyPointwise('lerp', [x, y, weight]));
/** x + scale * y * z. */
export const addcmul = defineOp(
  'addcmul',
  (x: Operand, y: Operand, z: Operand, scale?: Operand): Tensor => applyPointwise('addcmul', [x, y, z, scale]),
);
/** x with NaN, infinity and -infinity replaced: by 0 and the largest and smallest number of the dtype unless told. */
export const nanToNum = defineOp(
  'nanToNum',
  (x: Tensor, nan?: Operand, infinity?: Operand, negativeInfinity?: Operand): Tensor => {
    const most = x.dtype === 'f16' ? 65504 : undefined;
    return applyPointwise('nanToNum', [x, nan, infinity ?? most, negativeInfinity ?? (most && -most)]);
  },
);
/** Whether |x - y| <= absolute + relative * |y|; infinities are close to themselves, NaN to nothing. Tolerances: 1e-5 and 1e-8. */
export const isClose = defineOp(
  'isClose',
  (x: Operand, y: Operand, relative?: Operand, absolute?: Operand): Tensor =>
    applyPointwise('isClose', [x, y, relative, absolute]),
);
