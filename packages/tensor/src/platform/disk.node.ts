/** Node's file system calls for atomic writes. */
import { fsync } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { platform } from 'node:process';
import { promisify } from 'node:util';
import type { AtomicFileSystem, WritableFile } from './atomic.ts';

/** Waits until the data is on the disk. By descriptor, because file handles under Yarn's Plug'n'Play have no `sync`. */
export const syncFile = (file: { readonly fd: number }): Promise<void> => promisify(fsync)(file.fd);

async function create(path: string): Promise<WritableFile> {
  const file = await open(path, 'wx');
  return {
    write: (bytes, offset, length, position) => file.write(bytes, offset, length, position),
    sync: () => syncFile(file),
    close: () => file.close(),
  };
}

/** See atomic.ts. */
export const fileSystem: AtomicFileSystem = {
  create,
  rename,
  remove: unlink,
  temporaryBeside: (path, unique) => join(dirname(path), `.${basename(path)}.${unique}.tmp`),
  syncFolderOf: async (path) => {
    // Windows cannot open a folder; there the rename itself is durable enough (NTFS journals it).
    if (platform === 'win32') return;
    const folder = await open(dirname(path), 'r');
    try {
      await syncFile(folder);
    } finally {
      await folder.close();
    }
  },
};
