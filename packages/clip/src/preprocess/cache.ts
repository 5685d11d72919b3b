/** Images that need not be decoded again. */
import { FormatError, InputError, openSafetensors, removeLeftovers, writeSafetensors } from '@mudpt/tensor';
import { makeFolder } from '#platform';
import type { RgbImage } from './image.ts';

/**
 * Keeps images by key. A key names the bytes of a file (by their SHA-256) and what was done to them, so a changed file or setting is
 * never answered with the old image.
 */
export interface ImageCache {
  get(key: string): Promise<RgbImage | undefined>;
  set(key: string, image: RgbImage): Promise<void>;
}

/** Keeps up to `maxBytes` of pixels (default 1 GiB) in memory; the least recently used go first. */
export function memoryCache({
  maxBytes = 2 ** 30,
}: {
  readonly maxBytes?: number;
} = {}): ImageCache & { readonly bytes: number } {
  // A Map remembers the order of insertion, so the first entry is the least recently used.
  const images = new Map<string, RgbImage>();
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    get: async (key) => {
      const image = images.get(key);
      if (image === undefined) return undefined;
      images.delete(key);
      images.set(key, image);
      return image;
    },
    set: async (key, image) => {
      if (image.data.length > maxBytes) return;
      bytes += image.data.length - (images.get(key)?.data.length ?? 0);
      images.delete(key);
      images.set(key, image);
      for (const [oldest, { data }] of images) {
        if (bytes <= maxBytes) break;
        images.delete(oldest);
        bytes -= data.length;
      }
    },
  };
}

const HOUR_MS = 3_600_000;

/**
 * Keeps images as files of a folder (Node), one safetensors file each, so that later runs find them. Several processes may share it. A
 * file that cannot be read counts as absent and is written anew.
 */
export function fileCache(folder: string): ImageCache {
  const pathOf = (key: string) => `${folder}/${key}.safetensors`;
  let made: Promise<void> | undefined;
  return {
    get: async (key) => {
      try {
        await using file = await openSafetensors(pathOf(key), { checksum: true });
        const { shape, bytes } = await file.read('image');
        const [height = 0, width = 0] = shape;
        return file.metadata['key'] === key && bytes.length === width * height * 3 ? { width, height, data: bytes } : undefined;
      } catch (error) {
        if (error instanceof FormatError || error instanceof InputError) return undefined;
        throw error;
      }
    },
    set: async (key, { width, height, data }) => {
      // Only old temporary files are leftovers of killed writes; younger ones may belong to other processes.
      await (made ??= makeFolder(folder).then(() => removeLeftovers(folder, { olderThanMs: HOUR_MS })));
      await writeSafetensors(
        pathOf(key),
        { image: { dtype: 'U8', shape: [height, width, 3], data } },
        {
          checksum: true,
          metadata: { key },
        },
      );
    },
  };
}

/** The key of a file's bytes after `steps`. Letters, digits, '-' and '.': it is part of a file name. */
export async function cacheKey(bytes: Uint8Array, steps: string): Promise<string> {
  // A view of shared memory cannot be hashed, so it is copied.
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));
  return `${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')}-${steps}`;
}
