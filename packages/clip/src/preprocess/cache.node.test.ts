import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cacheKey, fileCache, memoryCache } from './cache.ts';

const image = (width: number, level: number) => ({ width, height: 2, data: new Uint8Array(width * 6).fill(level) });

describe('memoryCache', () => {
  it('drops what was not used for longest', async () => {
    const cache = memoryCache({ maxBytes: 24 });
    await cache.set('a', image(2, 1));
    await cache.set('b', image(2, 2));
    await cache.get('a');
    await cache.set('c', image(2, 3));
    expect(await Promise.all(['a', 'b', 'c'].map((key) => cache.get(key)))).toEqual([image(2, 1), undefined, image(2, 3)]);
    expect(cache.bytes).toBe(24);
  });

  it('replaces, and does not take what is larger than all of it', async () => {
    const cache = memoryCache({ maxBytes: 24 });
    await cache.set('a', image(2, 1));
    await cache.set('a', image(1, 5));
    expect(cache.bytes).toBe(6);
    await cache.set('b', image(5, 1));
    expect([await cache.get('a'), await cache.get('b')]).toEqual([image(1, 5), undefined]);
  });
});

describe('fileCache', () => {
  it('finds images again, and counts what is damaged or misnamed as absent', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'cache-')), 'below', 'it');
    try {
      const cache = fileCache(folder);
      expect(await cache.get('one')).toBeUndefined();
      await cache.set('one', image(3, 9));
      await cache.set('two', image(1, 8));
      const fresh = fileCache(folder);
      expect(await fresh.get('one')).toEqual(image(3, 9));
      expect((await readdir(folder)).sort()).toEqual(['one.safetensors', 'two.safetensors']);
      await writeFile(join(folder, 'one.safetensors'), 'damaged');
      expect(await fresh.get('one')).toBeUndefined();
      await fresh.set('one', image(3, 7));
      expect(await fresh.get('one')).toEqual(image(3, 7));
    } finally {
      await rm(join(folder, '..', '..'), { recursive: true });
    }
  });
});

it('keys follow the bytes and the steps', async () => {
  const abc = new TextEncoder().encode('abc');
  const key = await cacheKey(abc, '224-224-ignore');
  expect(key).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad-224-224-ignore');
});
