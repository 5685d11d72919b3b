/** Sources of pixels: host data of 8-bit RGBA, and what a page draws, as packed words in GPU memory. */
import { type Device, engineOf } from '../device.ts';
import { InputError, LimitError } from '../errors.ts';
import { bound, externalPixels, isVideo, type VideoSource, whyNotBound } from './external.ts';
import type { Pixels } from './packed.ts';

/** 8-bit RGBA on the host, rows from the top, colours not multiplied by alpha: an ImageData, or an object like one, in Node as well. */
export type PixelData = { readonly width: number; readonly height: number; readonly data: Uint8ClampedArray | Uint8Array };

/** Images that {@link fromPixels} reads: in a page all that WebGPU takes, and everywhere {@link PixelData}. */
export type PixelSource = GPUCopyExternalImageSource | PixelData;

const OP = 'fromPixels';
const ROW_BYTES = 256; // rows of a texture begin at multiples of it in a buffer

/**
 * The pixels of `source` in memory of `device`.
 * @param video how frames of videos are read: undefined binds those that can be, and copies the others
 * @throws InputError for what has none; LimitError for more than the device takes
 */
export function pixelsOf(device: Device, source: PixelSource, video: 'external' | 'copy' | undefined): Pixels {
  if (typeof source !== 'object' || source === null)
    throw new InputError(OP, `the source is ${source === null ? 'null' : `a ${typeof source}`}`, SOURCES);
  if ('data' in source) return hostPixels(device, source);
  if (!isVideo(source) || video === 'copy') return drawnPixels(device, source);
  return boundPixels(device, source, video === 'external') ?? drawnPixels(device, source);
}

/** A video's frame without a copy; undefined where that cannot be, and it need not. @throws InputError where it must */
function boundPixels(device: Device, source: VideoSource, isWanted: boolean): Pixels | undefined {
  const [width, height] = sizeOfImage(source);
  expectSize(width, height);
  let problem = whyNotBound(device, source);
  if (problem === undefined) {
    try {
      return externalPixels(device, bound(device, source), width, height);
    } catch (error) {
      // Some formats cannot be bound; if the frame itself is bad, the copy reports it.
      if (!(error instanceof DOMException || error instanceof TypeError)) throw error;
      problem = error.message;
    }
  }
  if (isWanted) throw new InputError(OP, `the frame cannot be bound: ${problem}`, "leave video out, or use 'copy'");
  return undefined;
}

const SOURCES =
  'give an ImageBitmap, ImageData, VideoFrame, canvas, image or video element, or { width, height, data } of 8-bit RGBA';

function hostPixels(device: Device, source: PixelData | ImageData): Pixels {
  const { width, height, data } = source;
  expectSize(width, height);
  if (!(data instanceof Uint8ClampedArray || data instanceof Uint8Array))
    throw new InputError(OP, 'data is no array of bytes', 'give a Uint8ClampedArray or Uint8Array of RGBA');
  if (data.length !== 4 * width * height)
    throw new InputError(
      OP,
      `${data.length} bytes are not ${width} x ${height} pixels of 4`,
      'give red, green, blue and alpha of every pixel',
    );
  if ('colorSpace' in source && source.colorSpace !== 'srgb')
    throw new InputError(
      OP,
      `the ImageData is of colour space ${source.colorSpace}`,
      "ask for getImageData(..., { colorSpace: 'srgb' }), or give the canvas: it is converted",
    );
  const engine = engineOf(device);
  const storage = engine.allocate(data.length, { hostWrite: true });
  engine.writeBytes(storage.buffer, 0, new Uint8Array(data));
  return { width, height, rowWords: width, storage };
}

function drawnPixels(device: Device, source: Exclude<GPUCopyExternalImageSource, ImageData>): Pixels {
  const { gpu } = device;
  const [width, height] = sizeOfImage(source);
  expectSize(width, height);
  const most = device.limits.maxTextureDimension2D;
  if (width > most || height > most)
    throw new LimitError(
      OP,
      `an image of ${width} x ${height} is larger than the textures of this adapter, ${most}`,
      'make it smaller: createImageBitmap(image, { resizeWidth, resizeHeight })',
    );
  const rowWords = (Math.ceil((4 * width) / ROW_BYTES) * ROW_BYTES) / 4;
  // COPY_SRC | COPY_DST | RENDER_ATTACHMENT: a copy from an image draws.
  const texture = gpu.createTexture({ label: OP, size: [width, height], format: 'rgba8unorm', usage: 0x01 | 0x02 | 0x10 });
  try {
    // Colours as in sRGB and not multiplied by alpha, whatever the source has.
    gpu.queue.copyExternalImageToTexture({ source }, { texture, premultipliedAlpha: false, colorSpace: 'srgb' }, [width, height]);
  } catch (error) {
    texture.destroy();
    throw new InputError(
      OP,
      `the image cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      `${SOURCES}; one that is not closed, and from this site or served with CORS`,
      { cause: error },
    );
  }
  const storage = engineOf(device).allocate(4 * rowWords * height, { hostWrite: true });
  const { gpu: buffer } = storage.buffer;
  if (!buffer) throw new Error('memory that the host writes has a buffer');
  // Written at once instead of recorded: no recorded command uses this memory yet, and a video shows another image in the next task.
  const encoder = gpu.createCommandEncoder({ label: OP });
  encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow: 4 * rowWords }, [width, height]);
  gpu.queue.submit([encoder.finish()]);
  texture.destroy();
  return { width, height, rowWords, storage };
}

/** Width and height in pixels, as each kind of image names them. */
function sizeOfImage(source: Exclude<GPUCopyExternalImageSource, ImageData>): readonly [number, number] {
  if ('displayWidth' in source) return [source.displayWidth, source.displayHeight];
  if ('videoWidth' in source) return [source.videoWidth, source.videoHeight];
  if ('naturalWidth' in source) return [source.naturalWidth, source.naturalHeight];
  return [source.width, source.height];
}

function expectSize(width: unknown, height: unknown): void {
  const isSize = (size: unknown): boolean => Number.isInteger(size) && (size as number) > 0;
  if (isSize(width) && isSize(height)) return;
  throw new InputError(
    OP,
    `the image is ${String(width)} x ${String(height)}`,
    `${SOURCES}; images and videos have a size once they are loaded`,
  );
}
