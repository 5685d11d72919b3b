/** Copies of classified files, in a folder a class. */
import { constants, copyFile, readFile, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { makeFolder } from '@mudpt/clip/files';
import { InputError } from '@mudpt/tensor';

/** Folder of files for which no class was sure enough. */
export const UNSURE = '_unsure';

/**
 * Copies `file` into the folder of its class below `target`. Nothing is overwritten: another file of the same name gets a number, the
 * same file is there already.
 * @returns the path of the copy
 * @throws InputError when it cannot be written
 */
export async function copyToClass(file: string, className: string, target: string): Promise<string> {
  const folder = join(target, folderName(className));
  await makeFolder(folder);
  const extension = extname(file);
  const stem = basename(file, extension);
  for (let number = 1; ; number += 1) {
    const path = join(folder, number === 1 ? `${stem}${extension}` : `${stem}-${number}${extension}`);
    try {
      await copyFile(file, path, constants.COPYFILE_EXCL);
      return path;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
        throw new InputError('--copy-to', `${path} cannot be written (${(cause as Error).message})`, 'choose another folder', {
          cause,
        });
      if (await isSame(file, path)) return path;
    }
  }
}

async function isSame(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([stat(a), stat(b)]);
  return first.size === second.size && (await readFile(a)).equals(await readFile(b));
}

/** A folder name for a class, whose name may hold any characters: it never leads out of the target. */
export function folderName(className: string): string {
  const plain = className.replace(/[\\/:*?"<>|\p{Cc}]/gu, '_').replace(/[. ]+$/, '');
  return plain === '' || /^\.+$/.test(className) ? '_' : plain;
}
