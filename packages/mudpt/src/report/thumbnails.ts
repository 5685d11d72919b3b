/** Small images inside the report itself, so that it opens offline and anywhere. */
import { decodeImage, type ImageSource } from '@mudpt/clip';
import { FormatError, InputError } from '@mudpt/tensor';
import { inParts } from '../event-loop.ts';
import type { Raster } from './matrix.ts';

/** Pixels of a thumbnail's longer side. */
const SIDE = 64;

/** Images decoded at once. */
const AT_ONCE = 4;

/** Data URIs of the images that could be read, by id. @throws the signal's reason once it is aborted */
export async function thumbnails(images: ReadonlyMap<string, ImageSource>, signal?: AbortSignal): Promise<Map<string, string>> {
  const made = new Map<string, string>();
  for await (const part of inParts([...images], AT_ONCE, signal)) {
    const sources = await Promise.all(part.map(([, source]) => thumbnail(source)));
    for (const [index, [id]] of part.entries()) {
      const source = sources[index];
      if (source !== undefined) made.set(id, source);
    }
  }
  return made;
}

/** A thumbnail; empty for an image that has gone missing since the evaluation. The run's own list names images that could not be read. */
async function thumbnail(source: ImageSource): Promise<string | undefined> {
  const { default: sharp } = await import('sharp');
  try {
    const { width, height, data } = await decodeImage(source);
    const small = await sharp(data, { raw: { width, height, channels: 3 } })
      .resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 78 })
      .toBuffer();
    return `data:image/jpeg;base64,${small.toString('base64')}`;
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof InputError)) throw error;
    return undefined;
  }
}

/** Draws SVG on white as PNG, at twice its size. */
export async function pngOf(svg: string): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  return sharp(Buffer.from(svg), { density: 144 }).flatten({ background: 'white' }).png().toBuffer();
}

/** Pixels that a small raster image is enlarged to, about. */
const ENLARGED = 700;

/** The raster as PNG, small ones enlarged so that cells are seen. */
export async function rasterPng({ side, pixels }: Raster): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  const enlarged = side * Math.max(1, Math.floor(ENLARGED / side));
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .resize(enlarged, enlarged, { kernel: 'nearest' })
    .png({ palette: true, colours: 64, dither: 0 })
    .toBuffer();
}
