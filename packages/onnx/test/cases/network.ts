/** Products, convolutions, pools, normalizations, attention, recurrence, quantization, losses, resampling. */
import { build, expand, get, map, permute, type Ref, ref, reshape, transpose } from '@mudpt/testing/reference/array';
import { attention } from '@mudpt/testing/reference/attention';
import { avgPool2d, conv2d, maxPool2d } from '@mudpt/testing/reference/conv';
import { pad, stack } from '@mudpt/testing/reference/indexing';
import { einsum, matmul } from '@mudpt/testing/reference/matmul';
import { layerNorm, linear, logSoftmax, rmsNorm, softmax } from '@mudpt/testing/reference/nn';
import * as R from '@mudpt/testing/reference/reduce';
import { between, bool, type Case, constant, float, floats, int, normal, sizes, typed, whole } from './case.ts';
import { both } from './elementwise.ts';

const add = (a: Ref, b: Ref): Ref => both(a, b, (x, y) => x + y);
const mul = (a: Ref, b: Ref): Ref => both(a, b, (x, y) => x * y);
const [left, right] = [normal([2, 3, 4], 41), normal([2, 4, 5], 42)];
const [a, b, bias] = [normal([3, 4], 43), normal([4, 5], 44), normal([5], 45)];

const products: Case[] = [
  floats('test_matmul_2d', 'MatMul', [a, b], matmul(a, b)),
  floats('test_matmul_3d', 'MatMul', [left, right], matmul(left, right)),
  {
    name: 'test_matmul_int32',
    op: 'MatMul',
    inputs: [typed('int32', whole(-9, 9, [3, 4], 1)), typed('int32', whole(-9, 9, [4, 5], 2))],
    expected: [typed('int32', matmul(whole(-9, 9, [3, 4], 1), whole(-9, 9, [4, 5], 2)))],
  },
  floats(
    'test_gemm_all_attributes',
    'Gemm',
    [transpose(a), transpose(b), bias],
    add(
      map(matmul(a, b), (v) => 0.25 * v),
      map(bias, (v) => 0.35 * v),
    ),
    { alpha: { float: 0.25 }, beta: { float: 0.35 }, transA: 1, transB: 1 },
  ),
  floats('test_gemm_default_vector_bias', 'Gemm', [a, b, bias], add(matmul(a, b), bias)),
  floats('test_gemm_linear_layer', 'Gemm', [a, transpose(b), bias], linear(a, transpose(b), { bias }).out, { transB: 1 }),
  floats('test_gemm_default_no_bias', 'Gemm', [a, b], matmul(a, b)),
  floats('test_einsum_batch_matmul', 'Einsum', [left, right], matmul(left, right), { equation: 'bij, bjk -> bik' }),
  floats('test_einsum_inner_prod', 'Einsum', [bias, bias], einsum('i,i', bias, bias), { equation: 'i,i' }),
  floats('test_einsum_three_operands', 'Einsum', [a, b, bias], reshape(matmul(matmul(a, b), reshape(bias, [5, 1])), [3]), {
    equation: 'ij,jk,k->i',
  }),
  floats('test_einsum_sum', 'Einsum', [a], R.sum(a, { axes: [1] }), { equation: 'ij->i' }),
  {
    name: 'test_matmulinteger',
    op: 'MatMulInteger',
    inputs: [
      typed('uint8', whole(0, 256, [3, 4], 3)),
      typed('uint8', whole(0, 256, [4, 5], 4)),
      typed('uint8', ref([1], [12])),
      typed('uint8', ref([1], [3])),
    ],
    expected: [
      typed(
        'int32',
        matmul(
          map(whole(0, 256, [3, 4], 3), (v) => v - 12),
          map(whole(0, 256, [4, 5], 4), (v) => v - 3),
        ),
      ),
    ],
  },
];

