/**
 * Every pointwise operation: one row each. Kernel, public function, gradient and test follow from the row.
 *
 * Expressions are WGSL of the operands x, y, z, w and the helpers of math.wgsl (floats) and integer.wgsl; `C` is the type of the arithmetic.
 * Gradient expressions also read o, the result, and g, the gradient of the result; they are data here, only autograd uses them.
 */

/** A row of the table. */
export type PointwiseRow = {
  /** What the operation computes, for its documentation. */
  readonly doc: string;
  /** Names of the operands, in order. */
  readonly operands: readonly string[];
  /** Value of the last operands when they are left out. */
  readonly defaults?: readonly number[];
  /** f32 arithmetic (f16 is converted). A comparison is a WGSL bool. */
  readonly forward: string;
  /** i32 and u32 arithmetic; where there is none, integers are converted to f32. */
  readonly integer?: string;
  /** The result is bool; operands keep their type for the comparison. */
  readonly isBool?: boolean;
  /** Operand x is a condition: bool or integer, and no part of the promotion. The result may be bool. */
  readonly isConditional?: boolean;
  /** For each operand: its share of the gradient, or undefined where it has none. No list: zero gradient everywhere. */
  readonly gradients?: readonly (string | undefined)[];
  /** Operands from low to high, for tests; each operand has its own range, or all share the first. */
  readonly domain: readonly (readonly [low: number, high: number])[];
  /** Operand values (of x - y for two operands) next to which derivatives jump, for tests. */
  readonly kinks?: readonly number[];
};

const X = ['x'] as const;
const XY = ['x', 'y'] as const;
const anywhere = [[-8, 8]] as const;
const positive = [[0.01, 20]] as const;

/** A comparison or a predicate. */
const test = (doc: string, operands: readonly string[], forward: string, integer = forward): PointwiseRow => ({
  doc,
  operands,
  forward,
  integer,
  isBool: true,
  domain: [[-3, 3]],
});

/** A function of steps: its gradient is zero. */
const step = (doc: string, forward: string, integer = 'x'): PointwiseRow => ({
  doc,
  operands: X,
  forward,
  integer,
  domain: anywhere,
});

/** A smooth function of floats. */
const smooth = (
  doc: string,
  forward: string,
  gradient: string,
  domain: PointwiseRow['domain'] = anywhere,
  kinks?: readonly number[],
): PointwiseRow => ({ doc, operands: X, forward, gradients: [gradient], domain, kinks });

