/** Ops on images: convolutions, pools, resizing and sampling, padding with cells, norms by channel. */
import * as ops from '@mudpt/tensor';
import { scope } from '@mudpt/tensor';
import { build, get } from '@mudpt/testing/reference/array';
import * as norm from '@mudpt/testing/reference/channel-norm';
import { convNd, convTransposeNd } from '@mudpt/testing/reference/conv-nd';
import { adaptivePoolNd, poolNd } from '@mudpt/testing/reference/pool';
import { random } from '@mudpt/testing/reference/inputs';
import { gridSample, padWith, resizeAxis } from '@mudpt/testing/reference/resize';
import { constant, type RuleCase } from '../rule-check.ts';

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
    shapes: [[1, 2, 3, 3, 2], [2, 1, 2, 2, 1], [2]],
    half,
    run: (x, w, b) => ops.conv3d(x, w, b, { padding: [1, 0, 0], dilation: [2, 1, 1], groups: 2 }),
    reference: (x, w, bias) => convNd(x, w, { before: [1, 0, 0], after: [1, 0, 0], dilation: [2, 1, 1], groups: 2, bias }),
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
      [2, 1, 2],
    ],
    half,
    run: (x, w) => ops.convTranspose1d(x, w, undefined, { stride: 2, dilation: 2, groups: 2 }),
    reference: (x, w) => convTransposeNd(x, w, { stride: [2], dilation: [2], groups: 2 }),
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

const halfPixel = (input: number, output: number) => (i: number) => ((i + 0.5) * input) / output - 0.5;

/** Moves coordinates of a grid over three cells away from where the derivative jumps. */
const withinCells = (at: number): number => {
  const cell = (at + 1) * 1.5 - 0.5;
  const before = Math.floor(cell);
  return (before + 0.25 + 0.5 * (cell - before) + 0.5) / 1.5 - 1;
};

const resizes: readonly RuleCase[] = [
  {
    name: 'resize, linear, one axis more and one less',
    shapes: [[1, 2, 3, 4]],
    run: (x) => ops.resize(x, { size: [5, 2], mode: 'linear' }),
    reference: (x) =>
      resizeAxis(resizeAxis(x, 2, { output: 5, place: halfPixel(3, 5), mode: 'linear' }), 3, {
        output: 2,
        place: halfPixel(4, 2),
        mode: 'linear',
      }),
  },
  {
    name: 'resize, cubic with antialias',
    shapes: [[1, 2, 7]],
    half,
    run: (x) => ops.resize(x, { size: 3, mode: 'cubic', antialias: true }),
    reference: (x) =>
      resizeAxis(x, 2, { output: 3, place: halfPixel(7, 3), mode: 'cubic', a: -0.5, stretch: 7 / 3, excludeOutside: true }),
  },
  {
    name: 'resize, nearest',
    shapes: [[1, 1, 5]],
    half,
    run: (x) => ops.resize(x, { size: 3 }),
    reference: (x) => resizeAxis(x, 2, { output: 3, place: (i) => (i * 5) / 3, mode: 'nearest', round: Math.floor }),
  },
  ...(
    [
      ['linear', 'zeros'],
      ['linear', 'reflection'],
      ['cubic', 'reflection'],
      ['cubic', 'border'],
    ] as const
  ).map(
    ([mode, padding]): RuleCase => ({
      name: `gridSample, ${mode}, ${padding}`,
      shapes: [
        [1, 2, 2, 2],
        [1, padding === 'border' ? 5 : 2, 3, 3],
      ],
      half: 'f32 only',
      domain: [
        [-1.2, 1.2],
        [-1, 1],
      ],
      adjust: withinCells,
      run: (grid, x) => ops.gridSample(x, grid, { mode, padding }),
      reference: (grid, x) => gridSample(x, grid, { mode, padding }),
    }),
  ),
  {
    name: 'affineGrid',
    shapes: [[2, 2, 3]],
    half: 'f32 only',
    run: (theta) => ops.affineGrid(theta, [2, 3]),
    reference: (theta) =>
      build([2, 2, 3, 2], ([n, i, j, axis]) =>
        [(2 * j! + 1) / 3 - 1, (2 * i! + 1) / 2 - 1, 1].reduce((sum, v, k) => sum + v * get(theta, [n!, axis!, k]), 0),
      ),
  },
  ...(['reflect', 'replicate', 'circular'] as const).map(
    (mode): RuleCase => ({
      name: `pad, ${mode}`,
      shapes: [[3, 4]],
      half,
      run: (x) =>
        ops.pad(
          x,
          [
            [1, 2],
            [-1, 2],
          ],
          mode,
        ),
      reference: (x) =>
        padWith(
          x,
          [
            [1, 2],
            [-1, 2],
          ],
          mode,
        ),
    }),
  ),
  {
    name: 'pixelShuffle',
    shapes: [[1, 4, 2, 1]],
    half,
    run: (x) => ops.pixelShuffle(x, 2),
    reference: (x) => build([1, 1, 4, 2], ([n, , h, w]) => get(x, [n!, 2 * (h! % 2) + (w! % 2), Math.floor(h! / 2), 0])),
  },
];

