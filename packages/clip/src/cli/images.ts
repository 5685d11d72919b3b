/** The image files that paths on the command line mean. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from '@mudpt/tensor';

const IMAGE = /\.(png|jpe?g|webp|gif)$/i;

/**
 * Files as they are named, and the images below folders, in alphabetical order.
 * @throws FormatError when a path does not exist, or a folder holds no image
 */
export async function listImages(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const entry = await stat(path).catch((cause: unknown) => {
      throw new FormatError('clip', `${path} cannot be read`, 'check the path', { cause });
    });
    const files = entry.isDirectory() ? await imagesBelow(path) : [path];
    if (files.length === 0) throw new FormatError('clip', `${path} holds no image`, 'give files of PNG, JPEG, WebP or GIF');
    found.push(...files);
  }
  return found;
}

async function imagesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && IMAGE.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
