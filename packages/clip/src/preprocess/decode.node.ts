/** Decoding in Node by sharp (libvips), which gives the bytes Pillow does. Reached only through `#decode`. */
import type Sharp from 'sharp';
import { type FormatError, TensorError } from '@mudpt/tensor';
import type { DecodePixels } from './decoder.ts';
import { emptyImage, type RgbImage } from './image.ts';
import type { ImageHeader } from './image-header.ts';
import { damaged, refused, truncated } from './reader.ts';

/** Seconds: far more than the largest allowed image takes; decoding of a file made to keep decoders busy ends here. */
const MAX_SECONDS = 60;

/** Loads sharp, once. Workers need it loaded on the main thread first, or its libraries are unloaded with the first worker. */
export function loadDecoder(): Promise<typeof Sharp> {
  return (loaded ??= import('sharp').then(
    (module) => module.default,
    (cause: unknown) => {
      const missing = (cause as { code?: string }).code === 'ERR_MODULE_NOT_FOUND';
      const problem = missing
        ? "the package 'sharp', which decodes images, is not installed"
        : "the package 'sharp' does not load";
      throw new TensorError('decodeImage', problem, 'run `npm install sharp` for this platform', { cause });
    },
  ));
}

let loaded: Promise<typeof Sharp> | undefined;

export const decodePixels: DecodePixels = async ({ bytes, header, name, maxPixels }) => {
  const sharp = await loadDecoder();
  // 'error': like Pillow, truncated files are refused, mere warnings (stray bytes between segments) are not.
  const source = sharp(bytes, { ignoreIcc: true, failOn: 'error', limitInputPixels: maxPixels }).timeout({
    seconds: MAX_SECONDS,
  });
  const prepared = header.isCmyk
    ? source.pipelineColourspace('cmyk').toColourspace('cmyk')
    : source.removeAlpha().toColourspace('srgb');
  const { data, info } = await prepared
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw explain(name, bytes, header, cause);
    });
  const { width, height, channels } = info;
  const pixels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (channels === 4 && header.isCmyk) return fromCmyk({ width, height, data: pixels });
  if (channels !== 3) throw damaged(name, `it decodes to ${channels} channels`);
  return { width, height, data: pixels };
};

function explain(name: string, bytes: Uint8Array, { format }: ImageHeader, cause: unknown): FormatError {
  const message = (cause instanceof Error ? cause.message : String(cause)).trim().split('\n')[0] ?? '';
  if (format === 'heic')
    return refused(
      name,
      `is a HEIC image, which this installation does not decode (${message})`,
      'convert it: `magick photo.heic photo.jpg`, or export it as JPEG from the program that shows it',
    );
  // libpng reports every failure as "read error"; a PNG without its last chunk was cut off.
  const isCut = format === 'png' ? !endsWithChunk(bytes, 'IEND') : /premature end|unexpected end|truncated/i.test(message);
  return isCut ? truncated(name, message, cause) : damaged(name, message, cause);
}

function endsWithChunk(bytes: Uint8Array, kind: string): boolean {
  return String.fromCharCode(...bytes.subarray(-8, -4)) === kind;
}

/** Pillow's conversion: each ink takes its part of what black leaves (Convert.c, cmyk2rgb). Input: four bytes a pixel. */
function fromCmyk({ width, height, data }: RgbImage): RgbImage {
  const image = emptyImage(width, height);
  for (let from = 0, to = 0; to < image.data.length; from += 4) {
    const light = 255 - data[from + 3]!;
    for (let ink = 0; ink < 3; ink++) {
      const product = data[from + ink]! * light + 128;
      image.data[to++] = Math.max(light - (((product >> 8) + product) >> 8), 0);
    }
  }
  return image;
}
