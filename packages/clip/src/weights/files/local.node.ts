/** Model folders on disk. Reached only through `#files`. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Located } from './located.ts';

export { makeFolder } from '../../files/make-folder.ts';

/** The folder at `path`, or the folder of the file there; undefined when there is nothing. */
export async function localFiles(path: string | URL): Promise<Located | undefined> {
  const local = typeof path === 'string' ? path : fileURLToPath(path);
  const found = await stat(local).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (!found) return undefined;
  const folder = found.isDirectory() ? local : dirname(local);
  const entries = await readdir(folder, { withFileTypes: true });
  // The hub's cache holds links to files.
  const names = entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  const chosen = found.isDirectory() ? undefined : basename(local);
  return { files: { name: local, names: names.sort(), open: async (name) => join(folder, name) }, chosen };
}
