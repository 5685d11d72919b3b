/** Normalizations, attention, recurrence and signals. */
import { build, expand, get, map, permute, type Ref, ref, reshape, transpose } from '@mudpt/testing/reference/array';
import { attention } from '@mudpt/testing/reference/attention';
import { stack } from '@mudpt/testing/reference/indexing';
import { matmul } from '@mudpt/testing/reference/matmul';
import { layerNorm, rmsNorm, softmax } from '@mudpt/testing/reference/nn';
import * as R from '@mudpt/testing/reference/reduce';
import { between, bool, type Case, constant, float, floats, int, normal, typed } from './case.ts';
import { both } from './elementwise.ts';
import { image } from './images.ts';

const add = (a: Ref, b: Ref): Ref => both(a, b, (x, y) => x + y);
const mul = (a: Ref, b: Ref): Ref => both(a, b, (x, y) => x * y);
const channels = (v: Ref): Ref => reshape(v, [4, 1, 1]);
const [scale, shift, mean, variance] = [between(0.5, 2, [4], 71), normal([4], 72), normal([4], 73), between(0.5, 2, [4], 74)];
const normed = (x: Ref, axes: readonly number[], eps: number): Ref => {
  const centered = both(x, R.mean(x, { axes, keepdim: true }), (v, m) => v - m);
  return both(centered, R.variances(x, { axes, keepdim: true, correction: 0 }), (v, s) => v / Math.sqrt(s + eps));
};
const affine = (x: Ref): Ref => add(mul(x, channels(scale)), channels(shift));
const [tokens, weight, offset] = [normal([2, 3, 8], 75), between(0.5, 2, [8], 76), normal([8], 77)];
const grouped = reshape(normed(reshape(image, [2, 2, 84]), [2], 1e-5), image.shape);
const norms: Case[] = [
  floats(
    'test_batchnorm_example',
    'BatchNormalization',
    [image, scale, shift, mean, variance],
    affine(
      both(
        both(image, channels(mean), (v, m) => v - m),
        channels(variance),
        (v, s) => v / Math.sqrt(s + 1e-5),
      ),
    ),
  ),
  floats('test_instancenorm_example', 'InstanceNormalization', [image, scale, shift], affine(normed(image, [2, 3], 1e-5))),
  {
    ...floats('test_group_normalization_example', 'GroupNormalization', [image, scale, shift], affine(grouped), {
      num_groups: 2,
    }),
  },
  floats(
    'test_layer_normalization_default_axis',
    'LayerNormalization',
    [tokens, weight, offset],
    layerNorm(tokens, { weight, bias: offset }).out,
  ),
  floats(
    'test_layer_normalization_3d_axis1_epsilon',
    'LayerNormalization',
    [tokens, normal([3, 8], 78)],
    mul(normed(tokens, [1, 2], 0.1), normal([3, 8], 78)),
    { axis: 1, epsilon: { float: 0.1 } },
  ),
  {
    ...floats(
      'test_rms_normalization_default_axis',
      'RMSNormalization',
      [tokens, weight],
      rmsNorm(tokens, { weight, eps: 1e-5 }).out,
    ),
    opset: 23,
  },
  floats(
    'test_l2normalization_axis_1',
    'LpNormalization',
    [tokens],
    both(tokens, R.norm(tokens, { axes: [1], keepdim: true }), (v, n) => v / n),
    { axis: 1, p: 2 },
  ),
  { ...floats('test_mvn', 'MeanVarianceNormalization', [image], normed(image, [0, 2, 3], 0)), tolerance: 1e-5 },
  {
    name: 'test_dropout_default_mask',
    op: 'Dropout',
    inputs: [float(tokens)],
    expected: [float(tokens), bool(map(tokens, () => 1))],
  },
];

