/** Images sampled at the points of a grid, and the grids of affine maps. */
import { expectDType } from '../../dtype.ts';
import { ShapeError, TensorError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { expectOneOf } from '../../definition/options.ts';
import { spatialSize } from '../../kernels/conv/geometry.ts';
import { upload } from '../../kernels/upload.ts';
import { scope } from '../../scope.ts';
import { showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { matmul } from '../products/matmul.ts';
import { SAMPLE_MODES, SAMPLE_PADDINGS, samplePoints } from './sample-points.ts';
import { expand, reshape, unsqueeze } from '../views/views.ts';

/** Options of {@link gridSample}. */
export type GridSampleOptions = {
  /** 'linear' (default: bilinear), 'nearest' (the middle between two cells goes to the even one) or 'cubic'. */
  readonly mode?: 'linear' | 'nearest' | 'cubic';
  /** What lies outside: 'zeros' (default), the nearest cell of the 'border', or the 'reflection' at it. */
  readonly padding?: 'zeros' | 'border' | 'reflection';
  /** Whether -1 and 1 are the middles of the outer cells, or (default) the outer edges of the image. */
  readonly alignCorners?: boolean;
};

/** Options of {@link affineGrid}. */
export type AffineGridOptions = Pick<GridSampleOptions, 'alignCorners'>;

/**
 * Values of x [N, C, H, W] at the points of grid [N, H', W', 2], whose last axis is (x, y) from -1 (left, top) to 1: [N, C, H', W'], interpolated. f32.
 * (PyTorch's grid_sample, ONNX's GridSample; Jaderberg et al., Spatial Transformer Networks, arXiv:1506.02025.) One kernel, and one for
 * each gradient; that of x, which needs no atomics, reads all points for every cell.
 * @throws ShapeError, DTypeError; TensorError for another mode or padding
 */
export const gridSample = defineOp(
  'gridSample',
  (x: Tensor, grid: Tensor, { mode = 'linear', padding = 'zeros', alignCorners = false }: GridSampleOptions = {}): Tensor => {
    expectGrid(x, grid);
    if (!SAMPLE_MODES.includes(mode))
      throw new TensorError('gridSample', `mode is "${mode}"`, "use 'linear' (of two axes: bilinear), 'nearest' or 'cubic'");
    expectOneOf('gridSample', 'padding', padding, SAMPLE_PADDINGS);
    spatialSize('gridSample', 'x', x, 2);
    return samplePoints(x, grid, { mode, padding, alignCorners, order: [0, 0] });
  },
);

function expectGrid(x: Tensor, grid: Tensor): void {
  x.expectLive('gridSample');
  grid.expectLive('gridSample');
  expectDType('gridSample', 'x', x.dtype, ['f32']);
  expectDType('gridSample', 'grid', grid.dtype, ['f32']);
  if (x.rank !== 4 || grid.rank !== 4 || grid.shape[3] !== 2 || grid.shape[0] !== x.shape[0])
    throw new ShapeError(
      'gridSample',
      `grid has shape ${showShape(grid.shape)}, x ${showShape(x.shape)}`,
      'give x [images, channels, height, width] and grid [images, rows, columns, 2] of as many images',
    );
}

/** Middles of `cells` from -1 to 1. */
const middlesOf = (cells: number, alignCorners: boolean): number[] =>
  Array.from({ length: cells }, (_, i) => {
    if (!alignCorners) return (2 * i + 1) / cells - 1;
    return cells > 1 ? (2 * i) / (cells - 1) - 1 : 0;
  });

/**
 * The grid of an affine map for {@link gridSample}: theta [N, 2, 3] maps (x, y, 1) of every cell of an image of `size` [H, W] to a point:
 * [N, H, W, 2], f32. Of theta [N, 3, 4] and `size` [D, H, W]: [N, D, H, W, 3]. (PyTorch's affine_grid, ONNX's AffineGrid.)
 * @throws ShapeError, DTypeError
 * @example
 * const mirror = tensor([[[-1, 0, 0], [0, 1, 0]]]);
 * console.log(await tensor([[[[1, 2]]]]).gridSample(affineGrid(mirror, [1, 2])).data()); // [2,1]
 */
export const affineGrid = defineOp(
  'affineGrid',
  (theta: Tensor, size: readonly number[], { alignCorners = false }: AffineGridOptions = {}): Tensor =>
    scope(() => {
      theta.expectLive('affineGrid');
      expectDType('affineGrid', 'theta', theta.dtype, ['f32']);
      const axes = size.length;
      const fits = (axes === 2 || axes === 3) && size.every((cells) => Number.isInteger(cells) && cells > 0);
      if (!fits || theta.rank !== 3 || theta.shape[1] !== axes || theta.shape[2] !== axes + 1)
        throw new ShapeError(
          'affineGrid',
          `theta has shape ${showShape(theta.shape)}, size is ${showShape(size)}`,
          'give theta [images, 2, 3] and size [height, width], or [images, 3, 4] and [depth, height, width]',
        );
      const cells = size.reduce((product, count) => product * count, 1);
      // Homogeneous coordinates, the last axis first: (x, y, 1).
      const all = new Float32Array(cells * (axes + 1)).fill(1);
      let inner = 1;
      for (const [at, count] of [...size].reverse().entries()) {
        const middles = middlesOf(count, alignCorners);
        for (let cell = 0; cell < cells; cell += 1) all[cell * (axes + 1) + at] = middles[Math.floor(cell / inner) % count] ?? 0;
        inner *= count;
      }
      const base = upload(theta.device, [cells, axes + 1], 'f32', all);
      const images = theta.shape[0] ?? 0;
      const points = matmul(expand(unsqueeze(base, 0), [images, cells, axes + 1]), theta, { transposeB: true });
      return reshape(points, [images, ...size, axes]);
    }),
);
