/**
 * Value and gradient of every op at its special points: zeros, kinks, edges of the domain, infinities, NaN. The numbers are those of PyTorch;
 * where it gives NaN for infinity times 0, the limit.
 */
import * as ops from '@mudpt/tensor';
import { scope, type Tensor } from '@mudpt/tensor';
import type { PointwiseName } from '@mudpt/tensor/internal';
import { constant } from '../rule-check.ts';

const [inf, nan] = [Infinity, NaN];
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

/** A structured op at a point of one tensor: its value, and the gradient of the sum of its values, or of `weights` times them. */
export type SpecialCase = {
  readonly name: string;
  readonly run: (x: Tensor) => Tensor;
  readonly x: ops.Nested;
  readonly value: readonly number[];
  readonly weights?: readonly number[];
  readonly gradient?: readonly number[];
};

const rowOfNaN = [
  [1, nan, 2],
  [0, 0, 0],
];
const rowOfInfinity = [
  [1, inf, 2],
  [0, 0, 0],
];
const none = [
  [-inf, -inf, -inf],
  [0, 0, 0],
];
const third = 1 / 3;
const nans = [nan, nan, nan];
const beside = (value: readonly number[], rest: readonly number[]): number[] => [...value, ...rest];
const isClassOne = (x: Tensor): Tensor => constant(x, [1, 1], [2]);

const reductions: readonly SpecialCase[] = [
  {
    name: 'sum',
    run: (x) => ops.sum(x, -1),
    x: [
      [inf, -inf],
      [1, nan],
    ],
    value: [nan, nan],
    gradient: [1, 1, 1, 1],
  },
  {
    name: 'mean',
    run: (x) => ops.mean(x, -1),
    x: [
      [inf, 1],
      [1, nan],
    ],
    value: [inf, nan],
    gradient: [0.5, 0.5, 0.5, 0.5],
  },
  {
    name: 'prod',
    run: (x) => ops.prod(x, -1),
    x: [
      [2, 0, 3],
      [0, 0, 3],
    ],
    value: [0, 0],
    gradient: [0, 6, 0, 0, 0, 0],
  },
  { name: 'max', run: (x) => ops.max(x, -1), x: [[2, 2, 1], rowOfNaN[0]!], value: [2, nan], gradient: [0.5, 0.5, 0, ...nans] },
  {
    name: 'min',
    run: (x) => ops.min(x, -1),
    x: [[-inf, -inf, 1], rowOfNaN[0]!],
    value: [-inf, nan],
    gradient: [0.5, 0.5, 0, ...nans],
  },
  {
    name: 'variance',
    run: (x) => ops.variance(x, -1),
    x: [
      [2, 2],
      [1, nan],
    ],
    value: [0, nan],
    gradient: [0, 0, nan, nan],
  },
  { name: 'variance', run: (x) => ops.variance(x), x: [2], value: [nan], gradient: [nan] },
  { name: 'std', run: (x) => ops.std(x), x: [2, 2, 2], value: [0], gradient: [0, 0, 0] },
  {
    name: 'std',
    run: (x) => ops.std(x, 1),
    x: [
      [1, 1],
      [1, 3],
    ],
    value: [0, Math.SQRT2],
    gradient: [0, 0, -Math.SQRT1_2, Math.SQRT1_2],
  },
  { name: 'std', run: (x) => ops.std(x, 1), x: [[1, nan]], value: [nan], gradient: [nan, nan] },
  {
    name: 'logsumexp',
    run: (x) => ops.logsumexp(x, -1),
    x: [
      [-inf, 0],
      [inf, 0],
    ],
    value: [0, inf],
    gradient: [0, 1, nan, 0],
  },
  {
    name: 'logsumexp',
    run: (x) => ops.logsumexp(x, -1),
    x: [rowOfNaN[0]!, none[0]!],
    value: [nan, -inf],
    gradient: [...nans, ...nans],
  },
  { name: 'norm', run: (x) => ops.norm(x), x: [0, 0], value: [0], gradient: [0, 0] },
  { name: 'norm', run: (x) => ops.norm(x), x: [1, nan], value: [nan], gradient: [nan, nan] },
  { name: 'norm', run: (x) => ops.norm(x, undefined, { p: 1 }), x: [0, -2], value: [2], gradient: [0, -1] },
  { name: 'norm', run: (x) => ops.norm(x, undefined, { p: 3 }), x: [0, 0], value: [0], gradient: [0, 0] },
  { name: 'norm', run: (x) => ops.norm(x, undefined, { p: 0.5 }), x: [0, 4], value: [4], gradient: [0, 1] },
  { name: 'norm', run: (x) => ops.norm(x, undefined, { p: inf }), x: [2, -2, 0], value: [2], gradient: [0.5, -0.5, 0] },
  {
    name: 'any',
    run: (x) => ops.any(x, -1),
    x: [
      [nan, 0],
      [0, -0],
    ],
    value: [1, 0],
  },
  {
    name: 'all',
    run: (x) => ops.all(x, -1),
    x: [
      [nan, 1],
      [nan, 0],
    ],
    value: [1, 0],
  },
  {
    name: 'argmax',
    run: (x) => ops.argmax(x, -1),
    x: [
      [1, nan, nan],
      [2, 2, 1],
    ],
    value: [1, 0],
  },
  {
    name: 'argmin',
    run: (x) => ops.argmin(x, -1),
    x: [
      [1, nan, nan],
      [2, 1, 1],
    ],
    value: [1, 1],
  },
  { name: 'cast', run: (x) => ops.cast(x, 'bool'), x: [nan, 0, -0, inf, 0.5], value: [1, 0, 0, 1, 1] },
  { name: 'cumsum', run: (x) => ops.cumsum(x), x: [1, nan, 2], value: [1, nan, nan], gradient: [3, 2, 1] },
  {
    name: 'sort',
    run: (x) => ops.sort(x).values,
    x: [1, nan, -inf],
    weights: [1, 2, 3],
    value: [-inf, 1, nan],
    gradient: [2, 3, 1],
  },
  { name: 'topk', run: (x) => ops.topk(x, 1).values, x: [1, nan, 2], value: [nan], gradient: [0, 1, 0] },
];