const [image, kernel, channelBias] = [normal([2, 4, 6, 7], 51), normal([4, 4, 3, 3], 52), normal([4], 53)];
const [line, lineKernel] = [normal([1, 2, 9], 54), normal([3, 2, 3], 55)];
const flatConv = (x: Ref, w: Ref, options: Parameters<typeof conv2d>[2] = {}): Ref => {
  const out = conv2d(reshape(x, [1, 2, 1, 9]), reshape(w, [3, 2, 1, 3]), options);
  return reshape(out, [1, 3, out.shape[3]!]);
};
const volume = normal([1, 2, 4, 5, 6], 56);
const cube = normal([3, 2, 2, 3, 3], 57);
/** Each output is the sum over the window, place by place. */
const conv3d = build([1, 3, 3, 3, 4], ([, o = 0, d = 0, h = 0, w = 0]) => {
  let total = 0;
  for (let c = 0; c < 2; c += 1)
    for (let i = 0; i < 2; i += 1)
      for (let j = 0; j < 3; j += 1)
        for (let k = 0; k < 3; k += 1) total += get(volume, [0, c, d + i, h + j, w + k]) * get(cube, [o, c, i, j, k]);
  return total;
});
/** Every input cell adds the kernel to the output. */
function transposedConv(x: Ref, weight: Ref, stride: number, padding: number, extra: number): Ref {
  const [n = 1, c = 1, h = 1, w = 1] = x.shape;
  const [, o = 1, kh = 1, kw = 1] = weight.shape;
  const size = (length: number, taps: number): number => (length - 1) * stride + taps - 2 * padding + extra;
  const out = build([n, o, size(h, kh), size(w, kw)], () => 0);
  const [, , height = 1, width = 1] = out.shape;
  for (let b = 0; b < n; b += 1)
    for (let i = 0; i < c; i += 1)
      for (let y = 0; y < h; y += 1)
        for (let z = 0; z < w; z += 1)
          for (let k = 0; k < o; k += 1)
            for (let p = 0; p < kh; p += 1)
              for (let q = 0; q < kw; q += 1) {
                const [row, column] = [y * stride + p - padding, z * stride + q - padding];
                if (row < 0 || column < 0 || row >= height || column >= width) continue;
                out.data[((b * o + k) * height + row) * width + column]! += get(x, [b, i, y, z]) * get(weight, [i, k, p, q]);
              }
  return out;
}
const [small, spread] = [normal([1, 2, 3, 3], 58), normal([2, 3, 3, 3], 59)];

const [row, rowKernel] = [normal([1, 2, 1, 5], 60), normal([2, 3, 1, 3], 63)];

const conv = (name: string, inputs: readonly Ref[], expected: Ref, attributes: Case['attributes'] = {}): Case =>
  floats(`test_${name}`, 'Conv', inputs, expected, attributes);
const convolutions: Case[] = [
  conv(
    'conv_with_strides_padding',
    [image, kernel, channelBias],
    conv2d(image, kernel, { stride: 2, padding: 1, bias: channelBias }),
    { strides: [2, 2], pads: [1, 1, 1, 1] },
  ),
  conv('basic_conv_without_padding', [image, kernel], conv2d(image, kernel)),
  conv(
    'conv_with_strides_and_asymmetric_padding',
    [image, kernel],
    conv2d(
      pad(image, [
        [0, 0],
        [0, 0],
        [1, 0],
        [0, 2],
      ]),
      kernel,
      { stride: 2 },
    ),
    { strides: [2, 2], pads: [1, 0, 0, 2] },
  ),
  conv(
    'conv_with_autopad_same',
    [image, kernel],
    conv2d(
      pad(image, [
        [0, 0],
        [0, 0],
        [0, 1],
        [1, 1],
      ]),
      kernel,
      { stride: 2 },
    ),
    { auto_pad: 'SAME_UPPER', strides: [2, 2] },
  ),
  conv('conv_with_groups', [image, normal([4, 2, 3, 3], 60)], conv2d(image, normal([4, 2, 3, 3], 60), { groups: 2 }), {
    group: 2,
  }),
  conv('conv_1d', [line, lineKernel], flatConv(line, lineKernel, { padding: [0, 1] }), { pads: [1, 1] }),
  conv('conv_3d', [volume, cube], conv3d),
  floats('test_convtranspose', 'ConvTranspose', [small, spread], transposedConv(small, spread, 1, 0, 0)),
  // One row of images is one sequence.
  floats(
    'test_convtranspose_1d',
    'ConvTranspose',
    [reshape(row, [1, 2, 5]), reshape(rowKernel, [2, 3, 3])],
    reshape(transposedConv(row, rowKernel, 1, 0, 0), [1, 3, 7]),
  ),
  floats(
    'test_convtranspose_output_shape',
    'ConvTranspose',
    [small, spread],
    pad(transposedConv(small, spread, 2, 0, 0), [
      [0, 0],
      [0, 0],
      [0, 1],
      [0, 1],
    ]),
    { strides: [2, 2], output_shape: [8, 8] },
  ),
  floats('test_convtranspose_pads', 'ConvTranspose', [small, spread], transposedConv(small, spread, 2, 1, 1), {
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    output_padding: [1, 1],
  }),
];

