/** Images sampled at the points of a grid, and the grids of affine maps. Made of other ops. */
import { expectDType } from '../dtype.ts';
import { ShapeError, TensorError } from '../errors.ts';
import { defineOp } from '../definition/op.ts';
import { spatialSize } from '../kernels/conv/geometry.ts';
import { upload } from '../kernels/upload.ts';
import { abs, add, addcmul, clamp, eq, floor, mod, mul, round, sub } from '../pointwise/ops.ts';
import { scope } from '../scope.ts';
import { type Shape, showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './copy.ts';
import { indexSelect } from './gather.ts';
import { matmul } from './matmul.ts';
import { all, sum } from './reduce.ts';
import { select } from './slices.ts';
import { expand, permute, reshape, unsqueeze } from './views.ts';

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

const constant = (beside: Tensor, values: readonly number[], shape: Shape = [values.length]): Tensor =>
  upload(beside.device, shape, 'f32', Float32Array.from(values));

/** Points into the image, by `padding`; `size` is [W, H], as the coordinates x, y of a point. */
function insideOf(points: Tensor, size: readonly number[], padding: string, alignCorners: boolean): Tensor {
  if (padding === 'zeros') return points;
  const last = constant(
    points,
    size.map((cells) => cells - 1),
  );
  if (padding === 'border') return clamp(points, 0, last);
  const low = alignCorners ? 0 : -0.5;
  // An image of one cell with its corners on one another has no room to reflect in: all points are at 0 already.
  const span = constant(
    points,
    size.map((cells) => Math.max(1, alignCorners ? cells - 1 : cells)),
  );
  const turned = mod(abs(sub(points, low)), mul(span, 2));
  const reflected = add(sub(span, abs(sub(turned, span))), low);
  return clamp(reflected, 0, last);
}

/** Weights [..., taps] of the taps of an axis at `t`, the way [...] from the cell before. */
function weightsAt(t: Tensor, mode: string): Tensor {
  const at = unsqueeze(t, -1);
  if (mode === 'linear') return addcmul(constant(t, [1, 0]), at, constant(t, [-1, 1]));
  const a = -0.75;
  // Keys' cubic at distances 1 + t, t, 1 - t and 2 - t as polynomials of t: coefficients of 1, t, t^2, t^3.
  const [one, linear, square, cube] = [
    [0, 1, 0, 0],
    [a, 0, -a, 0],
    [-2 * a, -(a + 3), 2 * a + 3, a],
    [a, a + 2, -(a + 2), -a],
  ].map((coefficients) => constant(t, coefficients)) as [Tensor, Tensor, Tensor, Tensor];
  return addcmul(one, at, addcmul(linear, at, addcmul(square, at, cube)));
}

/**
 * Values of x [N, C, H, W] at the points of grid [N, H', W', 2], whose last axis is (x, y) from -1 (left, top) to 1: [N, C, H', W'], interpolated. f32.
 * (PyTorch's grid_sample, ONNX's GridSample; Jaderberg et al., Spatial Transformer Networks, arXiv:1506.02025.) The gradient of x takes work that
 * grows with the square of the number of points.
 * @throws ShapeError, DTypeError; TensorError for another mode or padding
 */
export const gridSample = defineOp(
  'gridSample',
  (x: Tensor, grid: Tensor, { mode = 'linear', padding = 'zeros', alignCorners = false }: GridSampleOptions = {}): Tensor =>
    scope(() => {
      expectGrid(x, grid);
      if (!['linear', 'nearest', 'cubic'].includes(mode))
        throw new TensorError('gridSample', `mode is "${mode}"`, "use 'linear' (of two axes: bilinear), 'nearest' or 'cubic'");
      if (!['zeros', 'border', 'reflection'].includes(padding))
        throw new TensorError('gridSample', `padding is "${padding}"`, "use 'zeros', 'border' or 'reflection'");
      const [height, width] = spatialSize('gridSample', 'x', x, 2);
      const [images = 0, channels = 0] = x.shape;
      const [, rows = 0, columns = 0] = grid.shape;
      const points = rows * columns;
      const size = [width, height];
      // To cells: -1 and 1 are the middles of the outer cells, or half a cell farther out.
      const factors = constant(
        x,
        size.map((cells) => (alignCorners ? (cells - 1) / 2 : cells / 2)),
      );
      const middles = constant(
        x,
        size.map((cells) => (cells - 1) / 2),
      );
      const given = addcmul(middles, reshape(grid, [images, points, 2]), factors);
      // Cubic taps are put inside one by one.
      const place = mode === 'cubic' ? given : insideOf(given, size, padding, alignCorners);
      const first = mode === 'nearest' ? round(place) : floor(place);
      const way = sub(place, first);
      const [reach, from] = mode === 'nearest' ? [1, 0] : mode === 'linear' ? [2, 0] : [4, -1];
      const taps = reach * reach;
      const offsets = Array.from({ length: taps }, (_, tap) => [(tap % reach) + from, Math.floor(tap / reach) + from]).flat();
      const corners = add(unsqueeze(first, 2), constant(x, offsets, [taps, 2]));
      const cells = mode === 'cubic' ? insideOf(corners, size, padding, alignCorners) : corners;
      const kept = clamp(
        cells,
        0,
        constant(
          x,
          size.map((count) => count - 1),
        ),
      );
      const flat = sum(mul(kept, constant(x, [1, width])), -1);
      // Whole numbers of f32 are exact to 2^24 only: those of images are added as integers.
      const before = Int32Array.from({ length: images }, (_, n) => n * height * width);
      const index = add(cast(flat, 'i32'), upload(x.device, [images, 1, 1], 'i32', before));
      const isInside = cast(all(eq(kept, cells), -1), 'f32');
      const weights =
        mode === 'nearest'
          ? isInside
          : mul(
              isInside,
              productOf(weightsAt(select(way, -1, 0), mode), weightsAt(select(way, -1, 1), mode), [images, points, taps]),
            );
      const pixels = reshape(permute(x, [0, 2, 3, 1]), [images * height * width, channels]);
      const picked = reshape(indexSelect(pixels, 0, reshape(index, [images * points * taps])), [images, points, taps, channels]);
      const out = sum(mul(picked, unsqueeze(weights, -1)), 2);
      return permute(reshape(out, [images, rows, columns, channels]), [0, 3, 1, 2]);
    }),
);

/** Weights along x times those along y, those along x next to one another. */
function productOf(across: Tensor, down: Tensor, shape: Shape): Tensor {
  return reshape(mul(unsqueeze(across, -2), unsqueeze(down, -1)), shape);
}

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
