/**
 * Atomic writes: a file appears whole or not at all, the bytes go to a temporary file in the same folder, are synced, and the file is renamed
 * over the old one; then the folder is synced, so that the name survives a power cut. A reader in the meantime gets the old file.
 */
import { InputError } from '../errors.ts';

/** The file system calls of an atomic write. Tests pass one that fails. */
export interface AtomicFileSystem {
  /** Creates a new file; fails when it exists. */
  create(path: string): Promise<WritableFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** A name in the folder of `path` (a rename is atomic only within one file system). */
  temporaryBeside(path: string, unique: string): string;
  syncFolderOf(path: string): Promise<void>;
}

/** The part of a Node FileHandle that is used. */
export interface WritableFile {
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Bytes that replace others already written. */
export interface Patch {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** How {@link writeFileAtomic} replaces a file. */
export interface AtomicOptions {
  /** Where the file that was at `path` stays, as the generation before; default: it is replaced. */
  readonly previous?: string | undefined;
}

/**
 * Writes `chunks` one after the other as the file `path`. When anything fails (the disk is full, a chunk cannot be made) the
 * temporary file is removed, an old file at `path` stays as it was, and the error says so. An error of the chunks themselves
 * comes through unchanged.
 */
export async function writeAtomic(
  op: string,
  path: string,
  chunks: AsyncIterable<Uint8Array | Patch>,
  disk: AtomicFileSystem,
  { previous }: AtomicOptions = {},
): Promise<void> {
  const unique = crypto.randomUUID().slice(0, 13);
  const temporary = disk.temporaryBeside(path, unique);
  const file = await attempt(op, path, 'the temporary file beside it cannot be made', () => disk.create(temporary));
  let open = true;
  try {
    let position = 0;
    for await (const chunk of chunks) {
      const isPatch = !(chunk instanceof Uint8Array);
      const [bytes, at] = isPatch ? [chunk.bytes, chunk.at] : [chunk, position];
      await attempt(op, path, `writing stopped at byte ${at}`, () => writeFully(file, bytes, at));
      if (!isPatch) position += bytes.byteLength;
    }
    await attempt(op, path, 'the disk did not confirm the data', () => file.sync());
    open = false;
    await attempt(op, path, 'the temporary file cannot be closed', () => file.close());
    const kept =
      previous !== undefined &&
      (await attempt(op, path, `it cannot be kept as ${previous}`, () => moveOld(path, previous, disk)));
    await attempt(op, path, 'the temporary file cannot be renamed', () => disk.rename(temporary, path)).catch(async (error) => {
      // Between two renames a reader finds the old file under its other name only.
      if (kept) await disk.rename(previous, path).catch(() => undefined);
      throw error;
    });
  } catch (error) {
    if (open) await file.close().catch(() => undefined);
    // The first error is the one worth telling; a temporary file that cannot be removed either is hidden by its dot.
    await disk.remove(temporary).catch(() => undefined);
    throw error;
  }
  await attempt(
    op,
    path,
    'the file is in place, but the disk did not confirm its name',
    () => disk.syncFolderOf(path),
    'check the disk; after a power cut the old file may be back',
  );
}

/** @returns whether there was one */
async function moveOld(path: string, previous: string, disk: AtomicFileSystem): Promise<boolean> {
  try {
    await disk.rename(path, previous);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return false;
    throw error;
  }
}

/** One `write` may take fewer bytes than given. */
async function writeFully(file: WritableFile, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    const { bytesWritten } = await file.write(chunk, done, Math.min(chunk.byteLength - done, 1 << 30), position + done);
    if (bytesWritten <= 0) throw new Error('the disk took no bytes');
    done += bytesWritten;
  }
}

const UNTOUCHED = 'free some space or choose another folder, then write again; a file that was there before is untouched';

async function attempt<T>(op: string, path: string, what: string, action: () => Promise<T>, fix = UNTOUCHED): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(op, `${path}: ${what} (${cause instanceof Error ? cause.message : String(cause)})`, fix, { cause });
  }
}
