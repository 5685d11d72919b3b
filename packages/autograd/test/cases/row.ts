/** Ops over the last axis: norms, softmax, losses. */
import * as ops from '@mudpt/tensor';
import { scope, type Tensor } from '@mudpt/tensor';
import * as array from '@mudpt/testing/reference/array';
import * as nn from '@mudpt/testing/reference/nn';
import { constant, type RuleCase } from '../rule-check.ts';

type Ref = array.Ref;

const labels = array.ref([3], [1, 4, 0]);
const target = array.ref([2, 3], [0.1, 0.5, -1, 0.3, 0.2, 0.9]);
const targetProbabilities = nn.softmax(target);

const meanOf = (x: Ref, y: Ref, f: (difference: number) => number): Ref =>
  array.ref([], [x.data.reduce((sum, v, i) => sum + f(v - y.data[i]!), 0) / x.data.length]);
const targetOf = (x: Tensor): Tensor => constant(x, target.data, target.shape, x.dtype);

const norms: readonly RuleCase[] = [
  {
    name: 'layerNorm',
    shapes: [[3, 7], [7], [7]],
    run: (x, w, b) => ops.layerNorm(x, w, b),
    reference: (x, weight, bias) => nn.layerNorm(x, { weight, bias }).out,
  },
  {
    name: 'layerNorm with a weight of another precision',
    shapes: [[3, 8], [8], [8]],
    run: (x, w, b) => ops.layerNorm(x, w, b),
    reference: (x, weight, bias) => nn.layerNorm(x, { weight, bias }).out,
    half: ['f16', 'f32', 'f32'],
  },
  {
    name: 'rmsNorm',
    shapes: [[3, 7], [7]],
    run: (x, w) => ops.rmsNorm(x, w),
    reference: (x, weight) => nn.rmsNorm(x, { weight, eps: 1e-6 }).out,
  },
  { name: 'l2Normalize', shapes: [[3, 7]], run: (x) => ops.l2Normalize(x), reference: (x) => nn.l2Normalize(x) },
  {
    name: 'addLayerNorm, both outputs used',
    shapes: [[3, 8], [3, 8], [8], [8]],
    run: (x, r, w, b) =>
      scope(() => {
        const { sum, out } = ops.addLayerNorm(x, r, w, b);
        return ops.mul(sum, out);
      }),
    reference: (x, r, weight, bias) => {
      const sum = array.map(x, (v, i) => v + r.data[i]!);
      const { out } = nn.layerNorm(sum, { weight, bias });
      return array.map(sum, (v, i) => v * out.data[i]!);
    },
  },
];

const losses: readonly RuleCase[] = [
  { name: 'softmax', shapes: [[3, 5]], run: (x) => ops.softmax(x), reference: (x) => nn.softmax(x) },
  { name: 'softmax over rows', shapes: [[3, 5]], run: (x) => ops.softmax(x, 0), reference: (x) => nn.softmax(x, 0) },
  { name: 'logSoftmax', shapes: [[3, 5]], run: (x) => ops.logSoftmax(x), reference: (x) => nn.logSoftmax(x) },
  ...(['mean', 'sum', 'none'] as const).map(
    (reduction): RuleCase => ({
      name: `crossEntropy, ${reduction}`,
      shapes: [[3, 5]],
      run: (x) => scope(() => ops.crossEntropy(x, constant(x, labels.data, labels.shape), { reduction, labelSmoothing: 0.1 })),
      reference: (x) => nn.crossEntropy(x, labels, { reduction, labelSmoothing: 0.1 }),
    }),
  ),
  {
    name: 'mseLoss',
    shapes: [
      [3, 5],
      [3, 5],
    ],
    run: (x, y) => ops.mseLoss(x, y),
    reference: (x, y) => meanOf(x, y, (d) => d * d),
  },
  {
    name: 'l1Loss',
    shapes: [
      [3, 5],
      [3, 5],
    ],
    run: (x, y) => ops.l1Loss(x, y),
    reference: (x, y) => meanOf(x, y, Math.abs),
    domain: [
      [1, 2],
      [-1, 0],
    ],
  },
  {
    name: 'mseLoss of each element',
    shapes: [
      [3, 5],
      [3, 5],
    ],
    run: (x, y) => ops.mseLoss(x, y, { reduction: 'none' }),
    reference: (x, y) => array.map(x, (v, i) => (v - y.data[i]!) ** 2),
  },
  {
    name: 'l1Loss of each element',
    shapes: [[7], [7]],
    run: (x, y) => ops.l1Loss(x, y, { reduction: 'none' }),
    reference: (x, y) => array.map(x, (v, i) => Math.abs(v - y.data[i]!)),
    domain: [
      [1, 2],
      [-1, 0],
    ],
  },
  {
    name: 'klDiv',
    shapes: [[2, 3]],
    run: (x) => scope(() => ops.klDiv(x, targetOf(x), { reduction: 'sum' })),
    reference: (x) => {
      const p = nn.logSoftmax(x);
      return array.ref([], [targetProbabilities.data.reduce((sum, v, i) => sum + v * (Math.log(v) - p.data[i]!), 0)]);
    },
  },
];

export const rowCases: readonly RuleCase[] = [...norms, ...losses];
