/** Files to pixels. */
import { byteSource, type ByteSourceInput } from '@mudpt/tensor';
import { decodePixels } from '#decode';
import { decodeBmp } from './bmp.ts';
import type { DecodeRequest } from './decoder.ts';
import { exifOrientation } from './exif.ts';
import { decodeGif } from './gif.ts';
import { orient, type RgbImage } from './image.ts';
import { imageFormat, inspectImage } from './inspect.ts';
import { withWholePalette } from './png-palette.ts';
import { ByteReader, refused, truncated } from './reader.ts';

/** How an image file becomes pixels. */
export interface DecodeOptions {
  /**
   * `ignore` (the default) leaves pixels as they are stored, as Pillow does and as CLIP and the papers saw them. `apply` turns them
   * upright by the camera's tag, as viewers show them.
   */
  readonly exif?: 'ignore' | 'apply';
  /** Larger images are refused before memory is taken. Default 178,956,970, where Pillow suspects a decompression bomb. */
  readonly maxPixels?: number;
  /** What errors call the image. Default: the path or URL. */
  readonly name?: string;
}

export const MAX_PIXELS = 178_956_970;
/** Longer files are not read; no image within the limit of pixels needs that much. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/**
 * The bytes of an image file, and its name. A file that does not begin like an image is refused without reading the rest.
 * @throws FormatError naming what the file is instead
 */
export async function readImageFile(input: ByteSourceInput, name?: string): Promise<{ bytes: Uint8Array; name: string }> {
  const source = await byteSource(input);
  const called = name ?? source.name;
  try {
    imageFormat(await source.read(0, Math.min(source.size, 256)), called);
    if (source.size > MAX_FILE_BYTES) throw refused(called, `has ${source.size} bytes`);
    return { bytes: await source.read(0, source.size), name: called };
  } finally {
    await source.close?.();
  }
}

/**
 * Decodes a PNG, JPEG, WebP, GIF or BMP, in Node also a TIFF or AVIF, to RGB, with the bytes of Pillow's `Image.open(file).convert('RGB')`:
 * alpha is dropped, palettes and greys are expanded, 16 bits become their upper 8, CMYK is converted (Node), the first frame or page is
 * taken, and colour profiles and (unless asked for) EXIF orientation are ignored. One thing is not as in Pillow: 16-bit grey is scaled as
 * 16-bit colours are, where Pillow cuts it off at 255 and leaves nearly all white.
 *
 * @throws FormatError for anything else, by name: other formats, damaged or truncated files, too many pixels
 */
export async function decodeImage(input: ByteSourceInput, options: DecodeOptions = {}): Promise<RgbImage> {
  const { bytes, name } = await readImageFile(input, options.name);
  return decodeBytes(bytes, { ...options, name });
}

/** `decodeImage` for bytes that are at hand. */
export async function decodeBytes(
  bytes: Uint8Array,
  { exif = 'ignore', maxPixels = MAX_PIXELS, name = 'memory' }: DecodeOptions = {},
): Promise<RgbImage> {
  const header = inspectImage(bytes, name);
  const { format, width, height, leastBytes } = header;
  if (width * height > maxPixels) {
    const fix = 'make it smaller, or raise maxPixels if it is what it seems';
    throw refused(name, `has ${width} x ${height} pixels, more than the ${maxPixels} allowed`, fix, {
      code: 'image.pixels',
      values: { name, width, height, most: maxPixels },
    });
  }
  // A small file that claims to be a large image would cost the memory of that image before it failed.
  if (bytes.length < leastBytes) throw truncated(name, `${bytes.length} bytes cannot hold ${width} x ${height} pixels`);
  const image = await pixelsOf({ bytes, header, name, maxPixels });
  return exif === 'apply' ? orient(image, exifOrientation(bytes, format)) : image;
}

function pixelsOf(request: DecodeRequest): RgbImage | Promise<RgbImage> {
  const { bytes, header, name, maxPixels } = request;
  if (header.format === 'gif') return decodeGif(bytes, name, maxPixels);
  if (header.format === 'bmp') return decodeBmp(new ByteReader(name, bytes));
  return decodePixels(header.format === 'png' ? { ...request, bytes: withWholePalette(bytes) } : request);
}
