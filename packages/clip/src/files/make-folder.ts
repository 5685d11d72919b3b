/** Folders made with those above them (Node). */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { InputError } from '@mudpt/tensor';

/**
 * Makes a folder and those above it; nothing happens when it exists. Node's `recursive` is not used: it never returns where the system answers
 * "no such folder" although the folder above exists, as in /proc.
 * @throws InputError when it cannot be made
 */
export async function makeFolder(path: string): Promise<void> {
  const missing: string[] = [];
  let at = resolve(path);
  while (!(await isFolder(at)) && dirname(at) !== at) {
    missing.push(at);
    at = dirname(at);
  }
  for (const folder of missing.reverse())
    await mkdir(folder).catch(async (cause: NodeJS.ErrnoException) => {
      // Another process may have made it meanwhile.
      if (cause.code === 'EEXIST' && (await isFolder(folder))) return;
      throw new InputError('folder', `${folder} cannot be made (${cause.message})`, 'choose another place', { cause });
    });
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