export const unaryTable = {
  neg: { doc: '-x.', operands: X, forward: '-x', integer: 'C(0) - x', gradients: ['-g'], domain: anywhere },
  abs: {
    doc: '|x|; its gradient at 0 is 0.',
    operands: X,
    forward: 'abs(x)',
    integer: 'abs(x)',
    gradients: ['g * math_sign(x)'],
    domain: anywhere,
    kinks: [0],
  },
  sign: step(
    '-1, 0 or 1 by the sign of x; NaN stays.',
    'math_sign(x)',
    'select(C(0), C(1), x > C(0)) - select(C(0), C(1), x < C(0))',
  ),
  square: { doc: 'x * x.', operands: X, forward: 'x * x', integer: 'x * x', gradients: ['2.0 * g * x'], domain: anywhere },
  exp: smooth('e to the power x.', 'math_exp(x)', 'g * o'),
  exp2: smooth('2 to the power x.', 'math_exp2(x)', 'g * o * 0.6931471805599453'),
  expm1: smooth('exp(x) - 1, exact near 0 too.', 'math_expm1(x)', 'g * (o + 1.0)'),
  log: smooth('Natural logarithm: NaN below 0, -infinity at 0.', 'math_log(x)', 'g / x', positive),
  log1p: smooth('log(1 + x), exact near 0 too.', 'math_log1p(x)', 'g / (1.0 + x)', [[-0.9, 20]]),
  log2: smooth('Logarithm to base 2.', 'math_log2(x)', 'g / (x * 0.6931471805599453)', positive),
  log10: smooth('Logarithm to base 10.', 'math_log10(x)', 'g / (x * 2.302585092994046)', positive),
  sqrt: smooth('Square root; NaN below 0.', 'sqrt(x)', '0.5 * g / o', positive),
  rsqrt: smooth('1 / sqrt(x).', '1.0 / sqrt(x)', '-0.5 * g * o * o * o', [[0.1, 20]]),
  reciprocal: smooth('1 / x.', '1.0 / x', '-g * o * o', [[0.1, 8]]),
  sin: smooth('Sine of x in radians, of full accuracy for every x.', 'math_sin(x)', 'g * math_cos(x)', [[-50, 50]]),
  cos: smooth('Cosine of x in radians, of full accuracy for every x.', 'math_cos(x)', '-g * math_sin(x)', [[-50, 50]]),
  tan: smooth('Tangent of x in radians.', 'math_tan(x)', 'g * (1.0 + o * o)', [[-1.4, 1.4]]),
  asin: smooth('Angle in radians whose sine is x; NaN outside -1 to 1.', 'math_asin(x)', 'g / sqrt((1.0 - x) * (1.0 + x))', [
    [-0.95, 0.95],
  ]),
  acos: smooth('Angle in radians whose cosine is x; NaN outside -1 to 1.', 'math_acos(x)', '-g / sqrt((1.0 - x) * (1.0 + x))', [
    [-0.95, 0.95],
  ]),
  atan: smooth('Angle in radians whose tangent is x.', 'math_atan(x)', 'g / (1.0 + x * x)'),
  sinh: smooth('Hyperbolic sine.', 'math_sinh(x)', 'g * math_cosh(x)'),
  cosh: smooth('Hyperbolic cosine.', 'math_cosh(x)', 'g * math_sinh(x)'),
  tanh: smooth('Hyperbolic tangent.', 'math_tanh(x)', 'g * (1.0 - o * o)'),
  sigmoid: smooth('1 / (1 + exp(-x)).', 'math_sigmoid(x)', 'g * o * (1.0 - o)'),
  relu: {
    doc: 'max(x, 0); its gradient at 0 is 0.',
    operands: X,
    forward: 'select(x, 0.0, x <= 0.0)',
    integer: 'max(x, C(0))',
    gradients: ['select(g, 0.0, x <= 0.0)'],
    domain: anywhere,
    kinks: [0],
  },
  silu: smooth(
    'x * sigmoid(x), also called swish.',
    'math_gate(x, math_sigmoid(x))',
    'g * (math_sigmoid(x) + math_gate(x, math_sigmoid(x) * math_sigmoid(-x)))',
  ),
  softplus: smooth('log(1 + exp(x)).', 'math_softplus(x)', 'g * math_sigmoid(x)'),
  gelu: smooth(
    'x times the cumulative standard normal distribution: the exact form, with erf.',
    'math_gate(x, math_normal_cumulative(x))',
    'g * (math_normal_cumulative(x) + math_gate(x, math_normal_density(x)))',
  ),
  geluTanh: smooth(
    'The approximation of gelu with tanh (GPT-2).',
    'math_gate(x, math_gelu_tanh_gate(x))',
    'g * math_gelu_tanh_derivative(x)',
  ),
  quickGelu: smooth(
    'x * sigmoid(1.702 x), the activation of the original CLIP.',
    'math_gate(x, math_sigmoid(1.702 * x))',
    'g * (math_sigmoid(1.702 * x) + math_gate(1.702 * x, math_sigmoid(1.702 * x) * math_sigmoid(-1.702 * x)))',
  ),
  hardSwish: smooth(
    'x * min(max(x + 3, 0), 6) / 6, the piecewise form of silu (MobileNetV3).',
    'math_gate(x, math_minimum(math_maximum((x + 3.0) / 6.0, 0.0), 1.0))',
    'g * select(select((x + x + 3.0) / 6.0, 1.0, x > 3.0), 0.0, x < -3.0)',
    anywhere,
    [-3, 3],
  ),
  logSigmoid: smooth('log(sigmoid(x)), exact for any x.', '-math_softplus(-x)', 'g * math_sigmoid(-x)'),
  erf: smooth('The error function.', 'math_erf(x)', 'g * 1.1283791670955126 * math_exp(-x * x)', [[-4, 4]]),
  erfc: smooth('1 - erf(x), exact in the upper tail too.', 'math_erfc(x)', '-1.1283791670955126 * g * math_exp(-x * x)', [
    [-4, 4],
  ]),
  floor: step('The whole number at or below x.', 'floor(x)'),
  ceil: step('The whole number at or above x.', 'ceil(x)'),
  round: step('The nearest whole number, ties to the even one.', 'math_round(x)'),
  trunc: step('x without its fraction.', 'trunc(x)'),
  isNaN: test('Whether x is not a number.', X, 'math_is_nan(x)', 'false'),
  isInf: test('Whether x is infinite.', X, 'math_is_inf(x)', 'false'),
  isFinite: test('Whether x is neither NaN nor infinite.', X, 'math_is_finite(x)', 'true'),
  logicalNot: test('Whether x is zero.', X, 'x == C(0)'),
} as const satisfies Record<string, PointwiseRow>;

