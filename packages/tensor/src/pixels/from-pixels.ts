/** Tensors of images. */
import { pixelsReadWgsl } from '@mudpt/shaders';
import { currentDevice, engineOf } from '../device.ts';
import { inNameOf } from '../definition/op.ts';
import { empty } from '../definition/views.ts';
import { CaptureError } from '../errors.ts';
import { grid1d, kernel } from '../kernels/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { type FromPixelsOptions, readingOf } from './options.ts';
import { type PixelSource, pixelsOf } from './source.ts';

const readKernel = kernel({ name: 'pixels_read', source: pixelsReadWgsl });

/**
 * A tensor of an image: f32 [height, width, channels] (or channels first), values 0..1, then `(value - mean) / std`.
 *
 * Colours are those of sRGB, gamma-encoded, and not multiplied by alpha; images of other colour spaces are converted. A byte `b` gives exactly the
 * f32 nearest to `b / 255`. (A 2D canvas keeps colours multiplied by alpha: what it lost where alpha is small is lost here, too.)
 * The image is read before the call returns: a video may go on, a bitmap may be closed.
 *
 * @param source an ImageBitmap, ImageData, VideoFrame, canvas, image or video element; in Node `{ width, height, data }` of 8-bit RGBA
 * @throws InputError for what has no pixels or may not be read; LimitError for one larger than a texture; CaptureError inside of `capture()`
 * @example
 * const image = fromPixels({ width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 255, 0, 0, 255, 255) });
 * console.log(await image.array()); // [[[1,0,0],[0,0,1]]]
 */
export function fromPixels(source: PixelSource, options: FromPixelsOptions = {}): Tensor {
  const { layout, channels, mean, scale, video } = readingOf(options);
  const device = options.device ?? currentDevice('fromPixels');
  if (engineOf(device).isCapturing)
    throw new CaptureError(
      'fromPixels',
      'a captured function is replayed without its JavaScript, with the image of its first call',
      'make the tensor before the call and give it as an input',
    );
  return inNameOf('fromPixels', () => {
    const { width, height, rowWords, storage } = pixelsOf(device, source, video);
    const shape = layout === 'HWC' ? [height, width, channels] : [channels, height, width];
    try {
      const y = empty(device, shape);
      const count = width * height;
      readKernel.dispatch(device, {
        buffers: { pixels: storage, y },
        params: {
          count,
          width,
          row_words: rowWords,
          pixel_step: layout === 'HWC' ? channels : 1,
          channel_step: layout === 'HWC' ? 1 : count,
          mean,
          scale,
        },
        grid: grid1d(count, 64),
        defines: { CHANNELS: channels },
        bytes: 4 * count * (1 + channels),
      });
      return y;
    } finally {
      storage.release();
    }
  });
}
