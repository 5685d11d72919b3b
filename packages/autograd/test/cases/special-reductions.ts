/** Reductions, scans and order at special points. */
import * as ops from '@mudpt/tensor';
import { inf, nan, rowOfNaN, none, nans, type SpecialCase } from './special-case.ts';

export const reductionPoints: readonly SpecialCase[] = [
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
