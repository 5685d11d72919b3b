import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError, writeFileAtomic } from '@mudpt/tensor';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { expect, it, vi } from 'vitest';
import { contentDigest, imagesDigest } from '../data/fingerprint.ts';
import type { Item } from '../data/index.ts';
import { CacheFolder, cachePlace } from './cache-folder.ts';
import { codeVersion } from './code-version.ts';
import { FileDigests } from './file-digests.ts';

async function images(folder: string, count: number): Promise<Item[]> {
  const items = Array.from({ length: count }, (_, index) => ({
    id: `${index}.png`,
    image: join(folder, `${index % 3}`, `${index}.png`),
    label: index % 2,
  }));
  for (const [index, { image }] of items.entries()) await put(image, `contents ${index}`);
  return items;
}

/** As another process would: nothing but the folder is shared. Files of this test have just been made, and count as settled. */
const digestsIn = (folder: string, notes: string[] = []): FileDigests =>
  new FileDigests(new CacheFolder(folder, { onNote: (note) => notes.push(note) }), 0);

it('of files that did not change only the facts are read, and the digest is the same', async () => {
  await using at = await temporaryFolder();
  const cache = join(at.path, 'cache');
  const items = await images(join(at.path, 'data'), 20);
  const plain = await contentDigest(items);
  const [first, second] = [digestsIn(cache), digestsIn(cache)];
  expect(await contentDigest(items, { known: first })).toBe(plain);
  // The same contents are counted in this process, and in the next.
  expect([await contentDigest(items, { known: first }), first.hits]).toEqual([plain, 20]);
  expect([await contentDigest(items, { known: second }), second.hits]).toEqual([plain, 20]);

  // Contents of the same length, with the time of the file put back.
  const [changed] = items as [Item];
  const { atime, mtime } = await stat(changed.image as string);
  await writeFile(changed.image as string, 'CONTENTS 0');
  await utimes(changed.image as string, atime, mtime);
  const third = digestsIn(cache);
  expect(await contentDigest(items, { known: third })).toBe(await contentDigest(items));
  expect(await contentDigest(items, { known: third })).not.toBe(plain);
  expect(third.hits).toBe(19 + 20);
  // What changed a moment ago could change again within one tick of the clock, and is read each time.
  const careful = new FileDigests(undefined, 60_000);
  for (let time = 0; time < 2; time++) await contentDigest(items, { known: careful });
  expect(careful.hits).toBe(0);
});

it('digests of images alone forget names and labels, and there are none of what is not known', async () => {
  await using at = await temporaryFolder();
  const items = await images(at.path, 4);
  const renamed = items.map((item) => ({ ...item, id: `other ${item.id}`, label: 1 - item.label }));
  expect(await imagesDigest(renamed)).toBe(await imagesDigest(items));
  expect(await contentDigest(renamed)).not.toBe(await contentDigest(items));
  expect(await imagesDigest(items.toReversed())).not.toBe(await imagesDigest(items));
  expect(await imagesDigest([...items, { id: 'a', label: 0, image: 'https://example.org/a.png' }])).toBeUndefined();
  expect(await imagesDigest([...items, { id: 'a', label: 0, image: join(at.path, 'missing.png') }])).toBeUndefined();
});

