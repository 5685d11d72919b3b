/** Files on disk, for Node. Reached only through `#file`, so that a browser bundle takes file.browser.ts instead. */
import type { Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { FormatError, InputError } from '../errors.ts';
import { allocate, type ByteSource, checkLength, checkRange } from './bytes.ts';

export { fileSystem, syncFile } from '../platform/disk.node.ts';
export { FileLock, type LeftoverOptions, type LockOptions, removeLeftovers } from './lock.node.ts';

/** Opens the file at `path` for ranged reads. It holds a file handle until `close()`. */
export async function openFile(path: string | URL): Promise<Required<ByteSource>> {
  const name = typeof path === 'string' ? path : fileURLToPath(path);
  const refuse = (cause: unknown): never => {
    throw new InputError('openFile', `${name} cannot be opened (${reason(cause)})`, 'check the path and the access rights', {
      cause,
    });
  };
  // To open a pipe would wait for somebody who writes into it.
  const kind = kindOf(await stat(name).catch(refuse));
  if (kind !== undefined) throw new InputError('openFile', `${name} is ${kind}, not a file`, 'give the path of one file');
  const handle = await open(name, 'r').catch(refuse);
  const information = await handle.stat();
  if (!information.isFile()) {
    await handle.close();
    throw new InputError('openFile', `${name} is not a file`, 'give the path of one file');
  }
  const { size } = information;
  return {
    name,
    size,
    read: async (offset, length) => {
      checkRange(name, size, offset, length);
      return checkLength(name, offset, length, await readFully(name, handle, offset, length));
    },
    close: () => handle.close(),
  };
}

function kindOf(found: Stats): string | undefined {
  if (found.isFile()) return undefined;
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a pipe';
  return found.isSocket() ? 'a socket' : 'a device';
}

/** One `read` may bring fewer bytes than asked (2 GiB limit of the system call); it is repeated until the file ends. */
async function readFully(name: string, handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = allocate(name, length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle
      .read(bytes, filled, Math.min(length - filled, 1 << 30), offset + filled)
      .catch((cause: unknown) => {
        throw new FormatError(
          'read',
          `${name} cannot be read at byte ${offset + filled} (${reason(cause)})`,
          'check the disk and that the source is still open',
          { cause },
        );
      });
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
