/** Launches of pooling: windows of an image, resolved or adaptive, and their gradients. */
import { poolWgsl } from '@mudpt/shaders';
import { bytesPerElement, expectDType, wgslType } from '../../dtype.ts';
import { LimitError, ShapeError } from '../../errors.ts';
import { empty } from '../../definition/views.ts';
import { sameShape, type Shape, showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import { grid1d, kernel } from '../kernel.ts';
import { eachAxis, type Pair, type Windows, windowsOf } from './geometry.ts';

const poolKernel = kernel({ name: 'pool', source: poolWgsl });

type Given = NonNullable<Parameters<typeof windowsOf>[3]>;

/**
 * Windows of a pooling: the stride is the window's size by default.
 * @throws ShapeError when no window fits, LimitError for options out of range, among them those that leave a window in the padding alone
 */
export function poolWindows<S extends readonly number[]>(
  op: string,
  size: S,
  kernelSize: number | readonly number[],
  options: Given,
): Windows<S> {
  const windows = windowsOf(op, size, kernelSize, { ...options, stride: options.stride ?? kernelSize });
  const { padding, after, taps, places, stride, dilation } = windows;
  const reach = taps.map((count, axis) => nth(dilation, axis) * (count - 1) + 1);
  if (reach.some((cells, axis) => 2 * Math.max(nth(padding, axis), nth(after, axis)) > cells)) {
    throw new LimitError(
      op,
      `padding ${showShape(String(padding) === String(after) ? padding : [...padding, ...after])} is more than half of the window ${showShape(reach)}`,
      'use at most half, so that no window lies in the padding alone',
    );
  }
  const isBlind = (axis: number): boolean => {
    const [cells, count, before, step, apart] = [size, taps, padding, stride, dilation].map((list) => nth(list, axis)) as [
      ...[number, number, number, number, number],
    ];
    return Array.from({ length: nth(places, axis) }, (_, place) => place * step - before).some(
      (start) => !Array.from({ length: count }, (_, tap) => start + tap * apart).some((at) => at >= 0 && at < cells),
    );
  };
  // Windows without holes see a cell if at most half of them is padding.
  if (taps.some((_, axis) => nth(dilation, axis) > 1 && isBlind(axis)))
    throw new LimitError(
      op,
      `a window of dilation ${showShape(dilation)} lies in the padding alone`,
      'use less padding or dilation',
    );
  return windows;
}

/** One window for each of `places`, that together cover the image. @throws LimitError, ShapeError for an image without cells */
export function adaptiveWindows(op: string, size: readonly [number, number], places: Pair): Windows {
  if (size.includes(0)) throw new ShapeError(op, `the image is ${showShape(size)}`, 'give an image with cells');
  const [rows, columns] = eachAxis(op, 'size', places, 2, 1) as [number, number];
  const [ones, none] = [
    [1, 1],
    [0, 0],
  ] as const;
  return { size, places: [rows, columns], taps: ones, stride: ones, dilation: ones, padding: none, after: none };
}

export type PoolMode = 'max' | 'max_gradient' | 'mean' | 'mean_gradient';

type Run = {
  readonly op: string;
  readonly mode: PoolMode;
  readonly windows: Windows;
  readonly isAdaptive?: boolean;
  /** The image, or the gradient of the pooled one. */
  readonly x: Tensor;
  readonly outShape: Shape;
  readonly chosen?: Tensor;
  readonly countsPadding?: boolean;
};

/** Records one pass. @throws DTypeError */
export function pool({ op, mode, windows, isAdaptive = false, x, outShape, chosen, countsPadding = true }: Run): Tensor {
  x.expectLive(op);
  expectDType(op, mode.endsWith('gradient') ? 'grad' : 'x', x.dtype, ['f32', 'f16']);
  const result = empty(x.device, outShape, x.dtype);
  const { size, taps, places, stride, padding, after, dilation } = windows;
  const along = (value: (axis: 0 | 1) => number): readonly number[] => [value(0), value(1)];
  poolKernel.dispatch(x.device, {
    buffers: { x, result, ...(chosen && { chosen }) },
    params: {
      ...{ size, taps, places, stride, padding, dilation },
      count: result.size,
      channels: nth(outShape, 1),
      x_offset: x.offset,
      x_strides: x.strides.map((step) => step >>> 0),
      adaptive: isAdaptive,
      counted_from: along((axis) => (countsPadding ? 0 : padding[axis])),
      counted_to: along((axis) => size[axis] + padding[axis] + (countsPadding ? after[axis] : 0)),
    },
    grid: grid1d(result.size, 64),
    defines: { T: wgslType(x.dtype), MODE: mode },
    flops: result.size * taps[0] * taps[1],
    bytes: (x.size + result.size) * bytesPerElement(x.dtype),
  });
  return result;
}

/** @throws ShapeError unless `grad` has the shape of a pooled image of `imageShape` */
export function expectPooled(op: string, grad: Tensor, imageShape: Shape, { places }: Windows): void {
  const expected = [...imageShape.slice(0, 2), ...places];
  if (sameShape(grad.shape, expected)) return;
  throw new ShapeError(op, `grad has shape ${showShape(grad.shape)}`, `the output of this pooling is ${showShape(expected)}`);
}
