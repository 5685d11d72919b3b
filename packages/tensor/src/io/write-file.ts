/** Small files written whole or not at all. */
import { fileSystem } from '#file';
import { type AtomicFileSystem, writeAtomic } from '../platform/atomic.ts';

/**
 * Writes a file that appears whole or not at all: an old file at `path` stays until the new one is on the disk.
 * @throws InputError naming `op`, the path and why, when the disk is full or the folder not writable
 */
export async function writeFileAtomic(
  op: string,
  path: string,
  contents: string | Uint8Array,
  disk: AtomicFileSystem = fileSystem,
): Promise<void> {
  const bytes = typeof contents === 'string' ? new TextEncoder().encode(contents) : contents;
  const chunks = async function* () {
    yield bytes;
  };
  await writeAtomic(op, path, chunks(), disk);
}
