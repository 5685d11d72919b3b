/** Pooling over one axis and over three, by that over two, and over all axes. */
import { ShapeError } from '../../errors.ts';
import { defineOp, type Op } from '../../definition/op.ts';
import {
  flatWindows,
  type SequenceWindowOptions,
  spatialSize,
  splitWindows,
  type Triple,
  type VolumeWindowOptions,
} from '../../kernels/conv/geometry.ts';
import { poolWindows } from '../../kernels/conv/pooling.ts';
import { scope } from '../../scope.ts';
import { showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { adaptiveAvgPool2d, adaptiveMaxPool2d, avgPool2d, type AvgPoolOptions, maxPool2d } from './pool.ts';
import { max, mean } from '../reduce/reduce.ts';
import { reshape, squeeze, unsqueeze } from '../views/views.ts';

type Ends = { readonly ceilMode?: boolean };
type Divisor = { readonly countsPadding?: boolean };
/** How windows over a sequence move; the stride is the window's own size by default. See {@link MaxPoolOptions}. */
export type MaxPool1dOptions = SequenceWindowOptions & Ends;
/** How windows over a sequence move. See {@link AvgPoolOptions}. */
export type AvgPool1dOptions = MaxPool1dOptions & Divisor;
/** How windows over a volume move; the stride is the window's own size by default. See {@link MaxPoolOptions}. */
export type MaxPool3dOptions = VolumeWindowOptions & Ends;
/** How windows over a volume move. See {@link AvgPoolOptions}. */
export type AvgPool3dOptions = MaxPool3dOptions & Divisor;

type Pool2d = Op<(x: Tensor, kernelSize: readonly [number, number], options?: AvgPoolOptions) => Tensor>;

/** Options that are not of windows, without what is not given: maxima have no divisor. */
const endsOf = ({ ceilMode, countsPadding }: Ends & Divisor): Ends & Divisor => ({
  ...(ceilMode !== undefined && { ceilMode }),
  ...(countsPadding !== undefined && { countsPadding }),
});

function poolSequence(op: string, pool2d: Pool2d, x: Tensor, kernelSize: number, options: AvgPool1dOptions): Tensor {
  x.expectLive(op);
  const { countsPadding: _, ...moves } = options;
  const windows = poolWindows(op, spatialSize(op, 'x', x, 1), kernelSize, moves);
  return scope(() => squeeze(pool2d(unsqueeze(x, 2), [1, windows.taps[0]], { ...flatWindows(windows), ...endsOf(options) }), 2));
}

/** First over the images of the volume, then over its depth: a largest value of largest ones, a mean of means. */
function poolVolume(op: string, pool2d: Pool2d, x: Tensor, kernelSize: Triple, options: AvgPool3dOptions): Tensor {
  x.expectLive(op);
  const size = spatialSize(op, 'x', x, 3);
  const { countsPadding: _, ...moves } = options;
  const windows = poolWindows(op, size, kernelSize, moves);
  const { images: within, depth: across } = splitWindows(windows);
  const [, rows, columns] = windows.places;
  const [images = 0, channels = 0, depth = 0, height = 0, width = 0] = x.shape;
  return scope(() => {
    const flat = reshape(x, [images, channels * depth, height, width]);
    const layers = pool2d(flat, [windows.taps[1], windows.taps[2]], { ...within, ...endsOf(options) });
    const columned = reshape(layers, [images, channels, depth, rows * columns]);
    const out = pool2d(columned, [windows.taps[0], 1], { ...across, ...endsOf(options) });
    return reshape(out, [images, channels, ...windows.places]);
  });
}

/** {@link maxPool2d} of sequences: x [N, C, L] gives [N, C, L']. @throws ShapeError, DTypeError, LimitError */
export const maxPool1d = defineOp(
  'maxPool1d',
  (x: Tensor, kernelSize: number, options: MaxPool1dOptions = {}): Tensor =>
    poolSequence('maxPool1d', maxPool2d as Pool2d, x, kernelSize, options),
);

/** {@link avgPool2d} of sequences: x [N, C, L] gives [N, C, L']. @throws ShapeError, DTypeError, LimitError */
export const avgPool1d = defineOp(
  'avgPool1d',
  (x: Tensor, kernelSize: number, options: AvgPool1dOptions = {}): Tensor =>
    poolSequence('avgPool1d', avgPool2d, x, kernelSize, options),
);

/** {@link maxPool2d} of volumes: x [N, C, D, H, W] gives [N, C, D', H', W']. @throws ShapeError, DTypeError, LimitError */
export const maxPool3d = defineOp(
  'maxPool3d',
  (x: Tensor, kernelSize: Triple, options: MaxPool3dOptions = {}): Tensor =>
    poolVolume('maxPool3d', maxPool2d as Pool2d, x, kernelSize, options),
);

/** {@link avgPool2d} of volumes: x [N, C, D, H, W] gives [N, C, D', H', W']. @throws ShapeError, DTypeError, LimitError */
export const avgPool3d = defineOp(
  'avgPool3d',
  (x: Tensor, kernelSize: Triple, options: AvgPool3dOptions = {}): Tensor =>
    poolVolume('avgPool3d', avgPool2d, x, kernelSize, options),
);

/** {@link adaptiveMaxPool2d} of sequences: x [N, C, L] gives [N, C, size]. @throws ShapeError, DTypeError, LimitError */
export const adaptiveMaxPool1d = defineOp('adaptiveMaxPool1d', (x: Tensor, size: number): Tensor => {
  spatialSize('adaptiveMaxPool1d', 'x', x, 1);
  return scope(() => squeeze(adaptiveMaxPool2d(unsqueeze(x, 2), [1, size]), 2));
});

/** {@link adaptiveAvgPool2d} of sequences: x [N, C, L] gives [N, C, size]. @throws ShapeError, DTypeError, LimitError */
export const adaptiveAvgPool1d = defineOp('adaptiveAvgPool1d', (x: Tensor, size: number): Tensor => {
  spatialSize('adaptiveAvgPool1d', 'x', x, 1);
  return scope(() => squeeze(adaptiveAvgPool2d(unsqueeze(x, 2), [1, size]), 2));
});

/** Axes after images and channels. @throws ShapeError when there are none */
function spatialAxes(op: string, { shape }: Tensor): number[] {
  if (shape.length < 3) throw new ShapeError(op, `x has shape ${showShape(shape)}`, 'give [images, channels, ...sizes]');
  return shape.map((_, axis) => axis).slice(2);
}

/** The mean of every channel of x [N, C, ...]: [N, C, 1, ...]. (ONNX's GlobalAveragePool.) @throws ShapeError */
export const globalAvgPool = defineOp(
  'globalAvgPool',
  (x: Tensor): Tensor => mean(x, spatialAxes('globalAvgPool', x), { keepdim: true }),
);

/** The largest value of every channel of x [N, C, ...]: [N, C, 1, ...]; equal ones share its gradient. (ONNX's GlobalMaxPool.) @throws ShapeError */
export const globalMaxPool = defineOp(
  'globalMaxPool',
  (x: Tensor): Tensor => max(x, spatialAxes('globalMaxPool', x), { keepdim: true }),
);
