/** The size of an AVIF or HEIC file, from its boxes. */
import type { ImageHeader } from './image-header.ts';
import { type ByteReader, damaged } from './reader.ts';

/** Properties of images stand at the beginning, before the pixels. */
const SEARCHED = 2 ** 16;

/** Reads the header: the largest of the images in it (others are thumbnails and tiles). @throws FormatError when none tells its size */
export function inspectHeif(reader: ByteReader, format: 'avif' | 'heic'): ImageHeader {
  const start = reader.text(0, Math.min(reader.size, SEARCHED));
  let [width, height] = [0, 0];
  for (let at = start.indexOf('ispe'); at >= 0 && at + 16 <= reader.size; at = start.indexOf('ispe', at + 4)) {
    const size = [reader.u32(at + 8, 'big'), reader.u32(at + 12, 'big')] as const;
    if (size[0] * size[1] > width * height) [width, height] = size;
  }
  if (width * height === 0) throw damaged(reader.name, 'it tells no size');
  return { format, width, height, hasAlpha: start.includes('auxC'), isCmyk: false, leastBytes: 0 };
}