const heads = (x: Ref): Ref => permute(x, [0, 2, 1, 3]);
const [q, k, v] = [normal([2, 3, 4, 8], 81), normal([2, 3, 6, 8], 82), normal([2, 3, 6, 8], 83)];
const attended = heads(attention(heads(q), heads(k), heads(v)).out);
const mask = normal([4, 6], 84);
const scores = map(matmul(q, permute(k, [0, 1, 3, 2])), (s) => s / Math.sqrt(8));
const masked = matmul(softmax(add(scores, expand(mask, [2, 3, 4, 6]))), v);
const capped = matmul(softmax(map(scores, (s) => 2 * Math.tanh(s / 2))), v);
const attentions: Case[] = [
  { ...floats('test_attention_4d', 'Attention', [q, k, v], attended), opset: 23 },
  { ...floats('test_attention_4d_attn_mask', 'Attention', [q, k, v, mask], masked), opset: 23 },
  { ...floats('test_attention_4d_softcap', 'Attention', [q, k, v], capped, { softcap: { float: 2 } }), opset: 23 },
  {
    ...floats(
      'test_attention_3d',
      'Attention',
      [q, k, v].map((x) => reshape(heads(x), [2, x.shape[2]!, 24])),
      reshape(heads(attended), [2, 4, 24]),
      { q_num_heads: 3, kv_num_heads: 3 },
    ),
    opset: 23,
  },
];

const H = 3;
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const [sequence, w, r, gateBias] = [
  normal([4, 2, 5], 97),
  normal([1, 4 * H, 5], 98),
  normal([1, 4 * H, H], 99),
  normal([1, 8 * H], 100),
];
/** i, o, f, c of each step. */
function lstm(): { y: Ref; h: Ref; c: Ref } {
  const row = (x: Ref, step: number): Ref => build([2, 5], ([i = 0, j = 0]) => get(x, [step, i, j]));
  const [wi, ri] = [reshape(w, [4 * H, 5]), reshape(r, [4 * H, H])];
  const shift = build([4 * H], ([i = 0]) => gateBias.data[i]! + gateBias.data[i + 4 * H]!);
  let [h, c] = [build([2, H], () => 0), build([2, H], () => 0)];
  const all = [0, 1, 2, 3].map((step) => {
    const gates = add(add(matmul(row(sequence, step), transpose(wi)), matmul(h, transpose(ri))), shift);
    const gate = (index: number, f: (v: number) => number): Ref =>
      build([2, H], ([i = 0, j = 0]) => f(get(gates, [i, index * H + j])));
    c = add(mul(gate(2, sigmoid), c), mul(gate(0, sigmoid), gate(3, Math.tanh)));
    h = mul(gate(1, sigmoid), map(c, Math.tanh));
    return h;
  });
  return { y: reshape(stack(all), [4, 1, 2, H]), h: reshape(h, [1, 2, H]), c: reshape(c, [1, 2, H]) };
}
const states = lstm();
const recurrent: Case[] = [
  {
    name: 'test_lstm_with_initial_bias',
    op: 'LSTM',
    attributes: { hidden_size: H },
    inputs: [float(sequence), float(w), float(r), float(gateBias)],
    expected: [float(states.y), float(states.h), float(states.c)],
  },
];

const signal = normal([1, 8, 1], 101);
const spectrum = build([1, 8, 2], ([, f = 0, part = 0]) =>
  signal.data.reduce(
    (sum, value, t) => sum + value * (part === 0 ? Math.cos : (x: number) => -Math.sin(x))((2 * Math.PI * t * f) / 8),
    0,
  ),
);

export const layerCases: readonly Case[] = [
  ...norms,
  ...attentions,
  ...recurrent,
  { name: 'test_dft', op: 'DFT', opset: 20, inputs: [float(signal), undefined, constant(int(1))], expected: [float(spectrum)] },
  {
    name: 'test_hannwindow_symmetric',
    op: 'HannWindow',
    attributes: { periodic: 0 },
    inputs: [typed('int32', ref([], [5]))],
    expected: [float(ref([5], [0, 0.5, 1, 0.5, 0]))],
  },
];