it('a damaged file of digests is told, removed, and made again', async () => {
  await using at = await temporaryFolder();
  const cache = join(at.path, 'cache');
  const items = await images(join(at.path, 'data'), 3);
  const plain = await contentDigest(items, { known: digestsIn(cache) });
  const kept = join(cache, 'digests');
  const [name = ''] = await readdir(kept);
  const text = await readFile(join(kept, name), 'utf8');
  await writeFile(
    join(kept, name),
    text.replace(/"([0-9a-f])/, (_, digit: string) => `"${digit === '0' ? '1' : '0'}`),
  );
  const notes: string[] = [];
  const again = digestsIn(cache, notes);
  expect([await contentDigest(items, { known: again }), again.hits]).toEqual([plain, 2]);
  expect(notes).toEqual([
    expect.stringMatching(/digests.* is damaged: its SHA-256 is not that of its contents; it is made again/),
  ]);
  expect(await readFile(join(kept, name), 'utf8')).toBe(text);
});

it('several at once lose nothing that the other wrote in full', async () => {
  await using at = await temporaryFolder();
  const cache = join(at.path, 'cache');
  const items = await images(join(at.path, 'data'), 60);
  await Promise.all(
    [0, 1, 2, 3].map(async (part) =>
      contentDigest(
        items.filter((_, index) => index % 4 === part),
        { known: digestsIn(cache) },
      ),
    ),
  );
  const notes: string[] = [];
  const after = digestsIn(cache, notes);
  expect(await contentDigest(items, { known: after })).toBe(await contentDigest(items));
  // The last writer of a folder is whole, with what it had read before; nothing is ever damaged.
  expect(after.hits).toBeGreaterThanOrEqual(15);
  expect(notes).toEqual([]);
});

it('the folder keeps to its size: what was not used for longest goes first', async () => {
  await using at = await temporaryFolder();
  const folder = new CacheFolder(at.path, { mostBytes: 25 });
  const write = async (path: string): Promise<void> => writeFileAtomic('test', path, '0123456789');
  for (const [place, name] of ['a', 'b', 'c'].entries()) {
    await folder.save('things', name, write);
    const time = new Date(2020, 0, place + 1);
    await utimes(join(at.path, 'things', name), time, time);
  }
  expect(await folder.load('things', 'a', (path) => readFile(path, 'utf8'))).toBe('0123456789');
  await put(join(at.path, 'things', '.d.1234.tmp'), '');
  await utimes(join(at.path, 'things', '.d.1234.tmp'), new Date(2020, 0, 1), new Date(2020, 0, 1));
  await folder.shrink();
  // `a` was just read, so `b` goes; a temporary file of a process that is gone goes too.
  expect((await readdir(join(at.path, 'things'))).sort()).toEqual(['a', 'c']);
});

it('a disk that takes nothing is told once, and is no failure; other errors come through', async () => {
  await using at = await temporaryFolder();
  const notes: string[] = [];
  const folder = new CacheFolder(join(at.path, 'cache'), { onNote: (note) => notes.push(note) });
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
  await Promise.all(['a', 'b'].map((name) => folder.save('things', name, () => Promise.reject(full))));
  await folder.save('things', 'a', () => Promise.reject(full));
  expect(notes).toEqual(['the cache keeps nothing more: ENOSPC: no space left on device, write']);
  const sound = new CacheFolder(join(at.path, 'cache'));
  await expect(sound.save('things', 'a', () => Promise.reject(new TypeError('a mistake')))).rejects.toThrow('a mistake');
  // A file where the folder should be.
  await put(join(at.path, 'file'), '');
  const nowhere = new CacheFolder(join(at.path, 'file'), { onNote: (note) => notes.push(note) });
  await nowhere.save('things', 'a', (path) => writeFile(path, ''));
  expect(notes).toHaveLength(2);
  await put(join(at.path, 'cache', 'things', 'b'), 'x');
  const damaged = (path: string): Promise<never> => Promise.reject(new FormatError('test', `${path} is damaged`, ''));
  expect(await folder.load('things', 'b', damaged)).toBeUndefined();
  expect(await readdir(join(at.path, 'cache', 'things'))).toEqual([]);
  expect(notes[2]).toMatch(/is damaged; it is made again/);
});

it('lies where it is told to, and the code it depends on has one digest', async () => {
  expect(cachePlace('here')).toBe('here');
  expect(cachePlace('off')).toBeUndefined();
  // The object itself must stay: modules hold it, and all files share one process.
  try {
    vi.stubEnv('MUDPT_CACHE_DIR', '');
    vi.stubEnv('XDG_CACHE_HOME', '/caches');
    expect(cachePlace()).toBe(join('/caches', 'mudpt', 'content'));
    vi.stubEnv('MUDPT_CACHE_DIR', '/elsewhere');
    expect(cachePlace()).toBe('/elsewhere');
    vi.stubEnv('MUDPT_CACHE_DIR', 'off');
    expect(cachePlace()).toBeUndefined();
  } finally {
    vi.unstubAllEnvs();
  }
  expect(await codeVersion()).toMatch(/^[0-9a-f]{64}$/);
});
