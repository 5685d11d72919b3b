/**
 * Pointwise operations: every element of the result depends on one element of each operand. Operands broadcast (sizes equal or 1, counted
 * from the last axis) and may be strided views; numbers need no upload. dtypes: tensors are promoted by bool < u32 < i32 < f16 < f32, a
 * number takes the type of the tensors if it fits, else the result is f32; functions of real numbers turn integers into f32; comparisons
 * give bool. Errors: ShapeError when shapes do not broadcast, DTypeError for a condition that is no truth value, DisposedError.
 */
import { defineOp, type Op } from '../definition/op.ts';
import type { Tensor } from '../tensor.ts';
import { applyPointwise } from './apply.ts';
import * as binaryRows from './binary.ts';
import type { Operand } from './evaluate.ts';
import type { PointwiseRow } from './row.ts';
import * as ternaryRows from './ternary.ts';
import * as unaryRows from './unary.ts';

/** A function of one tensor. */
export type UnaryOp = Op<(x: Tensor) => Tensor>;
/** A function of two operands, at least one of them a tensor. */
export type BinaryOp = Op<(x: Operand, y: Operand) => Tensor>;

/** An operation of the table: its gradient is in its row. */
export type PointwiseOp<F extends (...operands: never[]) => Tensor> = Op<F> & { readonly row: PointwiseRow };

/* @__NO_SIDE_EFFECTS__ */
function pointwise<F extends (...operands: never[]) => Tensor>(name: string, row: PointwiseRow, run: F): PointwiseOp<F> {
  return Object.assign(defineOp(name, run), { row });
}

/* @__NO_SIDE_EFFECTS__ */
function unary(name: string, row: PointwiseRow): UnaryOp {
  return pointwise(name, row, (x: Tensor) => applyPointwise(name, row, [x]));
}

/* @__NO_SIDE_EFFECTS__ */
function binary(name: string, row: PointwiseRow): BinaryOp {
  return pointwise(name, row, (x: Operand, y: Operand) => applyPointwise(name, row, [x, y]));
}

