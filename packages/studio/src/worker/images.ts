/** The worker that looks at images before they are taken: are they readable, which are they, and how do they look small. */
import { decodeImage } from '@mudpt/clip';
import { database } from '../project/store.ts';
import { serve, type Told, toldOf } from './rpc.ts';

/** Longer side of a thumbnail in pixels: twice what is shown, for fine screens. */
const SIDE = 160;

export type Looked =
  | { readonly id: string; readonly width: number; readonly height: number; readonly thumbnail: Blob }
  | { readonly told: Told };

export interface ImageCalls {
  /** Reads an image as training will, and keeps it and its thumbnail in the browser. */
  take(image: Blob, name: string): Promise<Looked>;
}

async function take(image: Blob, name: string): Promise<Looked> {
  try {
    const { width, height, data } = await decodeImage(image, { name });
    const bytes = await image.arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    const id = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    const thumbnail = await shrink(width, height, data);
    const db = await database();
    // Bytes, not the file: what a person picked may be moved or deleted later.
    await db.put('images', new Blob([bytes], { type: image.type }), id);
    await db.put('thumbnails', thumbnail, id);
    return { id, width, height, thumbnail };
  } catch (error) {
    return { told: toldOf(error) };
  }
}

async function shrink(width: number, height: number, rgb: Uint8Array): Promise<Blob> {
  const pixels = new Uint8ClampedArray(4 * width * height);
  for (let from = 0, to = 0; to < pixels.length; from += 3, to += 4) {
    pixels[to] = rgb[from] as number;
    pixels[to + 1] = rgb[from + 1] as number;
    pixels[to + 2] = rgb[from + 2] as number;
    pixels[to + 3] = 255;
  }
  const scale = Math.min(1, SIDE / Math.max(width, height));
  const [small, low] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  const bitmap = await createImageBitmap(new ImageData(pixels, width, height), {
    resizeWidth: small,
    resizeHeight: low,
    resizeQuality: 'medium',
  });
  const canvas = new OffscreenCanvas(small, low);
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.convertToBlob({ type: 'image/webp', quality: 0.85 });
}

const calls: ImageCalls = { take };
serve({ ...calls });
