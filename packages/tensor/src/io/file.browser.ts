/** The browser's replacement of file.node.ts: there is no disk, so every call fails with an error that says so. */
import { InputError } from '../errors.ts';
import type { AtomicFileSystem } from '../platform/atomic.ts';
import type { ByteSource } from './bytes.ts';

function noDisk(op: string, fix: string): InputError {
  return new InputError(op, 'a browser has no file paths', fix);
}

/** Always refuses: give a File or Blob, bytes, or a URL. */
export async function openFile(path: string | URL): Promise<Required<ByteSource>> {
  throw noDisk('openFile', `instead of ${JSON.stringify(String(path))}, pass a File or Blob, bytes, or an http(s) URL`);
}

async function refuse(): Promise<never> {
  throw noDisk('writeSafetensors', 'use serializeSafetensors and offer the bytes as a download');
}

/** Always refuses: a page writes no files that others could write too. */
export const FileLock = {
  take: async (): Promise<never> => {
    throw noDisk('lock', 'a page needs no lock');
  },
  holderOf: async (): Promise<never> => {
    throw noDisk('lock', 'a page needs no lock');
  },
};

/** Nothing is ever left where nothing can be written. */
export async function removeLeftovers(): Promise<void> {}

/** Always refuses: a page has no open file. */
export async function syncFile(_file: { readonly fd: number }): Promise<void> {
  throw noDisk('syncFile', 'offer the bytes as a download');
}

/** Always refuses: `serializeSafetensors` makes the same bytes in memory. */
export const fileSystem: AtomicFileSystem = {
  create: refuse,
  rename: refuse,
  remove: refuse,
  temporaryBeside: (path) => path,
  syncFolderOf: refuse,
};
