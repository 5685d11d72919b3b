/** Softmax, norms, losses and ops that pick elements at special points. */
import * as ops from '@mudpt/tensor';
import { scope, type Tensor } from '@mudpt/tensor';
import { constant } from '../rule-check.ts';
import { inf, nan, rowOfNaN, none, nans, type SpecialCase } from './special-case.ts';

const rowOfInfinity = [
  [1, inf, 2],
  [0, 0, 0],
];
const third = 1 / 3;
const beside = (value: readonly number[], rest: readonly number[]): number[] => [...value, ...rest];
const isClassOne = (x: Tensor): Tensor => constant(x, [1, 1], [2]);

const zeroBeside = [0, 0, 0];
export const rowPoints: readonly SpecialCase[] = [
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
