/** Ops made of other ops: running products, small matrix functions, gates, losses of elements and of classes. */
import * as ops from '@mudpt/tensor';
import { scope, type Tensor } from '@mudpt/tensor';
import * as array from '@mudpt/testing/reference/array';
import * as composed from '@mudpt/testing/reference/composed';
import { fourier } from '@mudpt/testing/reference/fourier';
import * as statistics from '@mudpt/testing/reference/statistics';
import { constant, type RuleCase } from '../rule-check.ts';

type Ref = array.Ref;

const half = 'made of ops that run in f16 elsewhere';
const labels = array.ref([4], [2, 0, -100, 1]);
const classWeights = array.ref([3], [0.5, 2, 1.25]);
const of = (x: Tensor, values: Ref, dtype: 'f32' | 'i32' = 'f32'): Tensor => constant(x, values.data, values.shape, dtype);

const running: readonly RuleCase[] = [
  ...(
    [
      ['cumprod', ops.cumprod, composed.cumprod],
      ['cummax', ops.cummax, composed.cummax],
      ['cummin', ops.cummin, composed.cummin],
      ['logcumsumexp', ops.logcumsumexp, composed.logcumsumexp],
    ] as const
  ).flatMap(([name, op, reference]): RuleCase[] => [
    { name: `${name} along columns`, shapes: [[5, 3]], half, run: (x) => op(x, 0), reference: (x) => reference(x, 0) },
    { name, shapes: [[2, 7]], half, run: (x) => op(x), reference: (x) => reference(x) },
  ]),
  { name: 'diff', shapes: [[2, 5]], half, run: (x) => ops.diff(x), reference: (x) => composed.diff(x, -1, 1) },
  { name: 'diff, second order', shapes: [[5, 2]], half, run: (x) => ops.diff(x, 0, 2), reference: (x) => composed.diff(x, 0, 2) },
];

const matrices: readonly RuleCase[] = [
  { name: 'outer', shapes: [[3], [4]], half, run: (a, b) => ops.outer(a, b), reference: composed.outer },
  { name: 'dot', shapes: [[5], [5]], half, run: (a, b) => ops.dot(a, b), reference: composed.dot },
  {
    name: 'diagonal below',
    shapes: [[2, 4, 3]],
    half,
    run: (x) => ops.diagonal(x, -1),
    reference: (x) => composed.diagonal(x, -1),
  },
  { name: 'diag of a vector, above', shapes: [[3]], half, run: (x) => ops.diag(x, 2), reference: (x) => composed.diag(x, 2) },
  { name: 'trace', shapes: [[2, 3, 4]], half, run: (x) => ops.trace(x), reference: composed.trace },
  {
    name: 'kron',
    shapes: [
      [2, 3],
      [3, 1, 2],
    ],
    half,
    run: (a, b) => ops.kron(a, b),
    reference: composed.kron,
  },
];

const order: readonly RuleCase[] = [
  {
    name: 'quantile',
    shapes: [[2, 5]],
    half,
    run: (x) => ops.quantile(x, 0.3, 1),
    reference: (x) => statistics.quantile(x, 0.3, [1]),
  },
  { name: 'median', shapes: [[4]], half, run: (x) => ops.median(x), reference: (x) => statistics.quantile(x, 0.5) },
  {
    name: 'nanmean',
    shapes: [[2, 3]],
    half,
    run: (x) => scope(() => ops.nanmean(ops.where(constant(x, [1, 0, 0], [3], 'bool'), Number.NaN, x), 1)),
    reference: (x) => array.build([2], ([i = 0]) => (array.get(x, [i, 1]) + array.get(x, [i, 2])) / 2),
  },
  {
    name: 'rot90',
    shapes: [[2, 3]],
    half,
    run: (x) => ops.rot90(x),
    reference: (x) => array.build([3, 2], ([i = 0, j = 0]) => array.get(x, [j, 2 - i])),
  },
];

