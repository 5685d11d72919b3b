/** Pointwise operations of two operands. */
import { compareIntegers } from './compare.ts';
import { zeroOrOne } from './numbers.ts';
import { angle, anyNumber, anywhere, bitwise, integer, math, type PointwiseRow, power, special, test, whole, XY } from './row.ts';

/** A comparison of numbers, exact for integers too. */
/* @__NO_SIDE_EFFECTS__ */
const comparison = (...row: Parameters<typeof test>): PointwiseRow => ({ ...test(...row), compare: compareIntegers });

/** A question about the truth of numbers. */
/* @__NO_SIDE_EFFECTS__ */
const logical = (...row: Parameters<typeof test>): PointwiseRow => ({ ...test(...row), settleNumbers: zeroOrOne });

export const add: PointwiseRow = {
  doc: 'x + y.',
  operands: XY,
  forward: 'x + y',
  integer: 'x + y',
  gradients: ['g', 'g'],
  domain: anywhere,
};
export const sub: PointwiseRow = {
  doc: 'x - y.',
  operands: XY,
  forward: 'x - y',
  integer: 'x - y',
  gradients: ['g', '-g'],
  domain: anywhere,
};
export const mul: PointwiseRow = {
  doc: 'x * y.',
  operands: XY,
  forward: 'x * y',
  integer: 'x * y',
  gradients: ['g * y', 'g * x'],
  domain: anywhere,
};
export const div: PointwiseRow = {
  doc: 'x / y; integers give f32.',
  operands: XY,
  forward: 'x / y',
  gradients: ['g / y', '-g * o / y'],
  domain: [anyNumber, [0.2, 8]],
};
export const pow: PointwiseRow = integer(
  power({
    doc: 'x to the power y; pow(x, 0) and pow(1, y) are 1, a negative x needs a whole y.',
    operands: XY,
    forward: 'math_pow(x, y)',
    integer: 'integer_pow(x, y)',
    gradients: ['select(g * y * math_pow(x, y - 1.0), 0.0, y == 0.0)', 'select(g * o * math_log(x), 0.0, x == 0.0 && y >= 0.0)'],
    domain: [
      [0.05, 6],
      [-4, 4],
    ],
  }),
);
export const maximum: PointwiseRow = math({
  doc: 'The larger of x and y, NaN if either is; equal operands share the gradient.',
  operands: XY,
  forward: 'math_maximum(x, y)',
  integer: 'max(x, y)',
  gradients: ['g * select(select(1.0, 0.5, x == y), 0.0, x < y)', 'g * select(select(1.0, 0.5, x == y), 0.0, y < x)'],
  domain: anywhere,
  kinks: [0],
});
export const minimum: PointwiseRow = math({
  doc: 'The smaller of x and y, NaN if either is; equal operands share the gradient.',
  operands: XY,
  forward: 'math_minimum(x, y)',
  integer: 'min(x, y)',
  gradients: ['g * select(select(1.0, 0.5, x == y), 0.0, x > y)', 'g * select(select(1.0, 0.5, x == y), 0.0, y > x)'],
  domain: anywhere,
  kinks: [0],
});
export const mod: PointwiseRow = integer(
  power({
    doc: 'Remainder with the sign of y, exact.',
    operands: XY,
    forward: 'math_mod(x, y)',
    integer: 'integer_mod(x, y)',
    gradients: ['g', '-g * math_floor_div(x, y)'],
    domain: [
      [-20, 20],
      [0.7, 3],
    ],
  }),
);
export const floorDiv: PointwiseRow = integer(
  power({
    doc: 'The whole number at or below x / y; an infinite x has none (NaN), an infinite y of the other sign gives -1.',
    operands: XY,
    forward: 'math_floor_div(x, y)',
    integer: 'integer_floor_div(x, y)',
    domain: [
      [-20, 20],
      [0.7, 3],
    ],
  }),
);
export const truncDiv: PointwiseRow = special({
  doc: 'x / y without its fraction, as integer division of C has it; an infinite x has none (NaN).',
  operands: XY,
  forward: 'special_trunc_div(x, y)',
  integer: 'x / y',
  domain: [
    [-20, 20],
    [0.7, 3],
  ],
});
export const fmod: PointwiseRow = special({
  doc: 'Remainder with the sign of x, exact.',
  operands: XY,
  forward: 'special_fmod(x, y)',
  integer: 'x % y',
  gradients: ['g', '-g * special_trunc_div(x, y)'],
  domain: [
    [-20, 20],
    [0.7, 3],
  ],
});
export const hypot: PointwiseRow = special({
  doc: 'sqrt(x^2 + y^2) without overflow on the way; its gradient at the origin is 0.',
  operands: XY,
  forward: 'special_hypot(x, y)',
  gradients: ['g * select(x / o, 0.0, o == 0.0)', 'g * select(y / o, 0.0, o == 0.0)'],
  domain: [[0.1, 8], anyNumber],
});
export const copysign: PointwiseRow = math({
  doc: '|x| with the sign of y; its gradient at x = 0 is 0.',
  operands: XY,
  forward: 'math_copy_sign(x, y)',
  gradients: ['select(select(-g, g, math_is_negative(x) == math_is_negative(y)), 0.0, x == 0.0)', undefined],
  domain: [
    [0.1, 8],
    [-8, -0.1],
  ],
});
export const xlogy: PointwiseRow = math({
  doc: 'x * log(y), 0 where x is 0 and y is a number.',
  operands: XY,
  forward: 'select(x * math_log(y), select(0.0, y, math_is_nan(y)), x == 0.0)',
  gradients: ['g * select(math_log(y), 0.0, x == 0.0 && y <= 0.0)', 'g * x / y'],
  domain: [anyNumber, [0.2, 8]],
});
export const heaviside: PointwiseRow = math({
  doc: '0 for x < 0, y at x = 0, 1 for x > 0; NaN stays.',
  operands: XY,
  forward: 'select(select(select(0.0, 1.0, x > 0.0), y, x == 0.0), x, math_is_nan(x))',
  integer: 'select(select(C(0), C(1), x > C(0)), y, x == C(0))',
  domain: anywhere,
});
export const gcd: PointwiseRow = integer(
  whole('The largest whole number that divides x and y, at least 0; gcd(0, 0) is 0.', XY, 'integer_gcd(x, y)'),
);
export const lcm: PointwiseRow = integer(
  whole('The smallest positive multiple of x and y, 0 if either is; modulo 2^32.', XY, 'integer_lcm(x, y)'),
);
export const bitwiseAnd: PointwiseRow = bitwise('Bits that are set in x and in y; bools of bools.', XY, 'x & y');
export const bitwiseOr: PointwiseRow = bitwise('Bits that are set in x or in y; bools of bools.', XY, 'x | y');
export const bitwiseXor: PointwiseRow = bitwise('Bits that are set in just one of x and y; bools of bools.', XY, 'x ^ y');
export const shiftLeft: PointwiseRow = integer(
  whole('The bits of x moved up by y, zeros let in; 0 for y outside 0 to 31.', XY, 'integer_shift_left(x, y)', [
    [-40, 40],
    [0, 35],
  ]),
);
export const shiftRight: PointwiseRow = integer(
  whole(
    'The bits of x moved down by y; the sign of i32 is let in (arithmetic), all bits of it for y outside 0 to 31.',
    XY,
    'integer_shift_right(x, y)',
    [
      [-40, 40],
      [0, 35],
    ],
  ),
);
export const shiftRightLogical: PointwiseRow = integer(
  whole(
    'The bits of x moved down by y, zeros let in, whatever the sign; 0 for y outside 0 to 31.',
    XY,
    'integer_shift_right_logical(x, y)',
    [
      [-40, 40],
      [0, 35],
    ],
  ),
);
export const atan2: PointwiseRow = angle({
  doc: 'Angle of the point with ordinate x and abscissa y, in radians from -pi to pi.',
  operands: XY,
  forward: 'math_atan2(x, y)',
  gradients: ['g * y / (x * x + y * y)', '-g * x / (x * x + y * y)'],
  domain: [[0.1, 8], anyNumber],
});
export const leakyRelu: PointwiseRow = {
  doc: 'x where positive, else slope * x.',
  operands: ['x', 'slope'],
  defaults: [0.01],
  forward: 'select(y * x, x, x > 0.0)',
  gradients: ['g * select(y, 1.0, x > 0.0)', 'select(g * x, 0.0, x > 0.0)'],
  domain: [anyNumber, [0.05, 0.4]],
  kinks: [0],
};
export const elu: PointwiseRow = math({
  doc: 'x where positive, else alpha * (exp(x) - 1).',
  operands: ['x', 'alpha'],
  defaults: [1],
  forward: 'select(y * math_expm1(x), x, x > 0.0)',
  gradients: ['g * select(y * math_exp(x), 1.0, x > 0.0)', 'select(g * math_expm1(x), 0.0, x > 0.0)'],
  domain: [anyNumber, [0.5, 2]],
  kinks: [0],
});
export const celu: PointwiseRow = math({
  doc: 'x where positive, else alpha * (exp(x / alpha) - 1): elu with a continuous slope (Barron, arXiv:1704.07483).',
  operands: ['x', 'alpha'],
  defaults: [1],
  forward: 'select(y * math_expm1(x / y), x, x > 0.0)',
  gradients: [
    'g * select(math_exp(x / y), 1.0, x > 0.0)',
    'select(g * (math_expm1(x / y) - math_gate(x / y, math_exp(x / y))), 0.0, x > 0.0)',
  ],
  domain: [anyNumber, [0.5, 2]],
  kinks: [0],
});
export const logaddexp: PointwiseRow = math({
  doc: 'log(exp(x) + exp(y)), exact for numbers of any size.',
  operands: XY,
  forward: 'select(math_maximum(x, y) + math_log1p(math_exp(-abs(x - y))), x, x == y && math_is_inf(x))',
  gradients: [
    'g * select(math_sigmoid(x - y), 0.5, x == y && math_is_inf(x))',
    'g * select(math_sigmoid(y - x), 0.5, x == y && math_is_inf(x))',
  ],
  domain: anywhere,
});
export const eq: PointwiseRow = comparison('Whether x = y.', XY, 'x == y');
export const ne: PointwiseRow = math(
  comparison('Whether x and y differ; NaN differs from everything.', XY, 'x != y || math_is_nan(x) || math_is_nan(y)', 'x != y'),
);
export const lt: PointwiseRow = comparison('Whether x < y.', XY, 'x < y');
export const le: PointwiseRow = comparison('Whether x <= y.', XY, 'x <= y');
export const gt: PointwiseRow = comparison('Whether x > y.', XY, 'x > y');
export const ge: PointwiseRow = comparison('Whether x >= y.', XY, 'x >= y');
export const logicalAnd: PointwiseRow = logical('Whether neither x nor y is zero.', XY, '!(x == C(0)) && !(y == C(0))');
export const logicalOr: PointwiseRow = logical('Whether x or y is not zero.', XY, '!(x == C(0)) || !(y == C(0))');
export const logicalXor: PointwiseRow = logical('Whether just one of x and y is not zero.', XY, '(x == C(0)) != (y == C(0))');
