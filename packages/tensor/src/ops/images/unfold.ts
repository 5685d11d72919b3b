/** Windows of images as columns, and their sums back into images; each is the other's gradient. */
import { convWgsl } from '@mudpt/shaders';
import { bytesPerElement, expectDType, wgslType } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { showShape } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { transpose } from '../views/views.ts';
import { convParams, imageSize, type Pair, type WindowOptions, type Windows, windowsOf } from '../../kernels/conv/geometry.ts';
import { nth } from '../../values.ts';

export const convKernel = kernel({ name: 'conv', source: convWgsl });

/** Windows [N, L, C kh kw] of x, contiguous: rows for a matrix product. */
export function windowRows(x: Tensor, windows: Windows): Tensor {
  const [images = 0, channels = 0] = x.shape;
  const [places, taps] = [windows.places[0] * windows.places[1], windows.taps[0] * windows.taps[1]];
  const out = empty(x.device, [images, places, channels * taps], x.dtype);
  convKernel.dispatch(x.device, {
    buffers: { x, result: out },
    params: { count: out.size, ...convParams(windows, { images, channels, outputs: 1, groups: 1 }, { x }) },
    grid: grid1d(out.size, 64),
    defines: { T: wgslType(x.dtype), MODE: 'unfold' },
    bytes: 2 * out.size * bytesPerElement(x.dtype),
  });
  return out;
}

/** The transpose of {@link windowRows}: every cell of the image [N, C, H, W] is the sum of its places in `rows` [N, L, C kh kw]. */
export function foldRows(rows: Tensor, channels: number, windows: Windows): Tensor {
  const images = nth(rows.shape, 0);
  const out = empty(rows.device, [images, channels, ...windows.size], rows.dtype);
  const params = convParams(windows, { images, channels, outputs: 1, groups: 1 }, {});
  convKernel.dispatch(rows.device, {
    buffers: { y: rows, result: out },
    params: {
      ...params,
      count: out.size,
      y_offset: rows.offset,
      y_strides: [...rows.strides, 0].map((stride) => stride >>> 0),
    },
    grid: grid1d(out.size, 64),
    defines: { T: wgslType(rows.dtype), MODE: 'fold' },
    flops: rows.size,
    bytes: (rows.size + out.size) * bytesPerElement(rows.dtype),
  });
  return out;
}

/**
 * Windows of x [N, C, H, W] as columns [N, C kh kw, L]: rows in the order channel, row, column of the window, L = H' W' places (PyTorch's
 * unfold, im2col). Zeros where a window reaches into the padding. A strided view.
 * @example
 * console.log(await arange(9).reshape([1, 1, 3, 3]).unfold(2).select(2, 0).data()); // [0,1,3,4]
 */
export const unfold = defineOp('unfold', (x: Tensor, kernelSize: Pair, options: WindowOptions = {}): Tensor => {
  x.expectLive('unfold');
  expectDType('unfold', 'x', x.dtype, ['f32', 'f16']);
  using rows = windowRows(x, windowsOf('unfold', imageSize('unfold', 'x', x), kernelSize, options));
  return transpose.run(rows);
});

/**
 * Adds columns [N, C kh kw, L] back into images [N, C, H, W] (PyTorch's fold, col2im); the gradient of {@link unfold}.
 * @param size [H, W] of the images
 * @throws ShapeError when the columns are not those of such images
 */
export const fold = defineOp(
  'fold',
  (columns: Tensor, size: readonly [number, number], kernelSize: Pair, options: WindowOptions = {}): Tensor => {
    columns.expectLive('fold');
    expectDType('fold', 'columns', columns.dtype, ['f32', 'f16']);
    const windows = windowsOf('fold', size, kernelSize, options);
    const [places, taps] = [windows.places[0] * windows.places[1], windows.taps[0] * windows.taps[1]];
    const [, height = 0, length] = columns.shape;
    if (columns.rank !== 3 || height % taps !== 0 || length !== places) {
      throw new ShapeError(
        'fold',
        `columns of shape ${showShape(columns.shape)} do not fit images of ${showShape(size)}`,
        `here they are [images, channels * ${taps}, ${places}]`,
      );
    }
    using rows = transpose.run(columns);
    return foldRows(rows, height / taps, windows);
  },
);