const waves: readonly RuleCase[] = [
  {
    name: 'fft',
    shapes: [
      [2, 8],
      [2, 8],
    ],
    half,
    run: (re, im) =>
      scope(() => {
        const y = ops.fft({ re, im });
        return ops.add(ops.square(y.re), y.im);
      }),
    reference: (re, im) => {
      const y = fourier({ re, im }, -1, -1);
      return array.map(y.re, (value, i) => value * value + y.im.data[i]!);
    },
  },
  {
    name: 'rfft of an odd length, the real part alone',
    shapes: [[5, 2]],
    half,
    run: (x) => scope(() => ops.rfft(x, 0).re),
    reference: (x) => array.slice(fourier({ re: x }, 0, -1).re, [{ stop: 3 }]),
  },
  {
    name: 'irfft',
    shapes: [[4], [4]],
    half,
    run: (re, im) => ops.irfft({ re, im }),
    reference: (re, im) => {
      const whole = (part: Ref, sign: number): Ref =>
        array.build([6], ([i = 0]) => (i < 4 ? part.data[i]! : sign * part.data[6 - i]!));
      return fourier({ re: whole(re, 1), im: whole(im, -1) }, 0, 1, 1 / 6).re;
    },
  },
];

const gates: readonly RuleCase[] = [
  { name: 'glu', shapes: [[3, 4]], half, run: (x) => ops.glu(x), reference: (x) => composed.glu(x) },
  {
    name: 'prelu',
    shapes: [[2, 3, 2], [3]],
    half,
    run: (x, w) => ops.prelu(x, w),
    reference: composed.prelu,
    adjust: (x) => (Math.abs(x) < 0.05 ? x + 0.1 : x),
  },
];

const losses: readonly RuleCase[] = [
  ...(['mean', 'sum', 'none'] as const).flatMap((reduction): RuleCase[] => [
    {
      name: `bce, ${reduction}`,
      shapes: [[3, 2], [3, 2], [2]],
      half,
      domain: [
        [0.1, 0.9],
        [0, 1],
        [0.5, 2],
      ],
      run: (x, t, weight) => ops.bce(x, t, { reduction, weight }),
      reference: (x, t, weight) => composed.bce(x, t, { reduction, weight }),
    },
    {
      name: `bceWithLogits, ${reduction}`,
      shapes: [[3, 2], [3, 2], [2]],
      half,
      domain: [
        [-3, 3],
        [0, 1],
        [0.5, 2],
      ],
      run: (x, t, positiveWeight) => ops.bceWithLogits(x, t, { reduction, positiveWeight }),
      reference: (x, t, weight) => composed.bceWithLogits(x, t, { reduction, positiveWeight: weight }),
    },
    {
      name: `huberLoss, ${reduction}`,
      shapes: [
        [3, 3],
        [3, 3],
      ],
      half,
      domain: [
        [-3, 3],
        [-0.01, 0.01],
      ],
      adjust: (x) => (Math.abs(Math.abs(x) - 0.7) < 0.1 ? x + 0.3 : x),
      run: (x, t) => ops.huberLoss(x, t, { reduction, delta: 0.7 }),
      reference: (x, t) => composed.huberLoss(x, t, { reduction, delta: 0.7 }),
    },
    {
      name: `nllLoss, ${reduction}`,
      shapes: [[4, 3]],
      half,
      run: (x) => scope(() => ops.nllLoss(x, of(x, labels, 'i32'), { reduction, weight: of(x, classWeights) })),
      reference: (x) => composed.nllLoss(x, labels, { reduction, weight: classWeights }),
    },
    {
      name: `softCrossEntropy, ${reduction}`,
      shapes: [
        [3, 4],
        [3, 4],
      ],
      half,
      domain: [
        [-1, 1],
        [0, 1],
      ],
      run: (x, t) => ops.softCrossEntropy(x, t, { reduction, labelSmoothing: 0.1 }),
      reference: (x, t) => composed.softCrossEntropy(x, t, { reduction, labelSmoothing: 0.1 }),
    },
  ]),
  {
    name: 'smoothL1Loss',
    shapes: [[9], [9]],
    half,
    domain: [
      [-3, 3],
      [-0.01, 0.01],
    ],
    adjust: (x) => (Math.abs(Math.abs(x) - 0.5) < 0.1 ? x + 0.3 : x),
    run: (x, t) => ops.smoothL1Loss(x, t, { beta: 0.5 }),
    reference: (x, t) => array.map(composed.huberLoss(x, t, { delta: 0.5 }), (v) => v / 0.5),
  },
];

export const composedCases: readonly RuleCase[] = [...running, ...matrices, ...order, ...waves, ...gates, ...losses];
