/** Operators that show, move, pick, put and make elements. */
import { build, get, map, permute, type Ref, ref, reshape, expand, slice } from '@mudpt/testing/reference/array';
import { cat, gather, gatherND, pad, scatter, split, tril, triu } from '@mudpt/testing/reference/indexing';
import { oneHot } from '@mudpt/testing/reference/nn';
import { bool, type Case, constant, float, floats, int, ints, normal, SHAPE, sizes, typed, whole } from './case.ts';

const x = normal(SHAPE, 31);
const [a, b] = [normal([2, 3], 32), normal([2, 3], 33)];

const reshaped = (name: string, shape: readonly number[], to: readonly number[], attributes: Case['attributes'] = {}): Case => ({
  name: `test_reshape_${name}`,
  op: 'Reshape',
  attributes,
  inputs: [float(x), sizes(...shape)],
  expected: [float(reshape(x, to))],
});

const sliced = (name: string, inputs: readonly (readonly number[])[], expected: Ref): Case => ({
  name: `test_slice${name}`,
  op: 'Slice',
  inputs: [float(x), ...inputs.map((list) => sizes(...list))],
  expected: [float(expected)],
});

/** Whole slices by an index of any rank. */
const taken = (v: Ref, axis: number, index: Ref): Ref => {
  const [before, after] = [v.shape.slice(0, axis), v.shape.slice(axis + 1)];
  return build([...before, ...index.shape, ...after], (at) => {
    const place = get(index, at.slice(axis, axis + index.shape.length));
    const size = v.shape[axis] ?? 1;
    return get(v, [...at.slice(0, axis), place < 0 ? place + size : place, ...at.slice(axis + index.shape.length)]);
  });
};
const gathered = (name: string, axis: number, index: Ref): Case => ({
  name: `test_gather_${name}`,
  op: 'Gather',
  attributes: { axis },
  inputs: [float(x), typed('int64', index)],
  expected: [float(taken(x, axis, index))],
});

const [data, indices, updates] = [normal([3, 3], 34), ref([2, 3], [1, 0, 2, 0, 2, 1]), normal([2, 3], 35)];
const scattered = (['none', 'add', 'mul', 'max', 'min'] as const).map((reduction): Case => ({
  name: `test_scatter_elements_with_${reduction === 'none' ? 'axis' : `reduction_${reduction}`}`,
  op: 'ScatterElements',
  opset: 18,
  attributes: { axis: 0, reduction },
  inputs: [float(data), typed('int64', indices), float(updates)],
  expected: [float(scatter(data, 0, indices, updates, reduction === 'none' ? 'set' : reduction))],
}));

const padded = (mode: string, place: (at: number, size: number) => number): Case => ({
  name: `test_${mode}_pad`,
  op: 'Pad',
  opset: 19,
  attributes: { mode },
  inputs: [float(x), sizes(0, 1, 2, 0, 2, 1)],
  expected: [float(build([3, 7, 8], ([i = 0, j = 0, k = 0]) => get(x, [i, place(j - 1, 4), place(k - 2, 5)])))],
});
const clamp = (at: number, size: number): number => Math.min(Math.max(at, 0), size - 1);
const mirror = (at: number, size: number): number => (at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at);
const wrap = (at: number, size: number): number => (at + size) % size;

const image = normal([1, 8, 2, 3], 36);
const moved = (blocks: readonly number[], order: readonly number[], to: readonly number[]): Ref =>
  reshape(permute(reshape(image, blocks), order), to);
const [wide] = [normal([1, 2, 4, 6], 37)];

const parts = split(x, [1, 3], 1);
const ids = whole(0, 5, [3, 4], 38);

