/** Files written whole or not at all. */
import { fileSystem } from '#file';
import { type AtomicFileSystem, type Patch, writeAtomic } from '../platform/atomic.ts';

/**
 * Writes a file that appears whole or not at all: an old file at `path` stays until the new one is on the disk.
 * @param contents text, bytes, or parts of a long file as they are made: bytes that follow, or `{ at, bytes }` for some that replace others
 * @throws InputError naming `op`, the path and why, when the disk is full or the folder not writable; errors of the parts themselves
 */
export async function writeFileAtomic(
  op: string,
  path: string,
  contents: string | Uint8Array | AsyncIterable<Uint8Array | Patch>,
  disk: AtomicFileSystem = fileSystem,
): Promise<void> {
  await writeAtomic(op, path, typeof contents === 'string' || contents instanceof Uint8Array ? single(contents) : contents, disk);
}

async function* single(contents: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield typeof contents === 'string' ? new TextEncoder().encode(contents) : contents;
}
