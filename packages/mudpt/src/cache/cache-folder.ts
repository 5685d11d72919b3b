/** A folder of files that can be computed again: written whole, bounded in size, the least recently used removed first. */
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '@mudpt/clip/files';
import { TensorError } from '@mudpt/tensor';

/** 10 GiB: the features of all test sets of the paper, at 512 channels, a hundred times. */
const MOST_BYTES = 10 * 2 ** 30;

/** A temporary file this old was left by a process that is gone. */
const LEFTOVER_MS = 3_600_000;

/** The value that turns the cache off, as a flag and as `MUDPT_CACHE_DIR`. */
export const CACHE_OFF = 'off';

/** The folder of the cache: as given, else `MUDPT_CACHE_DIR`, else in the user's folder of caches; undefined: turned off. */
export function cachePlace(given?: string): string | undefined {
  const asked = given ?? (process.env['MUDPT_CACHE_DIR'] || undefined);
  if (asked === CACHE_OFF) return undefined;
  return asked ?? join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mudpt', 'content');
}

export interface CacheFolderOptions {
  /** Size of all files together, in bytes. Default 10 GiB. */
  readonly mostBytes?: number | undefined;
  /** Called with a sentence about damaged files, and about files that cannot be kept. */
  readonly onNote?: ((note: string) => void) | undefined;
}

export class CacheFolder {
  private readonly mostBytes: number;
  private readonly onNote: (note: string) => void;
  private isFull = false;

  constructor(
    readonly path: string,
    { mostBytes = MOST_BYTES, onNote = () => undefined }: CacheFolderOptions = {},
  ) {
    this.mostBytes = mostBytes;
    this.onNote = onNote;
  }

  /**
   * Reads the file of that name, which then counts as used.
   * @param read throws FormatError for a damaged file, which is then reported and removed
   * @returns undefined where there is none that can be read
   */
  async load<T>(kind: string, name: string, read: (path: string) => Promise<T>): Promise<T | undefined> {
    const path = join(this.path, kind, name);
    try {
      if (!(await stat(path)).isFile()) return undefined;
      const found = await read(path);
      const now = new Date();
      await utimes(path, now, now);
      return found;
    } catch (error) {
      // Another process may just have removed it.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      if (!isOfDisk(error)) throw error;
      this.onNote(`${reasonOf(error)}; it is made again`);
      await rm(path, { force: true }).catch((cause: unknown) => this.onNote(`${path} cannot be removed: ${reasonOf(cause)}`));
      return undefined;
    }
  }

  /** Writes the file of that name by `write`. A full or read-only disk is reported once, and nothing more is written. */
  async save(kind: string, name: string, write: (path: string) => Promise<void>): Promise<void> {
    if (this.isFull) return;
    try {
      await makeFolder(join(this.path, kind));
      await write(join(this.path, kind, name));
    } catch (error) {
      if (!isOfDisk(error)) throw error;
      // Of several writes at once only the first failure is reported.
      if (this.isFull) return;
      this.isFull = true;
      this.onNote(`the cache keeps nothing more: ${reasonOf(error)}`);
    }
  }

  /** Removes the least recently used files until the rest is within the bound. */
  async shrink(): Promise<void> {
    const files = await this.files();
    let bytes = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size, usedAt, isTemporary } of files.sort((a, b) => a.usedAt - b.usedAt)) {
      if (!(isTemporary && usedAt < Date.now() - LEFTOVER_MS) && bytes <= this.mostBytes) continue;
      try {
        await rm(path, { force: true });
        bytes -= size;
      } catch (error) {
        this.onNote(`${path} cannot be removed: ${reasonOf(error)}`);
      }
    }
  }

  private async files() {
    const found: { path: string; size: number; usedAt: number; isTemporary: boolean }[] = [];
    const names = await readdir(this.path, { recursive: true }).catch(undefinedIfMissing);
    for (const name of names ?? []) {
      const path = join(this.path, name);
      const facts = await stat(path).catch(undefinedIfMissing);
      if (facts?.isFile()) found.push({ path, size: facts.size, usedAt: facts.mtimeMs, isTemporary: name.endsWith('.tmp') });
    }
    return found;
  }
}

/** Another process may remove any file at any time. */
function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

/** Whether an error is about a file: damage, or a refusal of the operating system. */
function isOfDisk(error: unknown): error is Error {
  return error instanceof TensorError || (error instanceof Error && 'syscall' in error);
}

function reasonOf(error: unknown): string {
  if (error instanceof TensorError) return error.problem;
  return error instanceof Error ? error.message : String(error);
}
