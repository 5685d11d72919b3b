import { setTimeout as wait } from 'node:timers/promises';
import { DisposedError, FormatError, InputError, ShapeError } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import { imagePath } from '@mudpt/testing/images';
import { augment } from './augment.ts';
import { type ImageCache, memoryCache } from './cache.ts';
import { decodeImage } from './decode.ts';
import { resizeAndCrop } from './geometry.ts';
import { createImageLoader, type ImageLoaderOptions, type LoadedImage } from './loader.ts';
import { drawsFor } from './random.ts';

const NAMES = ['rgb.png', 'noise.gif', 'thin.png', 'q95.jpg', 'lossy.webp', 'one-pixel.png', 'cmyk.jpg', 'rgba.png'];
const paths = NAMES.map(imagePath);

async function collect<T>(images: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const image of images) all.push(image);
  return all;
}

/** A cache that tells what it was asked. */
function countingCache(): ImageCache & { hits: number; misses: number } {
  const inner = memoryCache();
  const counts = { hits: 0, misses: 0 };
  return Object.assign(counts, {
    get: async (key: string) => {
      const found = await inner.get(key);
      counts[found ? 'hits' : 'misses']++;
      return found;
    },
    set: inner.set,
  });
}

describe.each([0, 2])('with %i workers', (workers) => {
  const loaderOf = (options: Partial<ImageLoaderOptions> = {}) => createImageLoader({ size: 32, workers, ...options });

  it('gives the images in order, the same as one by one', async () => {
    await using loader = loaderOf({ prefetch: 5 });
    const images = await collect(loader.iterate([...paths, ...paths]));
    expect(images.map(({ index }) => index)).toEqual([...paths, ...paths].map((_, index) => index));
    for (const { source, pixels } of images) expect(pixels, source).toEqual(resizeAndCrop(await decodeImage(source), 32).data);
  });

  it('augments by seed, epoch and index, whatever the number of threads', async () => {
    await using loader = loaderOf({ augment: { seed: 9 } });
    const expected = async (epoch: number, index: number, path: string) =>
      augment(await decodeImage(path), 32, drawsFor({ seed: 9, epoch, index })).data;
    for (const { source, index, pixels } of await collect(loader.iterate(paths, { epoch: 3, firstIndex: 100 })))
      expect(pixels).toEqual(await expected(3, index + 100, source));
    expect(await loader.load(paths[0] ?? '', { epoch: 1, index: 5 })).toEqual(await expected(1, 5, paths[0] ?? ''));
  });

  it.each([undefined, { seed: 1 }])('answers from the cache with the same pixels (augment: %o)', async (augmentation) => {
    const cache = countingCache();
    await using loader = loaderOf({ cache, ...(augmentation && { augment: augmentation }) });
    const first = await collect(loader.iterate(paths));
    expect([cache.hits, cache.misses]).toEqual([0, paths.length]);
    expect(await collect(loader.iterate(paths))).toEqual(first);
    expect([cache.hits, cache.misses]).toEqual([paths.length, paths.length]);
  });

  it('throws the error of a broken file at its place, naming it', async () => {
    await using loader = loaderOf();
    const seen: LoadedImage[] = [];
    const walk = async () => {
      for await (const image of loader.iterate([...paths.slice(0, 3), imagePath('refused.svg'), ...paths])) seen.push(image);
    };
    await expect(walk()).rejects.toThrow(/refused\.svg is an SVG drawing/);
    expect(seen.map(({ index }) => index)).toEqual([0, 1, 2]);
    const cut = (await import('node:fs')).readFileSync(imagePath('q95.jpg')).subarray(0, 600);
    await expect(loader.load(cut)).rejects.toThrow(FormatError);
    await expect(loader.load(imagePath('absent.png'))).rejects.toThrow(InputError);
    await expect(loader.load(new Blob([cut]))).rejects.toThrow(/blob is truncated/);
  });

  it('stops when aborted, with the reason, and works on afterwards', async () => {
    await using loader = loaderOf();
    const controller = new AbortController();
    const seen: number[] = [];
    const walk = async () => {
      for await (const { index } of loader.iterate([...paths, ...paths], { signal: controller.signal })) {
        seen.push(index);
        if (index === 2) controller.abort(new Error('enough'));
      }
    };
    await expect(walk()).rejects.toThrow('enough');
    expect(seen).toEqual([0, 1, 2]);
    await expect(collect(loader.iterate(paths, { signal: AbortSignal.abort() }))).rejects.toThrow(/abort/i);
    expect(await collect(loader.iterate(paths))).toHaveLength(paths.length);
  });
});

describe('iterate', () => {
  it('takes no more than it prepares ahead, from endless sources too, and tells them to stop', async () => {
    let taken = 0;
    let isStopped = false;
    async function* endless() {
      try {
        for (;;) {
          taken++;
          yield paths[0] ?? '';
        }
      } finally {
        isStopped = true;
      }
    }
    await using loader = createImageLoader({ size: 8, workers: 0, prefetch: 3 });
    for await (const { index } of loader.iterate(endless())) if (index === 4) break;
    await wait(0);
    expect([taken, isStopped]).toEqual([5 + 3 - 1, true]);
  });

  it('an abort does not wait for a source that never answers', async () => {
    await using loader = createImageLoader({ size: 8, workers: 0 });
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<string>>(() => {}) }) };
    const signal = AbortSignal.timeout(20);
    await expect(collect(loader.iterate(silent, { signal }))).rejects.toThrow(/timeout/i);
  });

  it('gives nothing for no sources', async () => {
    await using loader = createImageLoader({ size: 8 });
    expect(await collect(loader.iterate([]))).toEqual([]);
  });
});

it('a closed loader refuses; closing twice is fine', async () => {
  const loader = createImageLoader({ size: 8, workers: 1 });
  await loader.load(paths[0] ?? '');
  await loader.close();
  await loader.close();
  await expect(loader.load(paths[0] ?? '')).rejects.toThrow(DisposedError);
});

it.each([{ size: 0 }, { size: 2.5 }, { size: 8, resize: 7 }, { size: 8, workers: -1 }, { size: 8, prefetch: 0 }])(
  'refuses %o',
  (options) => {
    expect(() => createImageLoader(options)).toThrow(ShapeError);
  },
);
