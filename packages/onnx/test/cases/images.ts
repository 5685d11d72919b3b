/** Convolutions, pools, resampling and detection. */
import { build, get, map, type Ref, ref, reshape } from '@mudpt/testing/reference/array';
import { avgPool2d, conv2d, maxPool2d } from '@mudpt/testing/reference/conv';
import { pad } from '@mudpt/testing/reference/indexing';
import * as R from '@mudpt/testing/reference/reduce';
import { type Case, constant, float, floats, normal, sizes, typed, whole } from './case.ts';

export const [image, kernel, channelBias] = [normal([2, 4, 6, 7], 51), normal([4, 4, 3, 3], 52), normal([4], 53)];
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

export const imageCases: readonly Case[] = [
  ...convolutions,
  ...pools,
  ...resizing,
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
];
