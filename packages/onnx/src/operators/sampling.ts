/** Images and volumes read between their cells: at the points of a grid, and at the moved taps of a deformable convolution. */
import * as engine from '@mudpt/tensor';
import type { GridSampleOptions, Tensor } from '@mudpt/tensor';
import type { Call } from '../node/call.ts';
import { type Operator, type Operators, textAttribute } from '../node/operator.ts';

const MODES: Readonly<Record<string, GridSampleOptions['mode']>> = {
  bilinear: 'linear',
  linear: 'linear',
  nearest: 'nearest',
  bicubic: 'cubic',
  cubic: 'cubic',
};
const PADDINGS = ['zeros', 'border', 'reflection'] as const;

/** Where the planes of a volume [..., D, ...] lie for coordinates from -1 to 1, put inside by `padding`. */
function depths(z: Tensor, planes: number, { padding = 'zeros', alignCorners = false }: GridSampleOptions): Tensor {
  const middle = (planes - 1) / 2;
  const at = engine.add(engine.mul(z, alignCorners ? middle : planes / 2), middle);
  if (padding === 'zeros') return at;
  if (padding === 'border') return engine.clamp(at, 0, planes - 1);
  const low = alignCorners ? 0 : -0.5;
  const span = Math.max(1, planes - 1 - 2 * low);
  const turned = engine.mod(engine.abs(engine.sub(at, low)), 2 * span);
  return engine.clamp(engine.sub(span + low, engine.abs(engine.sub(turned, span))), 0, planes - 1);
}

/** x [N, C, D, H, W] at grid [N, D', H', W', 3]: every plane at all points, then a weighted sum over planes. */
function sampledVolume(x: Tensor, grid: Tensor, options: GridSampleOptions): Tensor {
  const [images = 1, channels = 1, planes = 1, height = 1, width = 1] = x.shape;
  const [, deep = 1, rows = 1, columns = 1] = grid.shape;
  const flat = engine.reshape(grid, [images, deep * rows, columns, 3]);
  const stacked = engine.reshape(x, [images, channels * planes, height, width]);
  const read = engine.gridSample(stacked, engine.narrow(flat, -1, 0, 2), options);
  const at = depths(engine.reshape(engine.select(flat, -1, 2), [images, 1, deep * rows * columns]), planes, options);
  const plane = engine.reshape(engine.arange(planes, { dtype: 'f32', device: x.device }), [1, planes, 1]);
  const weights =
    options.mode === 'nearest'
      ? engine.cast(engine.eq(engine.round(at), plane), 'f32')
      : engine.relu(engine.sub(1, engine.abs(engine.sub(at, plane))));
  const parts = engine.reshape(read, [images, channels, planes, deep * rows * columns]);
  return engine.reshape(engine.sum(engine.mul(parts, engine.unsqueeze(weights, 1)), 2), [images, channels, deep, rows, columns]);
}

const gridSample: Operator = {
  by: 'op',
  since: 16,
  refuses: (node) => {
    const [mode, padding] = [textAttribute(node, 'mode', 'linear'), textAttribute(node, 'padding_mode', 'zeros')];
    if (!(mode in MODES)) return `with mode ${mode}`;
    return (PADDINGS as readonly string[]).includes(padding) ? undefined : `with padding_mode ${padding}`;
  },
  run: (call) => {
    const [x, grid] = [engine.cast(call.x(0), 'f32'), engine.cast(call.x(1), 'f32')];
    const mode = MODES[call.text('mode', 'linear')];
    const padding = PADDINGS.find((name) => name === call.text('padding_mode', 'zeros'));
    const options: GridSampleOptions = { mode, padding, alignCorners: call.int('align_corners', 0) === 1 };
    if (x.rank === 4) return engine.gridSample(x, grid, options);
    if (x.rank !== 5 || mode === 'cubic')
      throw call.error(
        `input 0 has ${x.rank} axes, mode is "${mode}"`,
        'give images in any mode, or volumes in another than cubic',
      );
    return sampledVolume(x, grid, options);
  },
};

/** Places [1, taps, 2, rows, columns] of a convolution's taps, (row, column), before they are moved. */
function tapPlaces(call: Call, [taps, across]: readonly [number, number], [rows, columns]: readonly [number, number]): Tensor {
  const [top = 0, left = 0] = call.ints('pads') ?? [];
  const [down = 1, right = 1] = call.ints('strides') ?? [];
  const [tall = 1, wide = 1] = call.ints('dilations') ?? [];
  const count = taps * across;
  const values = new Float32Array(count * 2 * rows * columns);
  for (let at = 0; at < values.length; at += 1) {
    const [column, row] = [at % columns, Math.floor(at / columns) % rows];
    const isColumn = Math.floor(at / (columns * rows)) % 2 === 1;
    const tap = Math.floor(at / (columns * rows * 2));
    values[at] = isColumn ? column * right - left + (tap % across) * wide : row * down - top + Math.floor(tap / across) * tall;
  }
  return engine.tensor(values, { shape: [1, count, 2, rows, columns], device: call.device });
}

/** A convolution whose taps are moved by offsets, read between cells with zeros outside, and weighted by a mask. */
const deformConv: Operator = {
  by: 'composition',
  since: 19,
  run: (call) => {
    const [x, weight, offset] = [0, 1, 2].map((index) => engine.cast(call.x(index), 'f32')) as [Tensor, Tensor, Tensor];
    if (x.rank !== 4) throw call.error(`input 0 has ${x.rank} axes`, 'give images [images, channels, height, width]');
    const [images = 1, channels = 1, height = 1, width = 1] = x.shape;
    const [outputs = 1, , taps = 1, across = 1] = weight.shape;
    const [, , rows = 1, columns = 1] = offset.shape;
    const [groups, offsets] = [call.int('group', 1), call.int('offset_group', 1)];
    const [count, points] = [taps * across, rows * columns];
    const moved = engine.add(
      engine.reshape(offset, [images * offsets, count, 2, rows, columns]),
      tapPlaces(call, [taps, across], [rows, columns]),
    );
    // From cells to -1 (left, top edge) .. 1.
    const along = (axis: number, cells: number): Tensor =>
      engine.sub(engine.mul(engine.add(engine.select(moved, 2, axis), 0.5), 2 / cells), 1);
    const grid = engine.reshape(engine.stack([along(1, width), along(0, height)], -1), [
      images * offsets,
      count * rows,
      columns,
      2,
    ]);
    const parts = engine.reshape(x, [images * offsets, channels / offsets, height, width]);
    const read = engine.reshape(engine.gridSample(parts, grid), [images, offsets, channels / offsets, count, points]);
    const mask = call.maybe(4);
    const kept = mask ? engine.mul(read, engine.reshape(engine.cast(mask, 'f32'), [images, offsets, 1, count, points])) : read;
    const inputs = engine.reshape(kept, [images, groups, (channels / groups) * count, points]);
    const matrix = engine.reshape(weight, [1, groups, outputs / groups, (channels / groups) * count]);
    const out = engine.reshape(engine.matmul(matrix, inputs), [images, outputs, rows, columns]);
    const bias = call.maybe(3);
    return bias ? engine.add(out, engine.reshape(engine.cast(bias, 'f32'), [outputs, 1, 1])) : out;
  },
};

export const samplingOperators: Operators = { DeformConv: deformConv, GridSample: gridSample };