/** A constant input of norms. */
const normed = random([2, 2, 3], 5);

const norms: readonly RuleCase[] = [
  {
    name: 'batchNorm, given statistics',
    shapes: [[2, 3, 2], [3], [3], [3], [3]],
    half,
    domain: [
      [-1, 1],
      [-1, 1],
      [0.5, 2],
    ],
    run: (x, mean, variance, w, b) => ops.batchNorm(x, mean, variance, w, b),
    reference: (x, mean, variance, weight, bias) => norm.batchNorm(x, mean, variance, { weight, bias }),
  },
  ...(['out', 'mean', 'variance'] as const).map(
    (part): RuleCase => ({
      name: `batchNormTraining, ${part}`,
      shapes: part === 'out' ? [[2, 2, 3], [2], [2]] : [[2, 2, 3]],
      half,
      run: (x, w, b) => scope(() => ops.batchNormTraining(x, w, b)[part]),
      reference: (x, weight, bias) => norm.batchNormTraining(x, { ...(weight && { weight }), ...(bias && { bias }) })[part],
    }),
  ),
  // Of input, weight and bias any may be learnt; what is not learnt is a constant, and the statistics of a constant input are constants, too.
  ...(['weight', 'bias', 'weight and bias'] as const).map(
    (learnt): RuleCase => ({
      name: `batchNormTraining, ${learnt} alone`,
      shapes: learnt === 'weight and bias' ? [[2], [2]] : [[2]],
      half,
      run: (first, second) =>
        scope(() => {
          const x = constant(first, normed.data, normed.shape, 'f32');
          return learnt === 'bias' ? ops.batchNormTraining(x, undefined, first).out : ops.batchNormTraining(x, first, second).out;
        }),
      reference: (first, second) =>
        norm.batchNormTraining(normed, learnt === 'bias' ? { bias: first } : { weight: first, ...(second && { bias: second }) })
          .out,
    }),
  ),
  {
    name: 'batchNormTraining, input and bias',
    shapes: [[2, 2, 3], [2]],
    half,
    run: (x, b) => scope(() => ops.batchNormTraining(x, undefined, b).out),
    reference: (x, bias) => norm.batchNormTraining(x, { bias }).out,
  },
  {
    name: 'groupNorm',
    shapes: [[2, 4, 3], [4], [4]],
    half,
    run: (x, w, b) => ops.groupNorm(x, 2, w, b),
    reference: (x, weight, bias) => norm.groupNorm(x, 2, { weight, bias }),
  },
  {
    name: 'localResponseNorm',
    shapes: [[1, 5, 2]],
    half,
    run: (x) => ops.localResponseNorm(x, 3, { alpha: 0.9, k: 2 }),
    reference: (x) => norm.localResponseNorm(x, 3, { alpha: 0.9, k: 2 }),
  },
];

export const imageCases: readonly RuleCase[] = [...convolutions, ...pools, ...resizes, ...norms];
