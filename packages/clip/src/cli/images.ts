/** The image files that paths on the command line mean. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '@mudpt/tensor';
import { IMAGE_KINDS, imagesBelow } from '../files/image-files.ts';

/**
 * Files as they are named, and the images below folders, in alphabetical order.
 * @throws InputError when a path does not exist, or a folder holds no image
 */
export async function listImages(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const entry = await stat(path).catch((cause: unknown) => {
      throw new InputError('clip', `${path} cannot be read`, 'check the path', { cause });
    });
    if (!entry.isDirectory()) {
      found.push(path);
      continue;
    }
    const { images } = await imagesBelow(path);
    if (images.length === 0) throw new InputError('clip', `${path} holds no image`, `give files of ${IMAGE_KINDS}`);
    for (const name of images) found.push(join(path, name));
  }
  return found;
}
