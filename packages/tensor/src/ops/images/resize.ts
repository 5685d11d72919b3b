/** Resizing by interpolation along any axes: a banded matrix along each, whose weights the host computes. */
import { bandedWgsl } from '@mudpt/shaders';
import { bytesPerElement, expectDType, wgslType } from '../../dtype.ts';
import { LimitError, ShapeError, TensorError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { alias, empty } from '../../definition/views.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { upload } from '../../kernels/upload.ts';
import type { Band } from '../../kernels/resize/band.ts';
import {
  type AxisResize,
  COORDINATES,
  MODES,
  resizeBand,
  type ResizeCoordinates,
  type ResizeMode,
  type ResizeRounding,
  ROUNDINGS,
} from '../../kernels/resize/weights.ts';
import { scope } from '../../scope.ts';
import { normalizeAxes, showShape, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import { contiguous } from '../views/copy.ts';

const bandedKernel = kernel({ name: 'banded', source: bandedWgsl });

/**
 * `band` times x along `axis`; the other axes stay. Linear in x, its gradient is the same with the transposed matrix.
 * @throws DTypeError, ShapeError
 */
export const banded = defineOp('banded', (x: Tensor, axis: number, band: Band): Tensor => {
  x.expectLive('banded');
  expectDType('banded', 'x', x.dtype, ['f32', 'f16']);
  if (x.shape[axis] !== band.columns)
    throw new ShapeError('banded', `x has shape ${showShape(x.shape)}`, `axis ${axis} must have ${band.columns} cells`);
  using values = contiguous.run(x);
  using spans = upload(x.device, [band.rows, 2], 'u32', band.spans);
  using weights = upload(x.device, [band.rows, band.width], 'f32', band.weights);
  const y = empty(x.device, x.shape.with(axis, band.rows), x.dtype);
  bandedKernel.dispatch(x.device, {
    buffers: { x: values, spans, weights, y },
    params: {
      count: y.size,
      x_offset: values.offset,
      rows: band.rows,
      columns: band.columns,
      inner: sizeOf(x.shape.slice(axis + 1)),
      width: band.width,
    },
    grid: grid1d(y.size, 64),
    defines: { T: wgslType(x.dtype) },
    flops: 2 * y.size * band.width,
    bytes: (x.size + y.size) * bytesPerElement(x.dtype),
  });
  return y;
});

/** Options of {@link resize}: either `size` or `scale`. */
export type ResizeOptions = {
  /** Cells of the result along each of `axes`, or one number for all. */
  readonly size?: number | readonly number[];
  /** Cells of the result per cell of x; the size is rounded down. Places are computed with the scale as given. */
  readonly scale?: number | readonly number[];
  /** Default: all but the first two, those of images [N, C, H, W] (of sequences, of volumes). */
  readonly axes?: readonly number[];
  /**
   * - 'nearest' (default): one cell, by default that at floor(i / scale), PyTorch's 'nearest'.
   * - 'nearestExact': one cell, by default that in which the middle of cell i lies.
   * - 'linear': bilinear over two axes.
   * - 'cubic': bicubic over two axes.
   * - 'area': the mean of all cells from floor(i input / output) to ceil((i + 1) input / output).
   */
  readonly mode?: ResizeMode;
  /** Short for coordinates 'alignCorners'. */
  readonly alignCorners?: boolean;
  /** See {@link ResizeCoordinates}. Default 'halfPixel', 'asymmetric' for 'nearest'. */
  readonly coordinates?: ResizeCoordinates;
  /** How the nearest cell is chosen. Default 'floor' for 'nearest', 'preferCeil' for 'nearestExact'. */
  readonly rounding?: ResizeRounding;
  /** Widens the filter where the result is smaller, so that all cells count. 'linear' and 'cubic' only; default false. */
  readonly antialias?: boolean;
  /** The slope a of Keys' cubic. Default -0.75, with antialias -0.5: PyTorch's. */
  readonly cubicCoefficient?: number;
  /** Leaves out cells beyond the edge (the others' weights grow) instead of repeating the edge. Default: with antialias, PyTorch's rule. */
  readonly excludeOutside?: boolean;
};

const OP = 'resize';

/** @throws TensorError unless `value` is one of `known` */
function expectOneOf(name: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  const linear = value.endsWith('linear') ? `use 'linear', it takes any number of axes` : undefined;
  const cubic = value.endsWith('cubic') ? `use 'cubic', it takes any number of axes` : undefined;
  throw new TensorError(OP, `${name} is "${value}"`, linear ?? cubic ?? `use one of ${known.join(', ')}`);
}

/** One number for each axis. */
function listOf(name: string, given: number | readonly number[], count: number, isValid: (value: number) => boolean): number[] {
  const list = typeof given === 'number' ? Array.from({ length: count }, () => given) : [...given];
  if (list.length === count && list.every(isValid)) return list;
  throw new LimitError(
    OP,
    `${name} is ${String(given)}`,
    `give one ${name === 'size' ? 'whole number of at least 1' : 'number above 0'}, or one for each of ${count} axes`,
  );
}

function problemsOf(x: Tensor, axes: readonly number[], options: ResizeOptions): AxisResize[] {
  const { size, scale, mode = 'nearest', alignCorners = false, antialias = false } = options;
  const coordinates = options.coordinates ?? (alignCorners ? 'alignCorners' : mode === 'nearest' ? 'asymmetric' : 'halfPixel');
  const rounding = options.rounding ?? (mode === 'nearest' ? 'floor' : 'preferCeil');
  expectOneOf('mode', mode, MODES);
  expectOneOf('coordinates', coordinates, COORDINATES);
  expectOneOf('rounding', rounding, ROUNDINGS);
  if (alignCorners && coordinates !== 'alignCorners')
    throw new TensorError(OP, `alignCorners is true, coordinates "${coordinates}"`, 'give one of them');
  if (antialias && mode !== 'linear' && mode !== 'cubic')
    throw new TensorError(OP, `antialias is true, mode "${mode}"`, "only 'linear' and 'cubic' have a filter to widen");
  if ((size === undefined) === (scale === undefined))
    throw new TensorError(
      OP,
      size === undefined ? 'neither size nor scale is given' : 'size and scale are given',
      'give one of them',
    );
  const sizes =
    size === undefined ? undefined : listOf('size', size, axes.length, (cells) => Number.isInteger(cells) && cells >= 1);
  const scales =
    scale === undefined ? undefined : listOf('scale', scale, axes.length, (factor) => factor > 0 && Number.isFinite(factor));
  return axes.map((axis, at) => {
    const input = nth(x.shape, axis);
    const output = sizes ? nth(sizes, at) : Math.floor(input * nth(scales ?? [], at));
    if (input < 1 || output < 1) {
      throw new ShapeError(
        OP,
        `axis ${axis} of x ${showShape(x.shape)} would get ${output} cells`,
        'resize axes that have cells, to at least one',
      );
    }
    const { cubicCoefficient = antialias ? -0.5 : -0.75, excludeOutside = antialias } = options;
    const by = scales ? nth(scales, at) : output / input;
    return { input, output, scale: by, mode, coordinates, rounding, antialias, cubicCoefficient, excludeOutside };
  });
}

/**
 * x with `axes` resized to `size` or by `scale`: PyTorch's interpolate and ONNX's Resize. One dispatch an axis, those that shrink most first. Of x [N, C, H, W]
 * and size [H', W']: [N, C, H', W'], f32 or f16.
 * @throws ShapeError, DTypeError, LimitError; TensorError for options that exclude one another
 * @example
 * console.log(await tensor([[[[0, 2]]]]).resize({ size: [1, 4] }).data()); // [0,0,2,2]
 */
export const resize = defineOp(OP, (x: Tensor, options: ResizeOptions): Tensor => {
  x.expectLive(OP);
  expectDType(OP, 'x', x.dtype, ['f32', 'f16']);
  const axes = options.axes ? normalizeAxes(OP, options.axes, x.shape) : x.shape.map((_, axis) => axis).slice(2);
  if (axes.length === 0)
    throw new ShapeError(
      OP,
      `x of shape ${showShape(x.shape)} has no axes after the first two`,
      'give [images, channels, height, width], or name axes',
    );
  const steps = problemsOf(x, axes, options)
    .map((problem, at) => ({ problem, axis: nth(axes, at) }))
    .filter(({ problem }) => problem.input !== problem.output || problem.scale !== 1)
    .sort((a, b) => a.problem.output / a.problem.input - b.problem.output / b.problem.input);
  return scope(() => steps.reduce((image, { problem, axis }) => banded(image, axis, resizeBand(problem)), alias(x)));
});