export const viewCases: readonly Case[] = [
  reshaped('reordered_all_dims', [5, 3, 4], [5, 3, 4]),
  reshaped('reduced_dims', [3, 20], [3, 20]),
  reshaped('negative_dim', [6, -1, 2], [6, 5, 2]),
  reshaped('zero_dim', [0, -1], [3, 20]),
  { ...reshaped('zero_and_negative_dim', [0, 2, -1], [3, 2, 10]) },
  {
    name: 'test_reshape_allowzero_reordered',
    op: 'Reshape',
    attributes: { allowzero: 1 },
    inputs: [float(ref([0, 3, 4], [])), sizes(3, 4, 0)],
    expected: [float(ref([3, 4, 0], []))],
  },
  floats('test_transpose_default', 'Transpose', [x], permute(x, [2, 1, 0])),
  floats('test_transpose_all_permutations_1', 'Transpose', [x], permute(x, [0, 2, 1]), { perm: [0, 2, 1] }),
  floats('test_flatten_axis0', 'Flatten', [x], reshape(x, [1, 60]), { axis: 0 }),
  floats('test_flatten_axis2', 'Flatten', [x], reshape(x, [12, 5]), { axis: 2 }),
  floats('test_flatten_negative_axis1', 'Flatten', [x], reshape(x, [12, 5]), { axis: -1 }),
  { name: 'test_squeeze', op: 'Squeeze', inputs: [float(reshape(x, [1, 3, 4, 5])), sizes(0)], expected: [float(x)] },
  { name: 'test_unsqueeze_unsorted_axes', op: 'Unsqueeze', inputs: [float(a), sizes(3, 0)], expected: [float(reshape(a, [1, 2, 3, 1]))] },
  { ...floats('test_unsqueeze_opset11', 'Unsqueeze', [a], reshape(a, [2, 1, 3]), { axes: [1] }), opset: 11 },
  floats('test_concat_2d_axis_0', 'Concat', [a, b], cat([a, b], 0), { axis: 0 }),
  floats('test_concat_2d_axis_negative_1', 'Concat', [a, b], cat([a, b], 1), { axis: -1 }),
  {
    name: 'test_split_variable_parts_2d_opset18',
    op: 'Split',
    opset: 18,
    attributes: { axis: 1 },
    inputs: [float(x), sizes(1, 3)],
    expected: parts.map(float),
  },
  {
    name: 'test_split_1d_uneven_split_opset18',
    op: 'Split',
    opset: 18,
    attributes: { num_outputs: 3 },
    inputs: [float(ref([7], [1, 2, 3, 4, 5, 6, 7]))],
    expected: [float(ref([3], [1, 2, 3])), float(ref([3], [4, 5, 6])), float(ref([1], [7]))],
  },
  sliced('', [[0, 1], [2, 3], [0, 1], [1, 1]], slice(x, [{ start: 0, stop: 2 }, { start: 1, stop: 3 }])),
  sliced('_default_axes', [[0, 0, 3], [3, 4, 4]], slice(x, [null, null, { start: 3, stop: 4 }])),
  sliced('_end_out_of_bounds', [[1], [1000], [1], [1]], slice(x, [null, { start: 1 }])),
  sliced('_negative_axes', [[0, 0, 3], [3, 4, 4], [0, -2, -1]], slice(x, [null, null, { start: 3, stop: 4 }])),
  sliced('_neg_steps', [[20, 10, 4], [0, 0, 1], [0, 1, 2], [-1, -3, -2]], slice(x, [{ start: 20, stop: 0, step: -1 }, { start: 10, stop: 0, step: -3 }, { start: 4, stop: 1, step: -2 }])),
  sliced('_to_the_front', [[-1], [Number.MIN_SAFE_INTEGER], [2], [-1]], slice(x, [null, null, { step: -1 }])),
  { name: 'test_expand_dim_changed', op: 'Expand', inputs: [float(ref([3, 1], [1, 2, 3])), sizes(2, 1, 6)], expected: [float(expand(ref([3, 1], [1, 2, 3]), [2, 3, 6]))] },
  { name: 'test_tile', op: 'Tile', inputs: [float(a), sizes(2, 2)], expected: [float(cat([cat([a, a], 1), cat([a, a], 1)], 0))] },
  gathered('0', 0, ref([3], [0, 1, 1])),
  gathered('1', 1, ref([2, 2], [0, 1, 3, 2])),
  gathered('negative_indices', 2, ref([3], [0, -1, -3])),
  gathered('scalar', 1, ref([], [2])),
  {
    name: 'test_gather_elements_0',
    op: 'GatherElements',
    attributes: { axis: 1 },
    inputs: [float(data), typed('int64', indices)],
    expected: [float(gather(data, 1, indices))],
  },
  {
    name: 'test_gathernd_example_float32',
    op: 'GatherND',
    inputs: [float(x), typed('int64', ref([2, 2], [0, 1, 2, 3]))],
    expected: [float(gatherND(x, ref([2, 2], [0, 1, 2, 3])))],
  },
  {
    name: 'test_gathernd_example_int32_batch_dim1',
    op: 'GatherND',
    attributes: { batch_dims: 1 },
    inputs: [float(x), typed('int64', ref([3, 1], [1, 0, 3]))],
    expected: [float(gatherND(x, ref([3, 2], [0, 1, 1, 0, 2, 3])))],
  },
  ...scattered,
  {
    name: 'test_scatternd',
    op: 'ScatterND',
    inputs: [float(data), typed('int64', ref([2, 1], [2, 0])), float(updates)],
    expected: [float(build([3, 3], ([i = 0, j = 0]) => (i === 1 ? get(data, [1, j]) : get(updates, [i === 2 ? 0 : 1, j]))))],
  },
  {
    name: 'test_constant_pad',
    op: 'Pad',
    inputs: [float(x), sizes(0, 1, 2, 0, 2, 1), constant(float(ref([], [1.2])))],
    expected: [float(pad(x, [[0, 0], [1, 2], [2, 1]], 1.2))],
  },
  {
    name: 'test_constant_pad_axes',
    op: 'Pad',
    inputs: [float(x), sizes(1, 2), undefined, sizes(1)],
    expected: [float(pad(x, [[0, 0], [1, 2], [0, 0]]))],
  },
  padded('edge', clamp),
  padded('reflect', mirror),
  padded('wrap', wrap),
  floats('test_depthtospace_example', 'DepthToSpace', [image], moved([1, 2, 2, 2, 2, 3], [0, 3, 4, 1, 5, 2], [1, 2, 4, 6]), { blocksize: 2 }),
  floats('test_depthtospace_crd_mode_example', 'DepthToSpace', [image], moved([1, 2, 2, 2, 2, 3], [0, 1, 4, 2, 5, 3], [1, 2, 4, 6]), { blocksize: 2, mode: 'CRD' }),
  floats('test_spacetodepth', 'SpaceToDepth', [wide], reshape(permute(reshape(wide, [1, 2, 2, 2, 3, 2]), [0, 3, 5, 1, 2, 4]), [1, 8, 2, 3]), { blocksize: 2 }),
  floats('test_triu', 'Trilu', [x], triu(x)),
  { name: 'test_tril_neg', op: 'Trilu', attributes: { upper: 0 }, inputs: [float(x), constant(int(-1))], expected: [float(tril(x, -1))] },
  {
    name: 'test_onehot_with_axis',
    op: 'OneHot',
    attributes: { axis: -1 },
    inputs: [typed('int64', ids), constant(int(5)), constant(float(ref([2], [0, 3])))],
    expected: [float(map(oneHot(ids, 5), (value) => 3 * value))],
  },
  { name: 'test_eyelike_with_dtype', op: 'EyeLike', attributes: { k: 1, dtype: 1 }, inputs: [typed('int32', ref([2, 3], [1, 2, 3, 4, 5, 6]))], expected: [float(ref([2, 3], [0, 1, 0, 0, 0, 1]))] },
  { name: 'test_shape', op: 'Shape', inputs: [float(x)], expected: [ints(3, 4, 5)] },
  { name: 'test_shape_start_1_end_negative_1', op: 'Shape', attributes: { start: 1, end: -1 }, inputs: [float(x)], expected: [ints(4)] },
  { name: 'test_constantofshape_float_ones', op: 'ConstantOfShape', attributes: { value: { tensor: { type: 'float', shape: [1], data: [1] } } }, inputs: [ints(2, 3)], expected: [float(ref([2, 3], [1, 1, 1, 1, 1, 1]))] },
  { name: 'test_range_int32_type_negative_delta', op: 'Range', inputs: [typed('int32', ref([], [10])), typed('int32', ref([], [6])), typed('int32', ref([], [-3]))], expected: [typed('int32', ref([2], [10, 7]))] },
  { name: 'test_nonzero_example', op: 'NonZero', inputs: [bool(ref([2, 2], [1, 0, 1, 1]))], expected: [typed('int64', ref([2, 3], [0, 1, 1, 0, 0, 1]))] },
  { name: 'test_compress_0', op: 'Compress', attributes: { axis: 0 }, inputs: [float(data), bool(ref([3], [0, 1, 1]))], expected: [float(slice(data, [{ start: 1 }]))] },
  {
    name: 'test_unique_sorted_without_axis',
    op: 'Unique',
    inputs: [float(ref([6], [2, 1, 1, 3, 4, 3]))],
    expected: [float(ref([4], [1, 2, 3, 4])), ints(1, 0, 3, 4), ints(1, 0, 0, 2, 3, 2), ints(2, 1, 2, 1)],
  },
  {
    name: 'test_reversesequence_batch',
    op: 'ReverseSequence',
    attributes: { time_axis: 1, batch_axis: 0 },
    inputs: [float(ref([2, 3], [0, 1, 2, 3, 4, 5])), sizes(2, 3)],
    expected: [float(ref([2, 3], [1, 0, 2, 5, 4, 3]))],
  },
  { name: 'test_center_crop_pad_crop', op: 'CenterCropPad', inputs: [float(x), sizes(1, 2, 7)], expected: [float(pad(x, [[-1, -1], [-1, -1], [1, 1]]))] },
];

