/** Pointwise operations of three operands and more. */
import { expectCondition } from './expect.ts';
import { boundsOfIntegers } from './numbers.ts';
import { anyNumber, anywhere, math, type PointwiseRow, test } from './row.ts';

export const where: PointwiseRow = {
  doc: 'x where the condition holds, else y.',
  operands: ['condition', 'x', 'y'],
  forward: 'select(z, y, x != C(0))',
  integer: 'select(z, y, x != C(0))',
  isConditional: true,
  expect: expectCondition,
  gradients: [undefined, 'select(0.0, g, x != 0.0)', 'select(g, 0.0, x != 0.0)'],
  domain: [[0, 2], anyNumber, anyNumber],
};
export const clamp: PointwiseRow = math({
  doc: 'x limited to low and high (a left out bound does not limit); NaN stays.',
  operands: ['x', 'low', 'high'],
  defaults: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  settleNumbers: boundsOfIntegers,
  forward: 'math_minimum(math_maximum(x, y), z)',
  integer: 'min(max(x, y), z)',
  gradients: ['select(0.0, g, x >= y && x <= z)', 'select(0.0, g, x < y && y <= z)', 'select(0.0, g, z < math_maximum(x, y))'],
  domain: [
    [-4, 4],
    [-2, -1],
    [1, 2],
  ],
});
export const lerp: PointwiseRow = {
  doc: 'x + weight * (y - x), exactly x at weight 0 and y at weight 1.',
  operands: ['x', 'y', 'weight'],
  // From the nearer end: counted from x, a small y would be lost to rounding against a large x.
  forward: 'select(y - (1.0 - z) * (y - x), x + z * (y - x), abs(z) < 0.5)',
  gradients: ['g - g * z', 'g * z', 'g * (y - x)'],
  domain: [anyNumber, anyNumber, [0, 1]],
};
export const nanToNum: PointwiseRow = math({
  doc: 'x with NaN, infinity and -infinity replaced: by 0 and the largest and smallest number of the dtype unless told.',
  operands: ['x', 'nan', 'infinity', 'negativeInfinity'],
  defaults: [0, 3.4028234663852886e38, -3.4028234663852886e38],
  forward: 'select(select(select(x, select(z, w, x < 0.0), math_is_inf(x)), y, math_is_nan(x)), x, math_is_finite(x))',
  integer: 'x',
  gradients: [
    'select(0.0, g, math_is_finite(x))',
    'select(0.0, g, math_is_nan(x))',
    'select(0.0, g, math_is_inf(x) && x > 0.0)',
    'select(0.0, g, math_is_inf(x) && x < 0.0)',
  ],
  domain: anywhere,
});
export const isClose: PointwiseRow = math(
  test(
    'Whether |x - y| <= absolute + relative * |y|; infinities are close to themselves, NaN to nothing. Tolerances: 1e-5 and 1e-8.',
    ['x', 'y', 'relative', 'absolute'],
    'x == y || (math_is_finite(x) && math_is_finite(y) && abs(x - y) <= w + z * abs(y))',
    'f32(bitcast<u32>(max(x, y)) - bitcast<u32>(min(x, y))) <= f32(w) + f32(z) * abs(f32(y))',
    [1e-5, 1e-8],
  ),
);
export const addcmul: PointwiseRow = {
  doc: 'x + scale * y * z.',
  operands: ['x', 'y', 'z', 'scale'],
  defaults: [1],
  forward: 'x + w * y * z',
  integer: 'x + w * y * z',
  gradients: ['g', 'g * w * z', 'g * w * y', 'g * y * z'],
  domain: [[-2, 2]],
};
