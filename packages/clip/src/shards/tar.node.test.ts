import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fixturePath, temporaryFolder } from '@mudpt/testing/files';
import { packTar } from 'modern-tar';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MAX_IMAGE_BYTES, type ShardImage } from './image.ts';
import { tarImages } from './tar.ts';

let at: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  at = await temporaryFolder();
});
afterAll(() => at[Symbol.asyncDispose]());

const entry = (name: string, body: string | Uint8Array<ArrayBuffer> = 'abc') => ({ header: { name, size: body.length }, body });

async function imagesOf(bytes: Uint8Array): Promise<ShardImage[]> {
  const path = join(at.path, 'a.tar');
  await writeFile(path, bytes);
  const images: ShardImage[] = [];
  for await (const image of tarImages(path)) images.push(image);
  return images;
}

it('gives members as they are named, and writes nothing, whatever the names say', async () => {
  const names = ['/etc/passwd.png', '../../up.jpg', 'deep/er/x.JPEG', 'same.png', 'same.png', `${'long/'.repeat(60)}x.webp`];
  const tar = await packTar([...names, 'x.txt', 'x.json', '._x.png', '__MACOSX/x.png'].map((name) => entry(name)));
  const images = await imagesOf(tar);
  expect(images.map(({ id }) => id)).toEqual(names);
  expect(images.every((image) => 'source' in image && image.source.length === 3)).toBe(true);
  expect(images.at(-1)?.part).toBeLessThanOrEqual(1);
});

it('links and folders with names of images are no images', async () => {
  const link = { header: { name: 'link.png', size: 0, type: 'symlink' as const, linkname: '/etc/passwd' } };
  const folder = { header: { name: 'folder.png/', size: 0, type: 'directory' as const } };
  expect((await imagesOf(await packTar([link, folder, entry('a.png')]))).map(({ id }) => id)).toEqual(['a.png']);
});

it('an empty image is an image without bytes, to be told as any that cannot be decoded', async () => {
  expect(await imagesOf(await packTar([entry('empty.png', '')]))).toMatchObject([{ id: 'empty.png', source: new Uint8Array() }]);
});

it('a name that is no UTF-8 is still a name', async () => {
  const tar = Buffer.from(await packTar([entry('ab.png')]));
  tar[0] = 0xff;
  rewriteChecksum(tar);
  expect((await imagesOf(tar)).map(({ id }) => id)).toEqual(['\ufffdb.png']);
});

it('refuses archives that are cut off anywhere, even between members, or damaged', async () => {
  const png = new Uint8Array(await readFile(fixturePath('preprocess/pictures/rgb.png')));
  const tar = await packTar([entry('a.png', png), entry('b.png', png)]);
  const member = 512 + Math.ceil(png.length / 512) * 512;
  for (const end of [0, 100, 700, member, member + 512, 2 * member, 2 * member + 512])
    await expect(imagesOf(tar.subarray(0, end)), String(end)).rejects.toThrow(/a\.tar is no whole tar file/);
  const damaged = Buffer.from(tar);
  damaged[member + 3] = 1;
  await expect(imagesOf(damaged)).rejects.toThrow(/no whole tar file/);
  const huge = Buffer.from(tar);
  // 2^33 - 1 bytes, in octal.
  huge.write('77777777777', 124, 'ascii');
  rewriteChecksum(huge);
  await expect(imagesOf(huge)).rejects.toThrow(/no whole tar file/);
  await expect(imagesOf(Buffer.concat([tar, tar]))).rejects.toThrow(/no whole tar file/);
  expect(8 ** 11 - 1).toBeGreaterThan(MAX_IMAGE_BYTES);
});

/** The sum of all bytes of a header, its own field as spaces. */
function rewriteChecksum(tar: Buffer): void {
  tar.fill(' ', 148, 156);
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
}
