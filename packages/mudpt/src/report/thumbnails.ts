/** Small images inside the report itself, so that it opens offline and anywhere. */
import { decodeImage, type ImageSource } from '@mudpt/clip';
import { FormatError, InputError } from '@mudpt/tensor';

/** Pixels of a thumbnail's longer side. */
const SIDE = 64;

/** Data URIs of the images that could be read, by id. */
export async function thumbnails(images: ReadonlyMap<string, ImageSource>): Promise<Map<string, string>> {
  const { default: sharp } = await import('sharp');
  const made = new Map<string, string>();
  for (const [id, source] of images) {
    try {
      const { width, height, data } = await decodeImage(source);
      const small = await sharp(data, { raw: { width, height, channels: 3 } })
        .resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true })
        .jpeg({ quality: 78 })
        .toBuffer();
      made.set(id, `data:image/jpeg;base64,${small.toString('base64')}`);
    } catch (error) {
      // A image that went missing since it was evaluated leaves its place empty; the run's own list says which could not be read.
      if (!(error instanceof FormatError || error instanceof InputError)) throw error;
    }
  }
  return made;
}

/** Draws SVG on white as PNG, at twice its size. */
export async function pngOf(svg: string): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  return sharp(Buffer.from(svg), { density: 144 }).flatten({ background: 'white' }).png().toBuffer();
}
