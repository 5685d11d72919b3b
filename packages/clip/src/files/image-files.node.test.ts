import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeImage } from '../preprocess/index.ts';
import { imagesBelow, listFolder, makeFolder } from './image-files.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'files-'));
});
afterEach(() => rm(root, { recursive: true }));

const put = async (...paths: readonly string[]): Promise<void> => {
  for (const path of paths) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), '');
  }
};

describe('folders', () => {
  it('are listed without litter; pipes and links to nothing are told', async () => {
    await put(
      'a.png',
      'B.TIFF',
      'c.txt',
      'Thumbs.db',
      'desktop.ini',
      '.DS_Store',
      '._a.png',
      '@eaDir/a.png',
      '__MACOSX/a.png',
      'd/e.bmp',
    );
    await symlink('nothing', join(root, 'lost.jpg'));
    await symlink('d', join(root, 'f'));
    if (process.platform !== 'win32') execFileSync('mkfifo', [join(root, 'pipe.png')]);
    const { folders, images, others } = await listFolder(root);
    expect([folders, images]).toEqual([
      ['d', 'f'],
      ['B.TIFF', 'a.png', 'lost.jpg'],
    ]);
    expect(others).toEqual(process.platform === 'win32' ? ['c.txt'] : ['c.txt', 'pipe.png']);
  });

  it('are walked once each, however links lead', async () => {
    await put('cat/1.png', 'cat/deep/2.png', 'dog/3.png');
    await symlink('.', join(root, 'cat', 'self'));
    await symlink('..', join(root, 'cat', 'up'));
    await symlink(join(root, 'cat', 'deep'), join(root, 'cat', 'deep', 'again'));
    await symlink('../dog', join(root, 'cat', 'others'));
    expect((await imagesBelow(join(root, 'cat'))).images).toEqual(['1.png', 'deep/2.png', 'others/3.png']);
    expect((await imagesBelow(root)).images).toEqual(['cat/1.png', 'cat/deep/2.png', 'cat/others/3.png']);
  });
});

it.skipIf(process.platform === 'win32')('a pipe as an image is refused at once, by name', async () => {
  execFileSync('mkfifo', [join(root, 'pipe.png')]);
  await expect(decodeImage(join(root, 'pipe.png'))).rejects.toThrow(/pipe\.png is a pipe, not a file/);
  await expect(decodeImage('/dev/zero')).rejects.toThrow(/is a device, not a file/);
  await expect(decodeImage(root)).rejects.toThrow(/is a folder, not a file/);
});

it('a folder is made with those above it, or it is said at once why not', async () => {
  await Promise.all([makeFolder(join(root, 'a', 'b', 'c')), makeFolder(join(root, 'a', 'b'))]);
  await makeFolder(join(root, 'a', 'b', 'c'));
  expect((await listFolder(join(root, 'a', 'b'))).folders).toEqual(['c']);
  await put('file');
  await expect(makeFolder(join(root, 'file', 'x'))).rejects.toThrow(/file cannot be made \(EEXIST/);
  if (process.platform === 'linux') await expect(makeFolder('/proc/none/x')).rejects.toThrow(/\/proc\/none cannot be made/);
});
