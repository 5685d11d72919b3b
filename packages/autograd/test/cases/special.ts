/**
 * Value and gradient of every op at its special points: zeros, kinks, edges of the domain, infinities, NaN. The numbers are those of PyTorch;
 * where it gives NaN for infinity times 0, the limit.
 */
import type { PointwiseName } from '@mudpt/tensor/internal';
import { inf, nan, type SpecialCase } from './special-case.ts';
import { reductionPoints } from './special-reductions.ts';
import { rowPoints } from './special-rows.ts';

const pi = Math.PI;
/** Euler's constant. */
const gamma = 0.5772156649015329;

/** A point of a pointwise op: its operands, its value, and the gradient of every operand that has one (predicates: none). */
type Point = readonly number[];

const steps = (halves: readonly number[]): readonly Point[] => [
  [0.5, halves[0] ?? nan, 0],
  [-0.5, halves[1] ?? nan, 0],
  [1.5, halves[2] ?? nan, 0],
  [inf, inf, 0],
  [-inf, -inf, 0],
  [nan, nan, 0],
];
const nowhere = [nan, nan, nan];

export const pointwisePoints: Readonly<Record<PointwiseName, readonly Point[]>> = {
  neg: [[0, 0, -1], [inf, -inf, -1], nowhere.with(2, -1)],
  abs: [[0, 0, 0], [-2, 2, -1], [-inf, inf, -1], nowhere],
  sign: [[0, 0, 0], [-inf, -1, 0], nowhere.with(2, 0)],
  square: [[0, 0, 0], [-inf, inf, -inf], nowhere],
  exp: [[0, 1, 1], [inf, inf, inf], [-inf, 0, 0], nowhere],
  exp2: [[0, 1, Math.LN2], [inf, inf, inf], [-inf, 0, 0], nowhere],
  expm1: [[0, 0, 1], [inf, inf, inf], [-inf, -1, 0], nowhere],
  log: [[0, -inf, inf], [1, 0, 1], [-1, nan, -1], [inf, inf, 0], nowhere],
  log1p: [[-1, -inf, inf], [0, 0, 1], [-2, nan, -1], [inf, inf, 0], nowhere],
  log2: [[0, -inf, inf], [1, 0, 1 / Math.LN2], [inf, inf, 0], nowhere],
  log10: [[0, -inf, inf], [1, 0, 1 / Math.LN10], [inf, inf, 0], nowhere],
  sqrt: [[0, 0, inf], [-1, nan, nan], [inf, inf, 0], nowhere],
  rsqrt: [[0, inf, -inf], [-1, nan, nan], [inf, 0, 0], nowhere],
  reciprocal: [[0, inf, -inf], [inf, 0, 0], [-inf, 0, 0], nowhere],
  sin: [[0, 0, 1], [inf, nan, nan], nowhere],
  cos: [[0, 1, 0], [-inf, nan, nan], nowhere],
  tan: [[0, 0, 1], [inf, nan, nan], nowhere],
  asin: [[1, pi / 2, inf], [-1, -pi / 2, inf], [2, nan, nan], nowhere],
  acos: [[1, 0, -inf], [-1, pi, -inf], [2, nan, nan], nowhere],
  atan: [[0, 0, 1], [inf, pi / 2, 0], [-inf, -pi / 2, 0], nowhere],
  sinh: [[0, 0, 1], [inf, inf, inf], [-inf, -inf, inf], nowhere],
  cosh: [[0, 1, 0], [inf, inf, inf], [-inf, inf, -inf], nowhere],
  tanh: [[0, 0, 1], [inf, 1, 0], [-inf, -1, 0], nowhere],
  sigmoid: [[0, 0.5, 0.25], [inf, 1, 0], [-inf, 0, 0], nowhere],
  relu: [[0, 0, 0], [inf, inf, 1], [-inf, 0, 0], nowhere.with(2, 1)],
  silu: [[0, 0, 0.5], [inf, inf, 1], [-inf, 0, 0], nowhere],
  softplus: [[0, Math.LN2, 0.5], [inf, inf, 1], [-inf, 0, 0], nowhere],
  gelu: [[0, 0, 0.5], [inf, inf, 1], [-inf, 0, 0], nowhere],
  geluTanh: [[0, 0, 0.5], [inf, inf, 1], [-inf, 0, 0], nowhere],
  quickGelu: [[0, 0, 0.5], [inf, inf, 1], [-inf, 0, 0], nowhere],
  hardSwish: [[-3, 0, -0.5], [3, 3, 1.5], [0, 0, 0.5], [inf, inf, 1], [-inf, 0, 0], nowhere],
  selu: [
    [0, 0, 1.0507009873554805 * 1.6732632423543772],
    [1, 1.0507009873554805, 1.0507009873554805],
    [inf, inf, 1.0507009873554805],
    [-inf, -1.0507009873554805 * 1.6732632423543772, 0],
    nowhere,
  ],
  mish: [[0, 0, 0.6], [inf, inf, 1], [-inf, 0, 0], nowhere],
  hardSigmoid: [[-3, 0, 0], [3, 1, 0], [0, 0.5, 1 / 6], [inf, 1, 0], [-inf, 0, 0], nowhere.with(2, 0)],
  softsign: [[0, 0, 1], [-1, -0.5, 0.25], [inf, 1, 0], [-inf, -1, 0], nowhere],
  celu: [
    [0, 2, 0, 1, 0],
    [1, 2, 1, 1, 0],
    [-inf, 2, -2, 0, -1],
    [inf, 2, inf, 1, 0],
    [nan, 2, nan, nan, nan],
  ],
  logaddexp: [
    [0, 0, Math.LN2, 0.5, 0.5],
    [-inf, 3, 3, 0, 1],
    [-inf, -inf, -inf, 0.5, 0.5],
    [inf, inf, inf, 0.5, 0.5],
    [inf, 0, inf, 1, 0],
    [nan, 0, nan, nan, nan],
  ],
  logSigmoid: [[0, -Math.LN2, 0.5], [inf, 0, 0], [-inf, -inf, 1], nowhere],
  erf: [[0, 0, 2 / Math.sqrt(pi)], [inf, 1, 0], [-inf, -1, 0], nowhere],
  erfc: [[0, 1, -2 / Math.sqrt(pi)], [inf, 0, 0], [-inf, 2, 0], nowhere],
  erfinv: [[0, 0, Math.sqrt(pi) / 2], [1, inf, inf], [-1, -inf, inf], [2, nan, nan], nowhere],
  lgamma: [
    [1, 0, -gamma],
    [2, 0, 1 - gamma],
    [0.5, Math.log(pi) / 2, -gamma - 2 * Math.LN2],
    [inf, inf, inf],
    [-1, inf, nan],
    nowhere,
  ],
  digamma: [[1, -gamma, (pi * pi) / 6], [0, -inf, inf], [inf, inf, 0], [-1, nan, inf], nowhere],
  sinc: [[0, 1, 0], [1, 0, -1], [-2, 0, -0.5], [inf, nan, nan], nowhere],
  asinh: [[0, 0, 1], [inf, inf, 0], [-inf, -inf, 0], nowhere],
  acosh: [[1, 0, inf], [0, nan, nan], [inf, inf, 0], nowhere],
  atanh: [[0, 0, 1], [1, inf, inf], [-1, -inf, inf], [2, nan, -1 / 3], nowhere],
  frac: [[0, 0, 1], [-1.5, -0.5, 1], [inf, nan, 1], nowhere.with(2, 1)],
  signbit: [
    [-0, 1],
    [0, 0],
    [-inf, 1],
  ],
  bitwiseNot: [
    [0, -1],
    [-1, 0],
  ],
  truncDiv: [
    [5, inf, 0, 0, 0],
    [-5, 3, -1, 0, 0],
    [-inf, 2, nan, 0, 0],
    [5, 0, inf, 0, 0],
    [0, 0, nan, 0, 0],
  ],
  fmod: [
    [5, inf, 5, 1, 0],
    [-5, 3, -2, 1, 1],
    [inf, 2, nan, 1, nan],
    [6, 3, 0, 1, -2],
    [-(2 ** 30), 3, -1, 1, 2 ** 30 / 3],
  ],
  hypot: [
    [0, 0, 0, 0, 0],
    [3, -4, 5, 0.6, -0.8],
    [1e30, 0, 1e30, 1, 0],
    [inf, 1, inf, nan, 0],
    [nan, 1, nan, nan, nan],
  ],
  copysign: [
    [2, -0, -2, -1, 0],
    [-2, 1, 2, -1, 0],
    [0, -1, -0, 0, 0],
    [inf, -inf, -inf, -1, 0],
  ],
  xlogy: [
    [0, 0, 0, 0, nan],
    [0, nan, nan, nan, nan],
    [2, 0, -inf, -inf, inf],
    [1, inf, inf, inf, 0],
  ],
  heaviside: [
    [0, 0.5, 0.5, 0, 0],
    [-inf, 0.5, 0, 0, 0],
    [nan, 0.5, nan, 0, 0],
  ],
  gcd: [
    [0, 0, 0],
    [-12, 18, 6],
  ],
  lcm: [
    [0, 5, 0],
    [-4, 6, 12],
  ],
  bitwiseAnd: [
    [-1, 6, 6],
    [5, 3, 1],
  ],
  bitwiseOr: [[5, 3, 7]],
  bitwiseXor: [[5, 3, 6]],
  shiftLeft: [
    [1, 31, -(2 ** 31)],
    [1, 32, 0],
    [1, -1, 0],
  ],
  shiftRight: [
    [-8, 1, -4],
    [-8, 32, -1],
    [8, 99, 0],
  ],
  shiftRightLogical: [
    [-8, 28, 15],
    [-8, 32, 0],
  ],
  floor: steps([0, -1, 1]),
  ceil: steps([1, 0, 2]),
  round: steps([0, 0, 2]),
  trunc: steps([0, 0, 1]),
  isNaN: [
    [nan, 1],
    [inf, 0],
    [0, 0],
  ],
  isInf: [
    [nan, 0],
    [-inf, 1],
    [0, 0],
  ],
  isFinite: [
    [nan, 0],
    [inf, 0],
    [0, 1],
  ],
  logicalNot: [
    [nan, 0],
    [-inf, 0],
    [0, 1],
    [-0, 1],
  ],
  add: [
    [inf, -inf, nan, 1, 1],
    [nan, 0, nan, 1, 1],
  ],
  sub: [
    [inf, inf, nan, 1, -1],
    [nan, 0, nan, 1, -1],
  ],
  mul: [
    [0, inf, nan, inf, 0],
    [nan, 0, nan, 0, nan],
  ],
  div: [
    [1, 0, inf, inf, -inf],
    [0, 0, nan, inf, nan],
    [1, inf, 0, 0, 0],
    [0, 2, 0, 0.5, 0],
  ],
  pow: [
    [0, 0, 1, 0, 0],
    [0, 1, 0, 1, 0],
    [0, 2, 0, 0, 0],
    [0, 0.5, 0, inf, 0],
    [0, -1, inf, -inf, -inf],
    [-2, 2, 4, -4, nan],
    [-2, 0.5, nan, nan, nan],
    [1, inf, 1, inf, 0],
    [inf, 0, 1, 0, inf],
    [inf, -1, 0, 0, nan],
    [2, -inf, 0, nan, 0],
    [nan, 0, 1, 0, nan],
  ],
  maximum: [
    [1, 1, 1, 0.5, 0.5],
    [inf, inf, inf, 0.5, 0.5],
    [nan, 0, nan, 1, 1],
    [0, nan, nan, 1, 1],
  ],
  minimum: [
    [1, 1, 1, 0.5, 0.5],
    [-inf, 0, -inf, 1, 0],
    [nan, 0, nan, 1, 1],
    [0, nan, nan, 1, 1],
  ],
  mod: [
    [5, inf, 5, 1, 0],
    [-5, inf, inf, 1, 1],
    [5, -inf, -inf, 1, 1],
    [inf, 2, nan, 1, nan],
    [5, 0, nan, 1, -inf],
    [6, 3, 0, 1, -2],
    [-1, 3, 2, 1, 1],
    [2 ** 127, 7, 2, 1, -(2 ** 127) / 7],
    [-(2 ** 30), 3, 2, 1, 2 ** 30 / 3],
  ],
  floorDiv: [
    [5, inf, 0, 0, 0],
    [-5, inf, -1, 0, 0],
    [5, -inf, -1, 0, 0],
    [-inf, 2, nan, 0, 0],
    [5, 0, inf, 0, 0],
    [-5, 0, -inf, 0, 0],
    [0, 0, nan, 0, 0],
  ],
  atan2: [
    [0, 0, 0, nan, nan],
    [0, -1, pi, -1, 0],
    [-0, -1, -pi, -1, 0],
    [1, 0, pi / 2, 0, -1],
    [inf, inf, pi / 4, nan, nan],
  ],
  leakyRelu: [
    [0, 0.1, 0, 0.1, 0],
    [inf, 0.1, inf, 1, 0],
    [-inf, 0.1, -inf, 0.1, -inf],
    [nan, 0.1, nan, 0.1, nan],
  ],
  elu: [
    [0, 2, 0, 2, 0],
    [inf, 2, inf, 1, 0],
    [-inf, 2, -2, 0, -1],
    [nan, 2, nan, nan, nan],
  ],
  eq: [
    [nan, nan, 0],
    [0, -0, 1],
    [inf, inf, 1],
  ],
  ne: [
    [nan, nan, 1],
    [0, -0, 0],
    [nan, 1, 1],
  ],
  lt: [
    [nan, 1, 0],
    [-inf, inf, 1],
    [0, -0, 0],
  ],
  le: [
    [nan, nan, 0],
    [inf, inf, 1],
    [0, -0, 1],
  ],
  gt: [
    [1, nan, 0],
    [inf, 1, 1],
    [0, -0, 0],
  ],
  ge: [
    [1, nan, 0],
    [inf, inf, 1],
    [-0, 0, 1],
  ],
  logicalAnd: [
    [nan, 1, 1],
    [nan, 0, 0],
    [inf, -inf, 1],
  ],
  logicalOr: [
    [nan, 0, 1],
    [0, -0, 0],
    [0, nan, 1],
  ],
  logicalXor: [
    [nan, 1, 0],
    [nan, 0, 1],
    [-0, inf, 1],
  ],
  where: [
    [1, nan, 1, nan, 1, 0],
    [0, nan, 1, 1, 0, 1],
    [2, 1, inf, 1, 1, 0],
  ],
  clamp: [
    [-1, -1, 1, -1, 1, 0, 0],
    [1, -1, 1, 1, 1, 0, 0],
    [0, 2, 1, 1, 0, 0, 1],
    [inf, -1, 1, 1, 0, 0, 1],
    [nan, -1, 1, nan, 0, 0, 0],
  ],
  lerp: [
    [1e8, 1, 1, 1, 0, 1, -1e8],
    [1, 1e8, 0, 1, 1, 0, 1e8],
    [nan, 1, 0.5, nan, 0.5, 0.5, nan],
  ],
  nanToNum: [
    [nan, 7, 8, 9, 7, 0, 1, 0, 0],
    [inf, 7, 8, 9, 8, 0, 0, 1, 0],
    [-inf, 7, 8, 9, 9, 0, 0, 0, 1],
    [2, 7, 8, 9, 2, 1, 0, 0, 0],
  ],
  isClose: [
    [nan, nan, 0.1, 0.1, 0],
    [inf, inf, 0, 0, 1],
    [inf, -inf, 1, 1, 0],
    [1.5, 1, 0.25, 0.25, 1],
  ],
  addcmul: [
    [1, 0, inf, 1, nan, 1, inf, 0, nan],
    [nan, 1, 1, 1, nan, 1, 1, 1, 1],
  ],
};

export const specialCases: readonly SpecialCase[] = [...reductionPoints, ...rowPoints];

/** Ops that move elements or are linear in them: a special value is one like any other. */
export const plainOps: readonly string[] = [
  ...['alias', 'cat', 'contiguous', 'contiguousCopy', 'expand', 'pad', 'permute', 'reshape', 'slice', 'split', 'triu', 'unbind'],
  ...['embedding', 'gather', 'gatherRows', 'indexAdd', 'indexSelect', 'scatterAdd'],
  ...['conv2d', 'einsum', 'fold', 'rope', 'unfold'],
  ...['convTranspose2d'],
  // Singular matrices and NaN are in the tests of the ops.
  ...['cholesky', 'solveTriangular', 'solve', 'det', 'slogdet', 'lu', 'qr', 'eigh', 'svd'],
  // Of their own tests: attention.special.test.ts.
  ...['attention', 'attentionQkv'],
];
