/** Reductions, positions, cumulative sums, softmax. */
import { build, get, map, normalizeAxis, type Ref, ref, reshape } from '@mudpt/testing/reference/array';
import { flip, pad } from '@mudpt/testing/reference/indexing';
import { logSoftmax, softmax } from '@mudpt/testing/reference/nn';
import * as R from '@mudpt/testing/reference/reduce';
import { between, type Case, constant, float, floats, ints, int, normal, SHAPE, sizes, typed, whole } from './case.ts';

const x = normal(SHAPE, 21);
const positive = between(0.2, 2, SHAPE, 22);
type Reduce = (x: Ref, options: { axes?: readonly number[]; keepdim?: boolean }) => Ref;
const reductions: readonly (readonly [op: string, name: string, reduce: Reduce])[] = [
  ['ReduceL1', 'l1', (v, options) => R.norm(v, { ...options, p: 1 })],
  ['ReduceL2', 'l2', (v, options) => R.norm(v, options)],
  ['ReduceLogSum', 'log_sum', (v, options) => map(R.sum(v, options), Math.log)],
  ['ReduceLogSumExp', 'log_sum_exp', R.logsumexp],
  ['ReduceMax', 'max', R.max],
  ['ReduceMean', 'mean', R.mean],
  ['ReduceMin', 'min', R.min],
  ['ReduceProd', 'prod', R.prod],
  ['ReduceSum', 'sum', R.sum],
  [
    'ReduceSumSquare',
    'sum_square',
    (v, options) =>
      R.sum(
        map(v, (value) => value * value),
        options,
      ),
  ],
];

const reduceCases = reductions.flatMap(([op, short, reduce]): Case[] => {
  const input = op === 'ReduceLogSum' ? positive : x;
  const name = `test_reduce_${short}`;
  return [
    floats(`${name}_default_axes_keepdims_random`, op, [input], reduce(input, { keepdim: true })),
    {
      name: `${name}_do_not_keepdims_random`,
      op,
      inputs: [float(input), sizes(1)],
      attributes: { keepdims: 0 },
      expected: [float(reduce(input, { axes: [1] }))],
    },
    {
      name: `${name}_keepdims_random`,
      op,
      inputs: [float(input), sizes(0, 2)],
      expected: [float(reduce(input, { axes: [0, 2], keepdim: true }))],
    },
    {
      name: `${name}_negative_axes_keepdims_random`,
      op,
      opset: op === 'ReduceSum' ? 13 : 17,
      attributes: op === 'ReduceSum' ? {} : { axes: [-2] },
      inputs: op === 'ReduceSum' ? [float(input), sizes(-2)] : [float(input)],
      expected: [float(reduce(input, { axes: [-2], keepdim: true }))],
    },
  ];
});

const tied = whole(0, 4, SHAPE, 23);
const last =
  (best: (line: readonly number[]) => number) =>
  (v: Ref, axis: number): Ref =>
    R.reduceWith(v, { axes: [axis], keepdim: true }, (values) => values.lastIndexOf(best(values)));
const positions = (['ArgMax', 'ArgMin'] as const).flatMap((op): Case[] => {
  const place = op === 'ArgMax' ? R.argmax : R.argmin;
  const lastPlace = last((line) => (op === 'ArgMax' ? Math.max : Math.min)(...line));
  const name = `test_${op.toLowerCase()}`;
  const one = (suffix: string, attributes: Case['attributes'], expected: Ref): Case => ({
    name: name + suffix,
    op,
    attributes,
    inputs: [float(tied)],
    expected: [typed('int64', expected)],
  });
  return [
    one('_default_axis_random', {}, place(tied, { axis: 0, keepdim: true })),
    one('_no_keepdims_random', { axis: 1, keepdims: 0 }, place(tied, { axis: 1 })),
    one('_negative_axis_keepdims_random', { axis: -1 }, place(tied, { axis: -1, keepdim: true })),
    one('_keepdims_example_select_last_index', { axis: 1, select_last_index: 1 }, lastPlace(tied, 1)),
  ];
});

