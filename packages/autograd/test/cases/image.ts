/** Convolutions and pools of every kind. */
import * as ops from '@mudpt/tensor';
import { scope } from '@mudpt/tensor';
import { convNd, convTransposeNd } from '@mudpt/testing/reference/conv-nd';
import { adaptivePoolNd, poolNd } from '@mudpt/testing/reference/pool';
import type { RuleCase } from '../rule-check.ts';

const half = 'made of ops that run in f16 elsewhere';

const convolutions: readonly RuleCase[] = [
  {
    name: 'conv1d with uneven padding, groups, bias',
    shapes: [[2, 4, 5], [4, 2, 2], [4]],
    half,
    run: (x, w, b) => ops.conv1d(x, w, b, { stride: 2, padding: [1, 2], groups: 2 }),
    reference: (x, w, bias) => convNd(x, w, { stride: [2], before: [1], after: [2], groups: 2, bias }),
  },
  {
    name: 'conv2d, same padding',
    shapes: [
      [1, 2, 4, 3],
      [2, 2, 2, 2],
    ],
    half,
    run: (x, w) => ops.conv2d(x, w, undefined, { padding: 'same', stride: [1, 2] }),
    reference: (x, w) => convNd(x, w, { before: [0, 0], after: [1, 1], stride: [1, 2] }),
  },
  {
    name: 'conv3d',
    shapes: [[1, 2, 3, 3, 2], [2, 2, 2, 2, 1], [2]],
    half,
    run: (x, w, b) => ops.conv3d(x, w, b, { padding: [1, 0, 0], dilation: [2, 1, 1] }),
    reference: (x, w, bias) => convNd(x, w, { before: [1, 0, 0], after: [1, 0, 0], dilation: [2, 1, 1], bias }),
  },
  {
    name: 'convTranspose2d with stride, padding, more output, groups, bias',
    shapes: [[2, 4, 2, 3], [4, 1, 3, 2], [2]],
    run: (x, w, b) => ops.convTranspose2d(x, w, b, { stride: 2, padding: [1, 0, 0, 1], outputPadding: [1, 0], groups: 2 }),
    reference: (x, w, bias) =>
      convTransposeNd(x, w, { stride: [2, 2], before: [1, 0], after: [0, 1], outputPadding: [1, 0], groups: 2, bias }),
  },
  {
    name: 'convTranspose1d',
    shapes: [
      [1, 2, 4],
      [2, 3, 2],
    ],
    half,
    run: (x, w) => ops.convTranspose1d(x, w, undefined, { stride: 2, dilation: 2 }),
    reference: (x, w) => convTransposeNd(x, w, { stride: [2], dilation: [2] }),
  },
];

/** Far apart: a step must not change which is largest. */
const apart = [[-40, 40]] as const;

const pools: readonly RuleCase[] = [
  {
    name: 'maxPool2d, uneven padding, ceilMode',
    shapes: [[1, 2, 5, 4]],
    half,
    domain: apart,
    run: (x) => ops.maxPool2d(x, 2, { stride: 2, padding: [1, 0, 0, 1], ceilMode: true }),
    reference: (x) => poolNd(x, [2, 2], { mode: 'max', stride: [2, 2], before: [1, 0], after: [0, 1], ceilMode: true }),
  },
  {
    name: 'maxPool2dWithIndices',
    shapes: [[1, 2, 3, 3]],
    half,
    domain: apart,
    run: (x) => scope(() => ops.maxPool2dWithIndices(x, 2, { stride: 1 }).values),
    reference: (x) => poolNd(x, [2, 2], { mode: 'max', stride: [1, 1] }),
  },
  {
    name: 'avgPool2d, ceilMode',
    shapes: [[1, 2, 4, 5]],
    half,
    run: (x) => ops.avgPool2d(x, [3, 2], { padding: 1, ceilMode: true }),
    reference: (x) => poolNd(x, [3, 2], { mode: 'mean', before: [1, 1], after: [1, 1], ceilMode: true }),
  },
  {
    name: 'maxPool1d',
    shapes: [[1, 2, 6]],
    half,
    domain: apart,
    run: (x) => ops.maxPool1d(x, 2, { dilation: 2, stride: 1 }),
    reference: (x) => poolNd(x, [2], { mode: 'max', dilation: [2], stride: [1] }),
  },
  {
    name: 'avgPool3d',
    shapes: [[1, 2, 3, 2, 3]],
    half,
    run: (x) => ops.avgPool3d(x, 2, { stride: 1 }),
    reference: (x) => poolNd(x, [2, 2, 2], { mode: 'mean', stride: [1, 1, 1] }),
  },
  {
    name: 'adaptiveMaxPool2d',
    shapes: [[1, 2, 5, 4]],
    half,
    domain: apart,
    run: (x) => ops.adaptiveMaxPool2d(x, [3, 2]),
    reference: (x) => adaptivePoolNd(x, [3, 2], 'max'),
  },
  {
    name: 'adaptiveAvgPool2d, fewer and more',
    shapes: [[1, 2, 5, 2]],
    half,
    run: (x) => ops.adaptiveAvgPool2d(x, [3, 5]),
    reference: (x) => adaptivePoolNd(x, [3, 5], 'mean'),
  },
];

export const imageCases: readonly RuleCase[] = [...convolutions, ...pools];