export const binaryTable = {
  add: { doc: 'x + y.', operands: XY, forward: 'x + y', integer: 'x + y', gradients: ['g', 'g'], domain: anywhere },
  sub: { doc: 'x - y.', operands: XY, forward: 'x - y', integer: 'x - y', gradients: ['g', '-g'], domain: anywhere },
  mul: { doc: 'x * y.', operands: XY, forward: 'x * y', integer: 'x * y', gradients: ['g * y', 'g * x'], domain: anywhere },
  div: {
    doc: 'x / y; integers give f32.',
    operands: XY,
    forward: 'x / y',
    gradients: ['g / y', '-g * o / y'],
    domain: [anywhere[0], [0.2, 8]],
  },
  pow: {
    doc: 'x to the power y; pow(x, 0) and pow(1, y) are 1, a negative x needs a whole y.',
    operands: XY,
    forward: 'math_pow(x, y)',
    integer: 'integer_pow(x, y)',
    gradients: ['select(g * y * math_pow(x, y - 1.0), 0.0, y == 0.0)', 'select(g * o * math_log(x), 0.0, x == 0.0 && y >= 0.0)'],
    domain: [
      [0.05, 6],
      [-4, 4],
    ],
  },
  maximum: {
    doc: 'The larger of x and y, NaN if either is; equal operands share the gradient.',
    operands: XY,
    forward: 'math_maximum(x, y)',
    integer: 'max(x, y)',
    gradients: ['g * select(select(1.0, 0.5, x == y), 0.0, x < y)', 'g * select(select(1.0, 0.5, x == y), 0.0, y < x)'],
    domain: anywhere,
    kinks: [0],
  },
  minimum: {
    doc: 'The smaller of x and y, NaN if either is; equal operands share the gradient.',
    operands: XY,
    forward: 'math_minimum(x, y)',
    integer: 'min(x, y)',
    gradients: ['g * select(select(1.0, 0.5, x == y), 0.0, x > y)', 'g * select(select(1.0, 0.5, x == y), 0.0, y > x)'],
    domain: anywhere,
    kinks: [0],
  },
  mod: {
    doc: 'Remainder with the sign of y, exact for |x / y| < 2^24.',
    operands: XY,
    forward: 'math_mod(x, y)',
    integer: 'integer_mod(x, y)',
    gradients: ['g', '-g * math_floor_div(x, y)'],
    domain: [
      [-20, 20],
      [0.7, 3],
    ],
  },
  floorDiv: {
    doc: 'The whole number at or below x / y; an infinite x has none (NaN), an infinite y of the other sign gives -1.',
    operands: XY,
    forward: 'math_floor_div(x, y)',
    integer: 'integer_floor_div(x, y)',
    domain: [
      [-20, 20],
      [0.7, 3],
    ],
  },
  atan2: {
    doc: 'Angle of the point with ordinate x and abscissa y, in radians from -pi to pi.',
    operands: XY,
    forward: 'math_atan2(x, y)',
    gradients: ['g * y / (x * x + y * y)', '-g * x / (x * x + y * y)'],
    domain: [[0.1, 8], anywhere[0]],
  },
  leakyRelu: {
    doc: 'x where positive, else slope * x.',
    operands: ['x', 'slope'],
    defaults: [0.01],
    forward: 'select(y * x, x, x > 0.0)',
    gradients: ['g * select(y, 1.0, x > 0.0)', 'select(g * x, 0.0, x > 0.0)'],
    domain: [anywhere[0], [0.05, 0.4]],
    kinks: [0],
  },
  elu: {
    doc: 'x where positive, else alpha * (exp(x) - 1).',
    operands: ['x', 'alpha'],
    defaults: [1],
    forward: 'select(y * math_expm1(x), x, x > 0.0)',
    gradients: ['g * select(y * math_exp(x), 1.0, x > 0.0)', 'select(g * math_expm1(x), 0.0, x > 0.0)'],
    domain: [anywhere[0], [0.5, 2]],
    kinks: [0],
  },
  eq: test('Whether x = y.', XY, 'x == y'),
  ne: test('Whether x and y differ; NaN differs from everything.', XY, 'x != y || math_is_nan(x) || math_is_nan(y)', 'x != y'),
  lt: test('Whether x < y.', XY, 'x < y'),
  le: test('Whether x <= y.', XY, 'x <= y'),
  gt: test('Whether x > y.', XY, 'x > y'),
  ge: test('Whether x >= y.', XY, 'x >= y'),
  logicalAnd: test('Whether neither x nor y is zero.', XY, '!(x == C(0)) && !(y == C(0))'),
  logicalOr: test('Whether x or y is not zero.', XY, '!(x == C(0)) || !(y == C(0))'),
  logicalXor: test('Whether just one of x and y is not zero.', XY, '(x == C(0)) != (y == C(0))'),
} as const satisfies Record<string, PointwiseRow>;