const zeroBeside = [0, 0, 0];
const rowsOps: readonly SpecialCase[] = [
  ...[rowOfNaN, rowOfInfinity, none].flatMap((x): SpecialCase[] => [
    {
      name: 'softmax',
      run: (t) => ops.softmax(t),
      x,
      value: beside(nans, [third, third, third]),
      gradient: beside(nans, zeroBeside),
    },
    {
      name: 'logSoftmax',
      run: (t) => ops.logSoftmax(t),
      x,
      value: beside(nans, Array(3).fill(-Math.log(3))),
      gradient: beside(nans, zeroBeside),
    },
    {
      name: 'crossEntropy',
      run: (t) => ops.crossEntropy(t, isClassOne(t), { reduction: 'none' }),
      x,
      value: [nan, Math.log(3)],
      gradient: beside(nans, [third, third - 1, third]),
    },
    { name: 'klDiv', run: (t) => ops.klDiv(t, ops.zeros([2, 3])), x, value: [nan], gradient: beside(nans, zeroBeside) },
  ]),
  {
    name: 'klDiv',
    run: (x) => ops.klDiv(x, constant(x, [nan, 0, 0, inf, 0, 0], [2, 3], 'f32')),
    x: [
      [0, 0, 0],
      [0, 0, 0],
    ],
    value: [nan],
    gradient: [...nans, ...nans],
  },
  { name: 'softmax', run: (x) => ops.softmax(x), x: [-inf, 0], weights: [1, 2], value: [0, 1], gradient: [0, 0] },
  { name: 'logSoftmax', run: (x) => ops.logSoftmax(x), x: [-inf, 0], value: [-inf, 0], gradient: [1, -1] },
  {
    name: 'klDiv',
    run: (x) => ops.klDiv(x, constant(x, [-inf, 0], [1, 2], 'f32'), { reduction: 'sum' }),
    x: [[0, 0]],
    value: [Math.LN2],
    gradient: [0.5, -0.5],
  },
  { name: 'l1Loss', run: (x) => ops.l1Loss(x, ops.zeros([2])), x: [0, -2], value: [1], gradient: [0, -0.5] },
  { name: 'l1Loss', run: (x) => ops.l1Loss(x, ops.zeros([2])), x: [nan, 2], value: [nan], gradient: [nan, 0.5] },
  { name: 'mseLoss', run: (x) => ops.mseLoss(x, ops.zeros([2])), x: [nan, 2], value: [nan], gradient: [nan, 2] },
  { name: 'l2Normalize', run: (x) => ops.l2Normalize(x), x: [0, 0], value: [0, 0], gradient: [1e12, 1e12] },
  {
    name: 'l2Normalize',
    run: (x) => ops.l2Normalize(x),
    x: [
      [1, nan],
      [0, 2],
    ],
    value: [nan, nan, 0, 1],
    gradient: [nan, nan, 0.5, 0],
  },
  {
    name: 'layerNorm',
    run: (x) => ops.layerNorm(x),
    x: [
      [1, nan],
      [2, 2],
    ],
    value: [nan, nan, 0, 0],
    gradient: [nan, nan, 0, 0],
  },
  {
    name: 'rmsNorm',
    run: (x) => ops.rmsNorm(x),
    x: [
      [1, nan],
      [0, 0],
    ],
    value: [nan, nan, 0, 0],
    gradient: [nan, nan, 1e3, 1e3],
  },
  {
    name: 'addLayerNorm',
    run: (x) => scope(() => ops.addLayerNorm(x, ops.ones([2, 2])).out),
    x: [
      [1, nan],
      [2, 2],
    ],
    value: [nan, nan, 0, 0],
    gradient: [nan, nan, 0, 0],
  },
  {
    name: 'cdist',
    run: (x) => ops.cdist(x, constant(x, [1, 1], [1, 2], 'f32')),
    x: [
      [1, 1],
      [1, 3],
      [nan, 1],
    ],
    value: [0, 2, nan],
    gradient: [0, 0, 0, 1, nan, nan],
  },
  ...(['relu', 'gelu', 'geluTanh', 'quickGelu', 'silu'] as const).map(
    (activation): SpecialCase => ({
      name: 'linear',
      run: (x) => ops.linear(x, constant(x, [1], [1, 1], 'f32'), undefined, { activation }),
      x: [[0], [inf], [-inf], [nan]],
      value: [0, inf, 0, nan],
      gradient: activation === 'relu' ? [0, 1, 0, 1] : [0.5, 1, 0, nan],
    }),
  ),
  // Of equal ones all share, x among them; what is replaced gets nothing.
  {
    name: 'scatter',
    run: (x) => ops.scatter(constant(x, [2, 1], [2], 'f32'), 0, constant(x, [0, 0, 1], [3]), x, { reduction: 'max' }),
    x: [2, 1, nan],
    value: [2, nan],
    gradient: [0.5, 0, nan],
  },
  {
    name: 'scatter',
    run: (x) => ops.scatter(constant(x, [7, 7], [2], 'f32'), 0, constant(x, [0, 0, 1], [3]), x),
    x: [2, inf, nan],
    value: [inf, nan],
    gradient: [0, 1, 1],
  },
  {
    name: 'maxPool2d',
    run: (x) => ops.maxPool2d(x, [1, 2]),
    x: [[[[1, nan, -inf, -inf, 2, 2]]]],
    value: [nan, -inf, 2],
    gradient: [0, 1, 1, 0, 1, 0],
  },
  {
    name: 'maxPool2dWithIndices',
    run: (x) => scope(() => ops.maxPool2dWithIndices(x, [1, 2]).values),
    x: [[[[1, nan, 2, 2]]]],
    value: [nan, 2],
    gradient: [0, 1, 1, 0],
  },
  {
    name: 'adaptiveMaxPool2d',
    run: (x) => ops.adaptiveMaxPool2d(x, [1, 2]),
    x: [[[[1, nan, -inf]]]],
    value: [nan, nan],
    gradient: [0, 2, 0],
  },
  {
    name: 'adaptiveAvgPool2d',
    run: (x) => ops.adaptiveAvgPool2d(x, [1, 2]),
    x: [[[[1, nan, 3, 5]]]],
    value: [nan, 4],
    gradient: [0.5, 0.5, 0.5, 0.5],
  },
  { name: 'avgPool2d', run: (x) => ops.avgPool2d(x, [1, 2]), x: [[[[1, nan]]]], value: [nan], gradient: [0.5, 0.5] },
  {
    name: 'matmul',
    run: (x) => ops.matmul(x, constant(x, [0, 1], [2, 1], 'f32')),
    x: [
      [inf, 1],
      [2, nan],
    ],
    value: [nan, nan],
    gradient: [0, 1, 0, 1],
  },
  {
    name: 'tril',
    run: (x) => ops.tril(x),
    x: [
      [1, nan],
      [2, 3],
    ],
    value: [1, 0, 2, 3],
    gradient: [1, 0, 1, 1],
  },
  {
    name: 'maskedFill',
    run: (x) => ops.maskedFill(x, constant(x, [1, 0], [2], 'bool'), 7),
    x: [nan, inf],
    value: [7, inf],
    gradient: [0, 1],
  },
];

export const specialCases: readonly SpecialCase[] = [...reductions, ...rowsOps];

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
