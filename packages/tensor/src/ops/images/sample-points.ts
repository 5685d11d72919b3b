/** Images at points between their cells, the transpose of that, and derivatives by the points: each one kernel, and all closed under differentiation. */
import { gridSampleWgsl } from '@mudpt/shaders';
import { defineOp } from '../../definition/op.ts';
import { empty } from '../../definition/views.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import { contiguous } from '../views/copy.ts';

const sampleKernel = kernel({ name: 'grid_sample', source: gridSampleWgsl });

/** How taps of different distance count. */
export const SAMPLE_MODES = ['nearest', 'linear', 'cubic'] as const;
/** What lies outside of an image. */
export const SAMPLE_PADDINGS = ['zeros', 'border', 'reflection'] as const;

/** How an image is read at points, and how often that is differentiated by x and by y of the points. */
export type Sampling = {
  readonly mode: (typeof SAMPLE_MODES)[number];
  readonly padding: (typeof SAMPLE_PADDINGS)[number];
  readonly alignCorners: boolean;
  readonly order: readonly [number, number];
};

type Pass = {
  readonly pass: 'sample' | 'spread' | 'slopes';
  readonly count: number;
  /** [W, H] */
  readonly size: readonly [number, number];
  readonly channels: number;
  readonly x?: Tensor;
  readonly y?: Tensor;
  readonly grid: Tensor;
  readonly result: Tensor;
  readonly flops: number;
};

function run({ pass, count, size, channels, x, y, grid, result, flops }: Pass, how: Sampling): void {
  using points = contiguous.run(grid);
  using values = y && contiguous.run(y);
  sampleKernel.dispatch(grid.device, {
    buffers: { grid: points, result, ...(x && { x }), ...(values && { y: values }) },
    params: {
      count,
      channels,
      points: nth(grid.shape, 1) * nth(grid.shape, 2),
      x_offset: x?.offset ?? 0,
      x_strides: x?.strides.map((stride) => stride >>> 0) ?? [0, 0, 0, 0],
      size,
      order: how.order,
      grid_offset: points.offset,
      y_offset: values?.offset ?? 0,
      mode: SAMPLE_MODES.indexOf(how.mode),
      padding: SAMPLE_PADDINGS.indexOf(how.padding),
      align_corners: how.alignCorners,
    },
    grid: grid1d(count, 64),
    defines: { PASS: pass },
    flops,
    bytes: 4 * (grid.size + result.size + (x?.size ?? 0) + (y?.size ?? 0)),
  });
}

const tapsOf = ({ mode }: Sampling): number => 4 ** SAMPLE_MODES.indexOf(mode);
const planesOf = ({ shape }: Tensor): readonly [number, number] => [nth(shape, 0), nth(shape, 1)];

/** Values of x [N, C, H, W] at the points of grid [N, H', W', 2], or their derivatives: [N, C, H', W']. All f32. */
export const samplePoints = defineOp('samplePoints', (x: Tensor, grid: Tensor, how: Sampling): Tensor => {
  const [images, channels] = planesOf(x);
  const result = empty(x.device, [images, channels, ...grid.shape.slice(1, 3)]);
  const size = [nth(x.shape, 3), nth(x.shape, 2)] as const;
  run({ pass: 'sample', count: result.size, size, channels, x, grid, result, flops: 4 * tapsOf(how) * result.size }, how);
  return result;
});

/** The transpose of {@link samplePoints}: y [N, C, H', W'] added to the cells it was read from, [N, C, H, W] with `size` [H, W]. */
export const spreadPoints = defineOp(
  'spreadPoints',
  (y: Tensor, grid: Tensor, how: Sampling, [height, width]: readonly [number, number]): Tensor => {
    const [images, channels] = planesOf(y);
    const result = empty(y.device, [images, channels, height, width]);
    const count = images * Math.ceil(channels / 4) * height * width;
    const flops = 2 * tapsOf(how) * y.size;
    run({ pass: 'spread', count, size: [width, height], channels, y, grid, result, flops }, how);
    return result;
  },
);

/** The gradient of sum(y * samplePoints(x, grid)) by the points: [N, H', W', 2]. */
export const samplePointsSlopes = defineOp('samplePointsSlopes', (y: Tensor, x: Tensor, grid: Tensor, how: Sampling): Tensor => {
  const [, channels] = planesOf(x);
  const result = empty(x.device, grid.shape);
  const size = [nth(x.shape, 3), nth(x.shape, 2)] as const;
  run({ pass: 'slopes', count: grid.size / 2, size, channels, x, y, grid, result, flops: 8 * tapsOf(how) * y.size }, how);
  return result;
});