export const ternaryTable = {
  where: {
    doc: 'x where the condition holds, else y.',
    operands: ['condition', 'x', 'y'],
    forward: 'select(z, y, x != C(0))',
    integer: 'select(z, y, x != C(0))',
    isConditional: true,
    gradients: [undefined, 'select(0.0, g, x != 0.0)', 'select(g, 0.0, x != 0.0)'],
    domain: [[0, 2], anywhere[0], anywhere[0]],
  },
  clamp: {
    doc: 'x limited to low and high (a left out bound does not limit); NaN stays.',
    operands: ['x', 'low', 'high'],
    defaults: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    forward: 'math_minimum(math_maximum(x, y), z)',
    integer: 'min(max(x, y), z)',
    gradients: ['select(0.0, g, x >= y && x <= z)', 'select(0.0, g, x < y && y <= z)', 'select(0.0, g, z < math_maximum(x, y))'],
    domain: [
      [-4, 4],
      [-2, -1],
      [1, 2],
    ],
  },
  lerp: {
    doc: 'x + weight * (y - x), exactly x at weight 0 and y at weight 1.',
    operands: ['x', 'y', 'weight'],
    // From the nearer end: counted from x, a small y would be lost beside a large x.
    forward: 'select(y - (1.0 - z) * (y - x), x + z * (y - x), abs(z) < 0.5)',
    gradients: ['g - g * z', 'g * z', 'g * (y - x)'],
    domain: [anywhere[0], anywhere[0], [0, 1]],
  },
  addcmul: {
    doc: 'x + scale * y * z.',
    operands: ['x', 'y', 'z', 'scale'],
    defaults: [1],
    forward: 'x + w * y * z',
    integer: 'x + w * y * z',
    gradients: ['g', 'g * w * z', 'g * w * y', 'g * y * z'],
    domain: [[-2, 2]],
  },
} as const satisfies Record<string, PointwiseRow>;

export type UnaryName = keyof typeof unaryTable;
export type BinaryName = keyof typeof binaryTable;
/** Any operation of the table. */
export type PointwiseName = UnaryName | BinaryName | keyof typeof ternaryTable;

/** All rows by name, for whoever generates something from them: gradients, tests, documentation. */
export const pointwiseTable: Readonly<Record<PointwiseName, PointwiseRow>> = { ...unaryTable, ...binaryTable, ...ternaryTable };

/** Whether `name` is an operation of the table. */
export function isPointwise(name: string): name is PointwiseName {
  return Object.hasOwn(pointwiseTable, name);
}