const counting = ref([1, 1, 2, 3], [1, 2, 3, 4, 5, 15]);
const pools: Case[] = [
  floats('test_maxpool_2d_default', 'MaxPool', [image], maxPool2d(image, 2, { stride: 1 }).out, { kernel_shape: [2, 2] }),
  floats('test_maxpool_2d_pads', 'MaxPool', [image], maxPool2d(image, 3, { stride: 1, padding: 1 }).out, {
    kernel_shape: [3, 3],
    pads: [1, 1, 1, 1],
  }),
  floats(
    'test_maxpool_2d_ceil',
    'MaxPool',
    [image],
    maxPool2d(
      pad(
        image,
        [
          [0, 0],
          [0, 0],
          [0, 0],
          [0, 1],
        ],
        -99,
      ),
      2,
      { stride: 2 },
    ).out,
    { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 },
  ),
  {
    name: 'test_maxpool_2d_uint8',
    op: 'MaxPool',
    attributes: { kernel_shape: [2, 2] },
    inputs: [typed('uint8', whole(0, 256, [1, 1, 4, 4], 61))],
    expected: [typed('uint8', maxPool2d(whole(0, 256, [1, 1, 4, 4], 61), 2, { stride: 1 }).out)],
  },
  {
    name: 'test_maxpool_with_argmax_2d_precomputed_pads',
    op: 'MaxPool',
    attributes: { kernel_shape: [5, 5], pads: [2, 2, 2, 2] },
    inputs: [float(counting)],
    expected: [float(ref([1, 1, 2, 3], [15, 15, 15, 15, 15, 15])), typed('int64', ref([1, 1, 2, 3], [5, 5, 5, 5, 5, 5]))],
  },
  floats('test_averagepool_2d_default', 'AveragePool', [image], avgPool2d(image, 2, { stride: 1 }).out, { kernel_shape: [2, 2] }),
  floats(
    'test_averagepool_2d_pads',
    'AveragePool',
    [image],
    avgPool2d(image, 3, { stride: 1, padding: 1, countsPadding: false }).out,
    { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
  ),
  floats(
    'test_averagepool_2d_pads_count_include_pad',
    'AveragePool',
    [image],
    avgPool2d(image, 3, { stride: 1, padding: 1 }).out,
    { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 },
  ),
  floats('test_globalaveragepool', 'GlobalAveragePool', [image], R.mean(image, { axes: [2, 3], keepdim: true })),
  floats('test_globalmaxpool', 'GlobalMaxPool', [image], R.max(image, { axes: [2, 3], keepdim: true })),
  floats(
    'test_lppool_2d_default',
    'LpPool',
    [image],
    map(
      avgPool2d(
        map(image, (v) => v * v),
        2,
        { stride: 1 },
      ).out,
      (v) => Math.sqrt(4 * v),
    ),
    { kernel_shape: [2, 2], p: 2 },
  ),
];

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

const nll = normal([3, 5], 91);
const labels = whole(0, 5, [3], 92);
const picked = (logs: Ref): Ref => build([3], ([i = 0]) => -get(logs, [i, labels.data[i]!]));
const losses: Case[] = [
  {
    name: 'test_nllloss_NC',
    op: 'NegativeLogLikelihoodLoss',
    attributes: { reduction: 'none' },
    inputs: [float(nll), typed('int64', labels)],
    expected: [float(picked(nll))],
  },
  {
    name: 'test_sce_mean_log_prob',
    op: 'SoftmaxCrossEntropyLoss',
    inputs: [float(nll), typed('int64', labels)],
    expected: [float(R.mean(picked(logSoftmax(nll, 1)))), float(logSoftmax(nll, 1))],
  },
];

const bytes = whole(0, 256, [6], 95);
const fourBits = whole(-8, 8, [4, 3], 97);
const quantization: Case[] = [
  {
    name: 'test_quantizelinear',
    op: 'QuantizeLinear',
    inputs: [float(ref([6], [0, 2, 3, 1000, -254, -1000])), float(ref([], [2])), typed('uint8', ref([], [128]))],
    expected: [typed('uint8', ref([6], [128, 129, 130, 255, 1, 0]))],
  },
  {
    name: 'test_dequantizelinear',
    op: 'DequantizeLinear',
    inputs: [typed('uint8', bytes), float(ref([], [2])), typed('uint8', ref([], [128]))],
    expected: [float(map(bytes, (x) => 2 * (x - 128)))],
  },
  {
    // Weights of four bits, a scale for each block of two rows.
    name: 'test_dequantizelinear_blocked_int4',
    op: 'DequantizeLinear',
    attributes: { axis: 0, block_size: 2 },
    inputs: [constant(typed('int4', fourBits)), float(ref([2, 3], [1, 2, 3, 4, 5, 6]))],
    expected: [float(build([4, 3], ([i = 0, j = 0]) => get(fourBits, [i, j]) * (1 + j + 3 * Math.floor(i / 2))))],
  },
  {
    name: 'test_quantizelinear_uint4',
    op: 'QuantizeLinear',
    inputs: [float(ref([5], [0, 2.6, -7, 40, 9])), float(ref([], [2])), constant(typed('uint4', ref([], [3])))],
    expected: [typed('uint4', ref([5], [3, 4, 0, 15, 7]))],
  },
  {
    name: 'test_cast_FLOAT_to_INT4',
    op: 'Cast',
    attributes: { to: 22 },
    inputs: [float(ref([5], [-8, 7.9, 9, -1.5, 0]))],
    expected: [typed('int4', ref([5], [-8, 7, -7, -1, 0]))],
  },
  {
    name: 'test_cast_FLOAT_to_UINT4',
    op: 'Cast',
    attributes: { to: 21 },
    inputs: [float(ref([5], [-9, 15.9, 17, -1, 0]))],
    expected: [typed('uint4', ref([5], [7, 15, 1, 15, 0]))],
  },
  {
    name: 'test_bitcast_float32_to_int32',
    op: 'BitCast',
    opset: 26,
    attributes: { to: 6 },
    inputs: [float(ref([3], [1, -2, 0.5]))],
    expected: [typed('int32', ref([3], [0x3f800000, -0x40000000, 0x3f000000]))],
  },
  {
    name: 'test_bitcast_uint32_to_float32',
    op: 'BitCast',
    opset: 26,
    attributes: { to: 1 },
    inputs: [typed('uint32', ref([3], [0x3f800000, 0xc0000000, 0x3f000000]))],
    expected: [float(ref([3], [1, -2, 0.5]))],
  },
  {
    name: 'test_bitcast_uint16_to_int16',
    op: 'BitCast',
    opset: 26,
    attributes: { to: 5 },
    inputs: [typed('uint16', ref([3], [65535, 32768, 7]))],
    expected: [typed('int16', ref([3], [-1, -32768, 7]))],
  },
  {
    name: 'test_dynamicquantizelinear',
    op: 'DynamicQuantizeLinear',
    inputs: [float(ref([6], [0, 2, -3, -2.5, 1.34, 0.5]))],
    expected: [typed('uint8', ref([6], [153, 255, 0, 26, 221, 179])), float(ref([], [5 / 255])), typed('uint8', ref([], [153]))],
  },
];

const photo = normal([1, 1, 4, 4], 96);
const nearest = build([1, 1, 8, 8], ([, , y = 0, x = 0]) => get(photo, [0, 0, Math.floor(y / 2), Math.floor(x / 2)]));
const bilinear = build([1, 1, 8, 8], ([, , y = 0, x = 0]) => {
  const taps = (i: number): [number, number][] => {
    const at = (i + 0.5) / 2 - 0.5;
    const low = Math.floor(at);
    return [low, low + 1].map((place): [number, number] => [Math.min(3, Math.max(0, place)), 1 - Math.abs(at - place)]);
  };
  return taps(y).reduce(
    (sum, [row, p]) => sum + taps(x).reduce((inner, [column, s]) => inner + p * s * get(photo, [0, 0, row, column]), 0),
    0,
  );
});
const resizing: Case[] = [
  {
    name: 'test_resize_upsample_scales_nearest',
    op: 'Resize',
    inputs: [float(photo), undefined, constant(float(ref([4], [1, 1, 2, 2])))],
    attributes: { mode: 'nearest' },
    expected: [float(nearest)],
  },
  {
    name: 'test_resize_upsample_sizes_linear',
    op: 'Resize',
    inputs: [float(photo), undefined, undefined, sizes(1, 1, 8, 8)],
    attributes: { mode: 'linear' },
    expected: [float(bilinear)],
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

export const networkCases: readonly Case[] = [
  ...products,
  ...convolutions,
  ...pools,
  ...norms,
  ...attentions,
  ...losses,
  ...quantization,
  ...resizing,
  ...recurrent,
  {
    name: 'test_nonmaxsuppression_suppress_by_IOU',
    op: 'NonMaxSuppression',
    inputs: [
      float(ref([1, 3, 4], [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 10, 1, 11])),
      float(ref([1, 1, 3], [0.9, 0.75, 0.6])),
      sizes(3),
      constant(float(ref([1], [0.5]))),
    ],
    expected: [typed('int64', ref([2, 3], [0, 0, 0, 0, 0, 2]))],
  },
  {
    name: 'test_maxunpool_export_without_output_shape',
    op: 'MaxUnpool',
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    inputs: [float(ref([1, 1, 1, 2], [5, 6])), typed('int64', ref([1, 1, 1, 2], [1, 6]))],
    expected: [float(ref([1, 1, 2, 4], [0, 5, 0, 0, 0, 0, 6, 0]))],
  },
  { name: 'test_dft', op: 'DFT', opset: 20, inputs: [float(signal), undefined, constant(int(1))], expected: [float(spectrum)] },
  {
    name: 'test_hannwindow_symmetric',
    op: 'HannWindow',
    attributes: { periodic: 0 },
    inputs: [typed('int32', ref([], [5]))],
    expected: [float(ref([5], [0, 0.5, 1, 0.5, 0]))],
  },
];