const soft = (['Softmax', 'LogSoftmax', 'Hardmax'] as const).flatMap((op): Case[] => {
  const hard = (v: Ref, axis: number): Ref => {
    const at = normalizeAxis(axis, v.shape.length);
    const best = R.argmax(v, { axis: at, keepdim: true });
    return build(v.shape, (index) =>
      Number(
        index[at] ===
          get(
            best,
            index.map((i, k) => (k === at ? 0 : i)),
          ),
      ),
    );
  };
  const compute = op === 'Softmax' ? softmax : op === 'LogSoftmax' ? logSoftmax : hard;
  const name = `test_${op.toLowerCase()}`;
  const old = reshape(compute(reshape(x, [3, 20]), 1), SHAPE);
  return [
    ...[0, 1, 2].map((axis) => floats(`${name}_axis_${axis}`, op, [x], compute(x, axis), { axis })),
    floats(`${name}_default_axis`, op, [x], compute(x, -1)),
    floats(`${name}_negative_axis`, op, [x], compute(x, -1), { axis: -1 }),
    { ...floats(`${name}_opset11_axis_1`, op, [x], old, { axis: 1 }), opset: 11 },
  ];
});

const cumulative = (name: string, axis: number, attributes: Case['attributes'], expected: Ref): Case => ({
  name: `test_cumsum_${name}`,
  op: 'CumSum',
  attributes,
  inputs: [float(x), constant(int(axis))],
  expected: [float(expected)],
});
const exclusive = (v: Ref): Ref =>
  pad(v, [
    [0, 0],
    [0, 0],
    [1, -1],
  ]);

const top = R.topk(x, 2, { axis: 1 });
const bottom = R.topk(x, 3, { axis: -1, largest: false });

export const reduceTestCases: readonly Case[] = [
  ...reduceCases,
  ...positions,
  ...soft,
  cumulative('1d', 2, {}, R.cumsum(x, 2)),
  cumulative('2d_negative_axis', -1, {}, R.cumsum(x, -1)),
  cumulative('1d_exclusive', 2, { exclusive: 1 }, exclusive(R.cumsum(x, 2))),
  cumulative('1d_reverse', 2, { reverse: 1 }, flip(R.cumsum(flip(x, [2]), 2), [2])),
  cumulative('1d_reverse_exclusive', 2, { reverse: 1, exclusive: 1 }, flip(exclusive(R.cumsum(flip(x, [2]), 2)), [2])),
  {
    name: 'test_cumsum_int64',
    op: 'CumSum',
    inputs: [ints(1, 2, 3, 4), constant(int(0))],
    expected: [ints(1, 3, 6, 10)],
  },
  {
    name: 'test_reduce_sum_empty_axes_input_noop',
    op: 'ReduceSum',
    attributes: { noop_with_empty_axes: 1 },
    inputs: [float(x), sizes()],
    expected: [float(x)],
  },
  {
    name: 'test_reduce_l2_empty_axes_input_noop',
    op: 'ReduceL2',
    attributes: { noop_with_empty_axes: 1 },
    inputs: [float(x), sizes()],
    expected: [float(map(x, Math.abs))],
  },
  {
    name: 'test_reduce_sum_square_empty_axes_input_noop',
    op: 'ReduceSumSquare',
    attributes: { noop_with_empty_axes: 1 },
    inputs: [float(x), sizes()],
    expected: [float(map(x, (value) => value * value))],
  },
  {
    name: 'test_reduce_mean_int32_exact',
    op: 'ReduceMean',
    inputs: [typed('int32', ref([3, 3], [16777217, 16777217, 16777219, -16777217, -16777217, -16777219, -1, -2, 2])), sizes(1)],
    expected: [typed('int32', ref([3, 1], [16777217, -16777217, 0]))],
  },
  {
    name: 'test_reduce_max_bool_inputs',
    op: 'ReduceMax',
    inputs: [typed('bool', ref([2, 2], [1, 0, 0, 0])), sizes(1)],
    expected: [typed('bool', ref([2, 1], [1, 0]))],
  },
  {
    name: 'test_reduce_max_empty_set',
    op: 'ReduceMax',
    inputs: [float(ref([2, 0], [])), sizes(1)],
    expected: [float(ref([2, 1], [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]))],
  },
  {
    name: 'test_top_k',
    op: 'TopK',
    attributes: { axis: 1 },
    inputs: [float(x), sizes(2)],
    expected: [float(top.values), typed('int64', top.indices)],
  },
  {
    name: 'test_top_k_smallest',
    op: 'TopK',
    attributes: { axis: -1, largest: 0 },
    inputs: [float(x), ints(3)],
    expected: [float(bottom.values), typed('int64', bottom.indices)],
  },
];