/** -x. */
export const neg = unary('neg', unaryRows.neg);
/** |x|; its gradient at 0 is 0. */
export const abs = unary('abs', unaryRows.abs);
/** -1, 0 or 1 by the sign of x; NaN stays. */
export const sign = unary('sign', unaryRows.sign);
/** x * x. */
export const square = unary('square', unaryRows.square);
/** e to the power x. */
export const exp = unary('exp', unaryRows.exp);
/** 2 to the power x. */
export const exp2 = unary('exp2', unaryRows.exp2);
/** exp(x) - 1, exact near 0 too. */
export const expm1 = unary('expm1', unaryRows.expm1);
/** Natural logarithm: NaN below 0, -infinity at 0. */
export const log = unary('log', unaryRows.log);
/** log(1 + x), exact near 0 too. */
export const log1p = unary('log1p', unaryRows.log1p);
/** Logarithm to base 2. */
export const log2 = unary('log2', unaryRows.log2);
/** Logarithm to base 10. */
export const log10 = unary('log10', unaryRows.log10);
/** Square root; NaN below 0. */
export const sqrt = unary('sqrt', unaryRows.sqrt);
/** 1 / sqrt(x). */
export const rsqrt = unary('rsqrt', unaryRows.rsqrt);
/** 1 / x. */
export const reciprocal = unary('reciprocal', unaryRows.reciprocal);
/** Sine of x in radians, of full accuracy for every x. */
export const sin = unary('sin', unaryRows.sin);
/** Cosine of x in radians, of full accuracy for every x. */
export const cos = unary('cos', unaryRows.cos);
/** Tangent of x in radians. */
export const tan = unary('tan', unaryRows.tan);
/** Angle in radians whose sine is x; NaN outside -1 to 1. */
export const asin = unary('asin', unaryRows.asin);
/** Angle in radians whose cosine is x; NaN outside -1 to 1. */
export const acos = unary('acos', unaryRows.acos);
/** Angle in radians whose tangent is x. */
export const atan = unary('atan', unaryRows.atan);
/** Hyperbolic sine. */
export const sinh = unary('sinh', unaryRows.sinh);
/** Hyperbolic cosine. */
export const cosh = unary('cosh', unaryRows.cosh);
/** Hyperbolic tangent. */
export const tanh = unary('tanh', unaryRows.tanh);
/** Inverse of sinh. */
export const asinh = unary('asinh', unaryRows.asinh);
/** Inverse of cosh: at least 0; NaN below 1. */
export const acosh = unary('acosh', unaryRows.acosh);
/** Inverse of tanh; NaN outside -1 to 1. */
export const atanh = unary('atanh', unaryRows.atanh);
/** 1 / (1 + exp(-x)). */
export const sigmoid = unary('sigmoid', unaryRows.sigmoid);
/** max(x, 0); its gradient at 0 is 0. */
export const relu = unary('relu', unaryRows.relu);
/** x * sigmoid(x), also called swish. */
export const silu = unary('silu', unaryRows.silu);
/** log(1 + exp(x)). */
export const softplus = unary('softplus', unaryRows.softplus);
/** x times the cumulative standard normal distribution: the exact form, with erf. */
export const gelu = unary('gelu', unaryRows.gelu);
/** The approximation of gelu with tanh (GPT-2). */
export const geluTanh = unary('geluTanh', unaryRows.geluTanh);
/** x * sigmoid(1.702 x), the activation of the original CLIP. */
export const quickGelu = unary('quickGelu', unaryRows.quickGelu);
/** x * min(max(x + 3, 0), 6) / 6, the piecewise form of silu (MobileNetV3). */
export const hardSwish = unary('hardSwish', unaryRows.hardSwish);
/** elu scaled so that activations keep mean 0 and variance 1 (Klambauer et al., arXiv:1706.02515). */
export const selu = unary('selu', unaryRows.selu);
/** x * tanh(softplus(x)) (Misra, arXiv:1908.08681). */
export const mish = unary('mish', unaryRows.mish);
/** min(max(x + 3, 0), 6) / 6, the piecewise form of sigmoid. */
export const hardSigmoid = unary('hardSigmoid', unaryRows.hardSigmoid);
/** x / (1 + |x|). */
export const softsign = unary('softsign', unaryRows.softsign);
/** log(sigmoid(x)), exact for any x. */
export const logSigmoid = unary('logSigmoid', unaryRows.logSigmoid);
/** The error function. */
export const erf = unary('erf', unaryRows.erf);
/** 1 - erf(x), exact in the upper tail too. */
export const erfc = unary('erfc', unaryRows.erfc);
/** Inverse of erf; NaN outside -1 to 1. */
export const erfinv = unary('erfinv', unaryRows.erfinv);
/** Logarithm of |gamma(x)|; infinite at 0, -1, -2 ... */
export const lgamma = unary('lgamma', unaryRows.lgamma);
/** Derivative of lgamma; NaN at -1, -2 ... */
export const digamma = unary('digamma', unaryRows.digamma);
/** sin(pi x) / (pi x), 1 at 0. */
export const sinc = unary('sinc', unaryRows.sinc);
/** The whole number at or below x. */
export const floor = unary('floor', unaryRows.floor);
/** The whole number at or above x. */
export const ceil = unary('ceil', unaryRows.ceil);
/** The nearest whole number, ties to the even one. */
export const round = unary('round', unaryRows.round);
/** x without its fraction. */
export const trunc = unary('trunc', unaryRows.trunc);
/** The fraction of x, with its sign: x - trunc(x). */
export const frac = unary('frac', unaryRows.frac);
/** Whether the sign of x is negative; that of -0 is. */
export const signbit = unary('signbit', unaryRows.signbit);
/** All bits of x turned over; of bools the truth, as logicalNot. */
export const bitwiseNot = unary('bitwiseNot', unaryRows.bitwiseNot);
/** Whether x is not a number. */
export const isNaN = unary('isNaN', unaryRows.isNaN);
/** Whether x is infinite. */
export const isInf = unary('isInf', unaryRows.isInf);
/** Whether x is neither NaN nor infinite. */
export const isFinite = unary('isFinite', unaryRows.isFinite);
/** Whether x is zero. */
export const logicalNot = unary('logicalNot', unaryRows.logicalNot);
/** x + y. */
export const add = binary('add', binaryRows.add);
/** x - y. */
export const sub = binary('sub', binaryRows.sub);
/** x * y. */
export const mul = binary('mul', binaryRows.mul);
/** x / y; integers give f32. */
export const div = binary('div', binaryRows.div);
/** x to the power y; pow(x, 0) and pow(1, y) are 1, a negative x needs a whole y. */
export const pow = binary('pow', binaryRows.pow);
/** The larger of x and y, NaN if either is; equal operands share the gradient. */
export const maximum = binary('maximum', binaryRows.maximum);
/** The smaller of x and y, NaN if either is; equal operands share the gradient. */
export const minimum = binary('minimum', binaryRows.minimum);
/** Remainder with the sign of y, exact. */
export const mod = binary('mod', binaryRows.mod);
/** The whole number at or below x / y; an infinite x has none (NaN), an infinite y of the other sign gives -1. */
export const floorDiv = binary('floorDiv', binaryRows.floorDiv);
/** x / y without its fraction, as integer division of C has it; an infinite x has none (NaN). */
export const truncDiv = binary('truncDiv', binaryRows.truncDiv);
/** Remainder with the sign of x, exact. */
export const fmod = binary('fmod', binaryRows.fmod);
/** sqrt(x^2 + y^2) without overflow on the way; its gradient at the origin is 0. */
export const hypot = binary('hypot', binaryRows.hypot);
/** |x| with the sign of y; its gradient at x = 0 is 0. */
export const copysign = binary('copysign', binaryRows.copysign);
/** x * log(y), 0 where x is 0 and y is a number. */
export const xlogy = binary('xlogy', binaryRows.xlogy);
/** 0 for x < 0, y at x = 0, 1 for x > 0; NaN stays. */
export const heaviside = binary('heaviside', binaryRows.heaviside);
/** The largest whole number that divides x and y, at least 0; gcd(0, 0) is 0. */
export const gcd = binary('gcd', binaryRows.gcd);
/** The smallest positive multiple of x and y, 0 if either is; modulo 2^32. */
export const lcm = binary('lcm', binaryRows.lcm);
/** Bits that are set in x and in y; bools of bools. */
export const bitwiseAnd = binary('bitwiseAnd', binaryRows.bitwiseAnd);
/** Bits that are set in x or in y; bools of bools. */
export const bitwiseOr = binary('bitwiseOr', binaryRows.bitwiseOr);
/** Bits that are set in just one of x and y; bools of bools. */
export const bitwiseXor = binary('bitwiseXor', binaryRows.bitwiseXor);
/** The bits of x moved up by y, zeros let in; 0 for y outside 0 to 31. */
export const shiftLeft = binary('shiftLeft', binaryRows.shiftLeft);
/** The bits of x moved down by y; the sign of i32 is let in (arithmetic), all bits of it for y outside 0 to 31. */
export const shiftRight = binary('shiftRight', binaryRows.shiftRight);
/** The bits of x moved down by y, zeros let in, whatever the sign; 0 for y outside 0 to 31. */
export const shiftRightLogical = binary('shiftRightLogical', binaryRows.shiftRightLogical);
/** Angle of the point with ordinate x and abscissa y, in radians from -pi to pi. */
export const atan2 = binary('atan2', binaryRows.atan2);
/** x where positive, else slope * x. */
export const leakyRelu = pointwise(
  'leakyRelu',
  binaryRows.leakyRelu,
  (x: Tensor, slope?: Operand): Tensor => applyPointwise('leakyRelu', binaryRows.leakyRelu, [x, slope]),
);
/** x where positive, else alpha * (exp(x) - 1). */
export const elu = pointwise(
  'elu',
  binaryRows.elu,
  (x: Tensor, alpha?: Operand): Tensor => applyPointwise('elu', binaryRows.elu, [x, alpha]),
);
/** x where positive, else alpha * (exp(x / alpha) - 1): elu with a continuous slope (Barron, arXiv:1704.07483). */
export const celu = pointwise(
  'celu',
  binaryRows.celu,
  (x: Tensor, alpha?: Operand): Tensor => applyPointwise('celu', binaryRows.celu, [x, alpha]),
);
/** log(exp(x) + exp(y)), exact for numbers of any size. */
export const logaddexp = binary('logaddexp', binaryRows.logaddexp);
/** Whether x = y. */
export const eq = binary('eq', binaryRows.eq);
/** Whether x and y differ; NaN differs from everything. */
export const ne = binary('ne', binaryRows.ne);
/** Whether x < y. */
export const lt = binary('lt', binaryRows.lt);
/** Whether x <= y. */
export const le = binary('le', binaryRows.le);
/** Whether x > y. */
export const gt = binary('gt', binaryRows.gt);
/** Whether x >= y. */
export const ge = binary('ge', binaryRows.ge);
/** Whether neither x nor y is zero. */
export const logicalAnd = binary('logicalAnd', binaryRows.logicalAnd);
/** Whether x or y is not zero. */
export const logicalOr = binary('logicalOr', binaryRows.logicalOr);
/** Whether just one of x and y is not zero. */
export const logicalXor = binary('logicalXor', binaryRows.logicalXor);
/** x where the condition holds, else y. */
export const where = pointwise(
  'where',
  ternaryRows.where,
  (condition: Tensor, x: Operand, y: Operand): Tensor => applyPointwise('where', ternaryRows.where, [condition, x, y]),
);
/** x limited to low and high (a left out bound does not limit); NaN stays. */
export const clamp = pointwise(
  'clamp',
  ternaryRows.clamp,
  (x: Operand, low?: Operand, high?: Operand): Tensor => applyPointwise('clamp', ternaryRows.clamp, [x, low, high]),
);
/** x + weight * (y - x), exactly x at weight 0 and y at weight 1. */
export const lerp = pointwise(
  'lerp',
  ternaryRows.lerp,
  (x: Operand, y: Operand, weight: Operand): Tensor => applyPointwise('lerp', ternaryRows.lerp, [x, y, weight]),
);
/** x + scale * y * z. */
export const addcmul = pointwise(
  'addcmul',
  ternaryRows.addcmul,
  (x: Operand, y: Operand, z: Operand, scale?: Operand): Tensor =>
    applyPointwise('addcmul', ternaryRows.addcmul, [x, y, z, scale]),
);
/** x with NaN, infinity and -infinity replaced: by 0 and the largest and smallest number of the dtype unless told. */
export const nanToNum = pointwise(
  'nanToNum',
  ternaryRows.nanToNum,
  (x: Tensor, nan?: Operand, infinity?: Operand, negativeInfinity?: Operand): Tensor => {
    const most = x.dtype === 'f16' ? 65504 : undefined;
    return applyPointwise('nanToNum', ternaryRows.nanToNum, [x, nan, infinity ?? most, negativeInfinity ?? (most && -most)]);
  },
);
/** Whether |x - y| <= absolute + relative * |y|; infinities are close to themselves, NaN to nothing. Tolerances: 1e-5 and 1e-8. */
export const isClose = pointwise(
  'isClose',
  ternaryRows.isClose,
  (x: Operand, y: Operand, relative?: Operand, absolute?: Operand): Tensor =>
    applyPointwise('isClose', ternaryRows.isClose, [x, y, relative, absolute]),
);
