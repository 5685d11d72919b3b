/** Node's file system calls for atomic writes. */
import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { platform } from 'node:process';
import type { AtomicFileSystem } from './atomic.ts';

/** See atomic.ts. */
export const fileSystem: AtomicFileSystem = {
  create: (path) => open(path, 'wx'),
  rename,
  remove: unlink,
  temporaryBeside: (path, unique) => join(dirname(path), `.${basename(path)}.${unique}.tmp`),
  syncFolderOf: async (path) => {
    // Windows cannot open a folder; there the rename itself is durable enough (NTFS journals it).
    if (platform === 'win32') return;
    const folder = await open(dirname(path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};
