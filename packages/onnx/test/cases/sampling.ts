/** Images and volumes read between cells: grids, deformable convolutions, regions. */
import { build, get, type Ref, ref } from '@mudpt/testing/reference/array';
import { gridSample } from '@mudpt/testing/reference/resize';
import { between, type Case, constant, float, floats, normal, typed } from './case.ts';

const image = normal([2, 2, 4, 5], 81);
const grid = between(-1.3, 1.3, [2, 3, 2, 2], 82);
const volume = normal([1, 2, 3, 2, 4], 83);
const points = between(-1.2, 1.2, [1, 2, 1, 3, 3], 84);

/** x [N, C, ...sizes] at a place in cells, linear along every axis, zeros outside. */
function between_(x: Ref, n: number, c: number, place: readonly number[]): number {
  let sum = 0;
  for (let corner = 0; corner < 2 ** place.length; corner += 1) {
    const cells = place.map((at, axis) => Math.floor(at) + ((corner >> axis) & 1));
    const weight = place.reduce((product, at, axis) => product * (1 - Math.abs(at - cells[axis]!)), 1);
    if (cells.every((cell, axis) => cell >= 0 && cell < x.shape[axis + 2]!)) sum += weight * get(x, [n, c, ...cells]);
  }
  return sum;
}
const inCells = (at: number, cells: number): number => ((at + 1) * cells - 1) / 2;

/** Offsets of two groups of 2 x 2 taps at 3 x 4 places. */
const [weight, offset, mask] = [normal([2, 2, 2, 2], 85), normal([1, 16, 3, 3], 86), between(0, 1, [1, 8, 3, 3], 87)];
const deformed = normal([1, 4, 3, 3], 88);
const deformedOut = build([1, 2, 3, 3], ([, o = 0, i = 0, j = 0]) => {
  let sum = [0.5, -1][o]!;
  for (let c = 0; c < 2; c += 1)
    for (let tap = 0; tap < 4; tap += 1) {
      const channel = 2 * o + c;
      const group = Math.floor(channel / 2);
      const move = (axis: number): number => get(offset, [0, group * 8 + tap * 2 + axis, i, j]);
      const at = [i - 1 + 2 * Math.floor(tap / 2) + move(0), j - 1 + 2 * (tap % 2) + move(1)];
      sum +=
        get(weight, [o, c, Math.floor(tap / 2), tap % 2]) *
        get(mask, [0, group * 4 + tap, i, j]) *
        between_(deformed, 0, channel, at);
    }
  return sum;
});

const REGIONS = [
  [0.3, 0.2, 3.9, 3.1],
  [1, 1, 4.6, 5.5],
  [-3, 0, 2, 2],
] as const;
const IMAGES = [1, 0, 1] as const;

/** RoiAlign as its definition has it: points of every bin of 2 x 2. */
function aligned(mode: 'avg' | 'max', { ratio, half }: { readonly ratio: number; readonly half: boolean }): Ref {
  return build([3, 2, 2, 2], ([r = 0, c = 0, i = 0, j = 0]) => {
    const [x0, y0, x1, y1] = REGIONS[r]!.map((at) => at - (half ? 0.5 : 0)) as [number, number, number, number];
    const size = [y1 - y0, x1 - x0].map((extent) => (half ? extent : Math.max(extent, 1)));
    const counts = size.map((extent) => ratio || Math.ceil(extent / 2));
    const values: number[] = [];
    for (let a = 0; a < counts[0]!; a += 1)
      for (let b = 0; b < counts[1]!; b += 1) {
        const y = y0 + (i + (a + 0.5) / counts[0]!) * (size[0]! / 2);
        const x = x0 + (j + (b + 0.5) / counts[1]!) * (size[1]! / 2);
        if (y < -1 || y > 4 || x < -1 || x > 5) {
          values.push(0);
          continue;
        }
        const [row, column] = [Math.min(Math.max(y, 0), 3), Math.min(Math.max(x, 0), 4)];
        const [top, left] = [Math.floor(row), Math.floor(column)];
        const corners = [0, 1, 2, 3].map((corner) => {
          const [k, l] = [Math.min(top + (corner >> 1), 3), Math.min(left + (corner & 1), 4)];
          const [p, q] = [row - top, column - left];
          return (corner >> 1 ? p : 1 - p) * (corner & 1 ? q : 1 - q) * get(image, [IMAGES[r]!, c, k, l]);
        });
        values.push(mode === 'max' ? Math.max(...corners) : corners.reduce((sum, value) => sum + value, 0));
      }
    return mode === 'max' ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0) / values.length;
  });
}

const align = (name: string, mode: 'avg' | 'max', ratio: number, half: boolean): Case => ({
  name,
  op: 'RoiAlign',
  inputs: [float(image), float(ref([3, 4], REGIONS.flat())), typed('int64', ref([3], [...IMAGES]))],
  attributes: {
    mode,
    sampling_ratio: ratio,
    output_height: 2,
    output_width: 2,
    coordinate_transformation_mode: half ? 'half_pixel' : 'output_half_pixel',
  },
  expected: [float(aligned(mode, { ratio, half }))],
});

export const samplingCases: readonly Case[] = [
  floats('test_gridsample', 'GridSample', [image, grid], gridSample(image, grid)),
  floats(
    'test_gridsample_bicubic_reflection',
    'GridSample',
    [image, grid],
    gridSample(image, grid, { mode: 'cubic', padding: 'reflection' }),
    {
      mode: 'cubic',
      padding_mode: 'reflection',
    },
  ),
  {
    ...floats(
      'test_gridsample_nearest_border_aligned',
      'GridSample',
      [image, grid],
      gridSample(image, grid, { mode: 'nearest', padding: 'border', alignCorners: true }),
      { mode: 'nearest', padding_mode: 'border', align_corners: 1 },
    ),
    opset: 16,
  },
  floats(
    'test_gridsample_volumetric_bilinear',
    'GridSample',
    [volume, points],
    build([1, 2, 2, 1, 3], ([, c = 0, i = 0, j = 0, k = 0]) => {
      const [x = 0, y = 0, z = 0] = [0, 1, 2].map((axis) => get(points, [0, i, j, k, axis]));
      return between_(volume, 0, c, [inCells(z, 3), inCells(y, 2), inCells(x, 4)]);
    }),
    { mode: 'linear' },
  ),
  {
    name: 'test_deform_conv_with_mask_bias_and_offset_groups',
    op: 'DeformConv',
    opset: 22,
    inputs: [deformed, weight, offset, ref([2], [0.5, -1]), mask].map(float),
    attributes: { pads: [1, 1, 1, 1], dilations: [2, 2], group: 2, offset_group: 2 },
    expected: [float(deformedOut)],
    tolerance: 1e-4,
  },
  align('test_roialign_aligned_true', 'avg', 2, true),
  align('test_roialign_aligned_false', 'avg', 0, false),
  align('test_roialign_mode_max', 'max', 2, true),
  {
    name: 'maxroipool, partly outside',
    op: 'MaxRoiPool',
    inputs: [
      float(ref([1, 1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, -9])),
      constant(float(ref([2, 5], [0, 0, 0, 2, 2, 0, 2, 2, 4, 4]))),
    ],
    attributes: { pooled_shape: [2, 2] },
    expected: [float(ref([2, 1, 2, 2], [5, 6, 8, 8, -9, 0, 0, 0]))],
  },
];
