/** Pointwise operations of one tensor. */
import { angle, anywhere, bitwise, math, normal, type PointwiseRow, positive, smooth, special, step, test, X } from './row.ts';

export const neg: PointwiseRow = {
  doc: '-x.',
  operands: X,
  forward: '-x',
  integer: 'C(0) - x',
  gradients: ['-g'],
  domain: anywhere,
};
export const abs: PointwiseRow = math({
  doc: '|x|; its gradient at 0 is 0.',
  operands: X,
  forward: 'abs(x)',
  integer: 'abs(x)',
  gradients: ['g * math_sign(x)'],
  domain: anywhere,
  kinks: [0],
});
export const sign: PointwiseRow = math(
  step('-1, 0 or 1 by the sign of x; NaN stays.', 'math_sign(x)', 'select(C(0), C(1), x > C(0)) - select(C(0), C(1), x < C(0))'),
);
export const square: PointwiseRow = {
  doc: 'x * x.',
  operands: X,
  forward: 'x * x',
  integer: 'x * x',
  gradients: ['2.0 * g * x'],
  domain: anywhere,
};
export const exp: PointwiseRow = math(smooth('e to the power x.', 'math_exp(x)', 'g * o'));
export const exp2: PointwiseRow = math(smooth('2 to the power x.', 'math_exp2(x)', 'g * o * 0.6931471805599453'));
export const expm1: PointwiseRow = math(smooth('exp(x) - 1, exact near 0 too.', 'math_expm1(x)', 'g * (o + 1.0)'));
export const log: PointwiseRow = math(
  smooth('Natural logarithm: NaN below 0, -infinity at 0.', 'math_log(x)', 'g / x', positive),
);
export const log1p: PointwiseRow = math(smooth('log(1 + x), exact near 0 too.', 'math_log1p(x)', 'g / (1.0 + x)', [[-0.9, 20]]));
export const log2: PointwiseRow = math(smooth('Logarithm to base 2.', 'math_log2(x)', 'g / (x * 0.6931471805599453)', positive));
export const log10: PointwiseRow = math(
  smooth('Logarithm to base 10.', 'math_log10(x)', 'g / (x * 2.302585092994046)', positive),
);
export const sqrt: PointwiseRow = smooth('Square root; NaN below 0.', 'sqrt(x)', '0.5 * g / o', positive);
export const rsqrt: PointwiseRow = smooth('1 / sqrt(x).', '1.0 / sqrt(x)', '-0.5 * g * o * o * o', [[0.1, 20]]);
export const reciprocal: PointwiseRow = smooth('1 / x.', '1.0 / x', '-g * o * o', [[0.1, 8]]);
export const sin: PointwiseRow = angle(
  smooth('Sine of x in radians, of full accuracy for every x.', 'math_sin(x)', 'g * math_cos(x)', [[-50, 50]]),
);
export const cos: PointwiseRow = angle(
  smooth('Cosine of x in radians, of full accuracy for every x.', 'math_cos(x)', '-g * math_sin(x)', [[-50, 50]]),
);
export const tan: PointwiseRow = angle(smooth('Tangent of x in radians.', 'math_tan(x)', 'g * (1.0 + o * o)', [[-1.4, 1.4]]));
export const asin: PointwiseRow = angle(
  smooth('Angle in radians whose sine is x; NaN outside -1 to 1.', 'math_asin(x)', 'g / sqrt((1.0 - x) * (1.0 + x))', [
    [-0.95, 0.95],
  ]),
);
export const acos: PointwiseRow = angle(
  smooth('Angle in radians whose cosine is x; NaN outside -1 to 1.', 'math_acos(x)', '-g / sqrt((1.0 - x) * (1.0 + x))', [
    [-0.95, 0.95],
  ]),
);
export const atan: PointwiseRow = angle(smooth('Angle in radians whose tangent is x.', 'math_atan(x)', 'g / (1.0 + x * x)'));
export const sinh: PointwiseRow = math(smooth('Hyperbolic sine.', 'math_sinh(x)', 'g * math_cosh(x)'));
export const cosh: PointwiseRow = math(smooth('Hyperbolic cosine.', 'math_cosh(x)', 'g * math_sinh(x)'));
export const tanh: PointwiseRow = math(smooth('Hyperbolic tangent.', 'math_tanh(x)', 'g * (1.0 - o * o)'));
export const asinh: PointwiseRow = special(smooth('Inverse of sinh.', 'special_asinh(x)', 'g / sqrt(1.0 + x * x)'));
export const acosh: PointwiseRow = special(
  smooth('Inverse of cosh: at least 0; NaN below 1.', 'special_acosh(x)', 'g / sqrt((x - 1.0) * (x + 1.0))', [[1.2, 20]]),
);
export const atanh: PointwiseRow = special(
  smooth('Inverse of tanh; NaN outside -1 to 1.', 'special_atanh(x)', 'g / ((1.0 - x) * (1.0 + x))', [[-0.9, 0.9]]),
);
export const sigmoid: PointwiseRow = math(smooth('1 / (1 + exp(-x)).', 'math_sigmoid(x)', 'g * o * (1.0 - o)'));
export const relu: PointwiseRow = {
  doc: 'max(x, 0); its gradient at 0 is 0.',
  operands: X,
  forward: 'select(x, 0.0, x <= 0.0)',
  integer: 'max(x, C(0))',
  gradients: ['select(g, 0.0, x <= 0.0)'],
  domain: anywhere,
  kinks: [0],
};
export const silu: PointwiseRow = math(
  smooth(
    'x * sigmoid(x), also called swish.',
    'math_gate(x, math_sigmoid(x))',
    'g * (math_sigmoid(x) + math_gate(x, math_sigmoid(x) * math_sigmoid(-x)))',
  ),
);
export const softplus: PointwiseRow = math(smooth('log(1 + exp(x)).', 'math_softplus(x)', 'g * math_sigmoid(x)'));
export const gelu: PointwiseRow = normal(
  smooth(
    'x times the cumulative standard normal distribution: the exact form, with erf.',
    'math_gate(x, math_normal_cumulative(x))',
    'g * (math_normal_cumulative(x) + math_gate(x, math_normal_density(x)))',
  ),
);
export const geluTanh: PointwiseRow = math(
  smooth(
    'The approximation of gelu with tanh (GPT-2).',
    'math_gate(x, math_gelu_tanh_gate(x))',
    'g * math_gelu_tanh_derivative(x)',
  ),
);
export const quickGelu: PointwiseRow = math(
  smooth(
    'x * sigmoid(1.702 x), the activation of the original CLIP.',
    'math_gate(x, math_sigmoid(1.702 * x))',
    'g * (math_sigmoid(1.702 * x) + math_gate(1.702 * x, math_sigmoid(1.702 * x) * math_sigmoid(-1.702 * x)))',
  ),
);
export const hardSwish: PointwiseRow = math(
  smooth(
    'x * min(max(x + 3, 0), 6) / 6, the piecewise form of silu (MobileNetV3).',
    'math_gate(x, math_minimum(math_maximum((x + 3.0) / 6.0, 0.0), 1.0))',
    'g * select(select((x + x + 3.0) / 6.0, 1.0, x > 3.0), 0.0, x < -3.0)',
    anywhere,
    [-3, 3],
  ),
);
export const selu: PointwiseRow = math(
  smooth(
    'elu scaled so that activations keep mean 0 and variance 1 (Klambauer et al., arXiv:1706.02515).',
    '1.0507009873554805 * select(1.6732632423543772 * math_expm1(x), x, x > 0.0)',
    'g * 1.0507009873554805 * select(1.6732632423543772 * math_exp(x), 1.0, x > 0.0)',
    anywhere,
    [0],
  ),
);
export const mish: PointwiseRow = math(
  smooth(
    'x * tanh(softplus(x)) (Misra, arXiv:1908.08681).',
    'math_gate(x, math_mish_gate(x))',
    'g * (math_mish_gate(x) + math_gate(x, math_mish_slope(x)))',
  ),
);
export const hardSigmoid: PointwiseRow = math(
  smooth(
    'min(max(x + 3, 0), 6) / 6, the piecewise form of sigmoid.',
    'math_minimum(math_maximum((x + 3.0) / 6.0, 0.0), 1.0)',
    'g * select(0.0, 0.16666666666666666, abs(x) < 3.0)',
    anywhere,
    [-3, 3],
  ),
);
export const softsign: PointwiseRow = math(
  smooth(
    'x / (1 + |x|).',
    'select(x / (1.0 + abs(x)), math_sign(x), math_is_inf(x))',
    'g / ((1.0 + abs(x)) * (1.0 + abs(x)))',
    anywhere,
    [0],
  ),
);
export const logSigmoid: PointwiseRow = math(
  smooth('log(sigmoid(x)), exact for any x.', '-math_softplus(-x)', 'g * math_sigmoid(-x)'),
);
export const erf: PointwiseRow = normal(
  smooth('The error function.', 'math_erf(x)', 'g * 1.1283791670955126 * math_exp(-x * x)', [[-4, 4]]),
);
export const erfc: PointwiseRow = normal(
  smooth('1 - erf(x), exact in the upper tail too.', 'math_erfc(x)', '-1.1283791670955126 * g * math_exp(-x * x)', [[-4, 4]]),
);
export const erfinv: PointwiseRow = special(
  smooth('Inverse of erf; NaN outside -1 to 1.', 'special_erfinv(x)', 'g * 0.886226925452758 * math_exp(o * o)', [[-0.9, 0.9]]),
);
export const lgamma: PointwiseRow = special(
  smooth('Logarithm of |gamma(x)|; infinite at 0, -1, -2 ...', 'special_lgamma(x)', 'g * special_digamma(x)', [[0.2, 12]]),
);
export const digamma: PointwiseRow = special(
  smooth('Derivative of lgamma; NaN at -1, -2 ...', 'special_digamma(x)', 'g * special_trigamma(x)', [[0.3, 12]]),
);
export const sinc: PointwiseRow = special(
  smooth('sin(pi x) / (pi x), 1 at 0.', 'special_sinc(x)', 'g * special_sinc_slope(x)', [[-4, 4]]),
);
export const floor: PointwiseRow = step('The whole number at or below x.', 'floor(x)');
export const ceil: PointwiseRow = step('The whole number at or above x.', 'ceil(x)');
export const round: PointwiseRow = math(step('The nearest whole number, ties to the even one.', 'math_round(x)'));
export const trunc: PointwiseRow = step('x without its fraction.', 'trunc(x)');
export const frac: PointwiseRow = smooth('The fraction of x, with its sign: x - trunc(x).', 'x - trunc(x)', 'g', [[0.1, 0.9]]);
export const signbit: PointwiseRow = math(
  test('Whether the sign of x is negative; that of -0 is.', X, 'math_is_negative(x)', 'x < C(0)'),
);
export const bitwiseNot: PointwiseRow = bitwise(
  'All bits of x turned over; of bools the truth, as logicalNot.',
  X,
  '~x',
  'x ^ 1u',
);
export const isNaN: PointwiseRow = math(test('Whether x is not a number.', X, 'math_is_nan(x)', 'false'));
export const isInf: PointwiseRow = math(test('Whether x is infinite.', X, 'math_is_inf(x)', 'false'));
export const isFinite: PointwiseRow = math(test('Whether x is neither NaN nor infinite.', X, 'math_is_finite(x)', 'true'));
export const logicalNot: PointwiseRow = test('Whether x is zero.', X, 'x == C(0)');
