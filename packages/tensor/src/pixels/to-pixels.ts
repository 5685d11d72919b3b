/** Images of tensors: on the host, and on canvases. */
import { pixelsWriteWgsl } from '@mudpt/shaders';
import { engineOf } from '../device.ts';
import { withHook } from '../definition/op.ts';
import { expectOptions } from '../definition/options.ts';
import { expectDType } from '../dtype.ts';
import type { Storage } from '../engine/storage.ts';
import { InputError, ShapeError } from '../errors.ts';
import { grid1d, kernel } from '../kernels/kernel.ts';
import { showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { nth } from '../values.ts';
import { expectLayout, type PixelLayout } from './options.ts';

const writeKernel = kernel({ name: 'pixels_write', source: pixelsWriteWgsl });
const ROW_WORDS = 64; // rows of a texture begin at multiples of 256 bytes in a buffer

/** The layout of a tensor's channels. */
export type ToPixelsOptions = {
  /** 'HWC' (default): [height, width, channels]; 'CHW': [channels, height, width]. */
  readonly layout?: PixelLayout;
};

type View = {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  /** Strides of row, column and channel. */
  readonly strides: readonly [number, number, number];
};

/**
 * The 8-bit RGBA of an image, for `new ImageData(data, width, height)`, a PNG or a file: `round(255 * value)`, values outside 0..1 clipped, alpha 255 where
 * the tensor has none. Undoes {@link fromPixels} exactly.
 * @param x f32 [height, width], or with 1, 3 or 4 channels last (or first, by `layout`); any view
 * @throws ShapeError, DTypeError for other tensors; CaptureError inside of `capture()`
 */
export function toPixels(
  x: Tensor,
  options: ToPixelsOptions = {},
): Promise<{ readonly width: number; readonly height: number; readonly data: Uint8ClampedArray<ArrayBuffer> }> {
  const engine = engineOf(x.device);
  engine.expectNoCapture('toPixels');
  const image = viewOf('toPixels', x, options);
  const { width, height } = image;
  const storage = written(x, image, { rowWords: width, premultiply: false });
  return engine
    .readBytes(storage.buffer, 0, 4 * width * height)
    .then((bytes) => ({ width, height, data: new Uint8ClampedArray(bytes) }))
    .finally(() => storage.release());
}

/**
 * Shows an image on a canvas, which gets its size: values 0..1 of sRGB, those outside clipped. Nothing is read back to the host.
 * @param x f32 [height, width], or with 1, 3 or 4 channels last (or first, by `layout`); any view
 * @param canvas one without a context, or with one of WebGPU; on a canvas with a 2D context put the data of {@link toPixels}
 * @returns settles when the image was submitted
 * @throws ShapeError, DTypeError for other tensors; InputError for a canvas with another context; CaptureError inside of `capture()`
 */
export async function toCanvas(
  x: Tensor,
  canvas: HTMLCanvasElement | OffscreenCanvas,
  options: ToPixelsOptions = {},
): Promise<void> {
  const { device } = x;
  engineOf(device).expectNoCapture('toCanvas');
  const image = viewOf('toCanvas', x, options);
  const { width, height, channels } = image;
  const context = canvas.getContext('webgpu') as GPUCanvasContext | null;
  if (!context)
    throw new InputError(
      'toCanvas',
      'the canvas has a context of another kind',
      'give a canvas of its own, or putImageData(new ImageData(data, width, height)) of await toPixels(x)',
    );
  const rowWords = Math.ceil(width / ROW_WORDS) * ROW_WORDS;
  const storage = written(x, image, { rowWords, premultiply: channels === 4 });
  try {
    await device.settle();
    const { gpu: buffer } = storage.buffer;
    if (!buffer) throw new Error('memory outside of a capture has a buffer');
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    context.configure({
      device: device.gpu,
      format: 'rgba8unorm',
      usage: 0x02 | 0x10, // COPY_DST | RENDER_ATTACHMENT
      alphaMode: channels === 4 ? 'premultiplied' : 'opaque',
      colorSpace: 'srgb',
    });
    const encoder = device.gpu.createCommandEncoder({ label: 'toCanvas' });
    const from = { buffer, bytesPerRow: 4 * rowWords };
    encoder.copyBufferToTexture(from, { texture: context.getCurrentTexture() }, [width, height]);
    device.gpu.queue.submit([encoder.finish()]);
  } finally {
    storage.release();
  }
}

/** Packed pixels of `x`, in memory that the caller releases. */
function written(
  x: Tensor,
  { width, height, channels, strides }: View,
  { rowWords, premultiply }: { readonly rowWords: number; readonly premultiply: boolean },
): Storage {
  const { device } = x;
  const pixels = engineOf(device).allocate(4 * rowWords * height);
  const [row, column, channel] = strides.map((stride) => stride >>> 0);
  // Bytes have no gradient: a tape need not know.
  withHook(undefined, () =>
    writeKernel.dispatch(device, {
      buffers: { x, pixels },
      params: {
        count: width * height,
        width,
        row_words: rowWords,
        offset: x.offset,
        row_stride: row as number,
        column_stride: column as number,
        channel_stride: channel as number,
      },
      grid: grid1d(width * height, 64),
      defines: { CHANNELS: channels, PREMULTIPLY: premultiply ? 1 : 0 },
      bytes: 4 * width * height * (1 + channels),
    }),
  );
  return pixels;
}

function viewOf(op: string, x: Tensor, options: ToPixelsOptions): View {
  x.expectLive(op);
  expectOptions(op, options, ['layout']);
  const { layout = 'HWC' } = options;
  expectLayout(op, layout);
  expectDType(op, 'x', x.dtype, ['f32']);
  const { shape, strides, rank } = x;
  const order = layout === 'HWC' ? [0, 1, 2] : [1, 2, 0];
  const sizes = rank === 2 ? [...shape, 1] : order.map((axis) => shape[axis]);
  const [height = 0, width = 0, channels = 0] = sizes;
  const isImage = (rank === 2 || rank === 3) && (channels === 1 || channels === 3 || channels === 4) && width > 0 && height > 0;
  if (!isImage)
    throw new ShapeError(
      op,
      `x has shape ${showShape(shape)}, which is no image of layout ${layout}`,
      layout === 'HWC'
        ? "give [height, width] or [height, width, 1, 3 or 4], or say layout: 'CHW'; take one image of a batch: x.select(0, i)"
        : 'give [height, width] or [1, 3 or 4, height, width]; take one image of a batch: x.select(0, i)',
    );
  const [row = 0, column = 0, channel = 0] = rank === 2 ? [...strides, 0] : order.map((axis) => nth(strides, axis));
  return { width, height, channels, strides: [row, column, channel] };
}
