/**
 * Lock files, which name the process that writes in a folder. One is created atomically with its contents, so there is never more than one; the
 * lock of a process that has ended (killed, or from before a restart) is taken over. Reached only through `#file`.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { link, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, parse } from 'node:path';
import { kill, pid } from 'node:process';
import { InputError } from '../errors.ts';

/** Who holds a lock. */
interface Holder {
  readonly token: string;
  readonly pid: number;
  /** When the process began, in the system's clock ticks, to distinguish it from a later one with the same number; '' where unknown. */
  readonly began: string;
  /** Machine, its present boot, and the process number namespace. */
  readonly host: string;
  readonly boot: string;
  readonly space: string;
}

/** A holder touches the file at this interval: its process may be invisible to others (another machine or container). */
const BEAT_MS = 15_000;
/** A holder on another machine or in another container that has been silent for this long counts as gone. */
const SILENT_MS = 300_000;
const RETRY_MS = 100;

/** How {@link FileLock} is taken. */
export interface LockOptions {
  /** Whether to wait while somebody else holds it rather than refuse. */
  readonly wait?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A lock on a folder or file, among processes, and machines that share the disk. */
export class FileLock implements AsyncDisposable {
  private readonly beat: NodeJS.Timeout;

  private constructor(
    readonly path: string,
    private readonly what: string,
    private readonly token: string,
  ) {
    const touch = (): void => void utimes(path, new Date(), new Date()).catch(() => undefined);
    this.beat = setInterval(touch, BEAT_MS).unref();
  }

  /**
   * Creates the lock file at `path`, in an existing folder.
   * @param what the locked object, for messages: "the run in runs/a"
   * @throws InputError naming who holds it, unless asked to wait; the signal's reason once it is aborted
   */
  static async take(path: string, what: string, { wait = false, signal }: LockOptions = {}): Promise<FileLock> {
    const token = crypto.randomUUID();
    const made = { token, pid, began: beganOf(pid), ...thisMachine() } satisfies Holder;
    for (;;) {
      signal?.throwIfAborted();
      if (await createLock(path, JSON.stringify(made), what)) return new FileLock(path, what, token);
      const found = await read(path);
      if (!found) continue;
      if (!(await lives(path, found))) await removeLock(path, found.text);
      else if (wait) await new Promise((resume) => setTimeout(resume, RETRY_MS));
      else {
        throw new InputError(
          'lock',
          `${what} is being written by ${nameOf(found)}`,
          `wait until it has ended, or end it; the lock is ${path}`,
        );
      }
    }
  }

  /** Who holds the lock at `path` now: `process 12 on machine`; undefined where it is free. Changes nothing. */
  static async holderOf(path: string): Promise<string | undefined> {
    const found = await read(path);
    if (!found || !(await lives(path, found))) return undefined;
    return nameOf(found);
  }

  /** @throws InputError when another process has taken the lock away: two would write at once */
  async expectHeld(): Promise<void> {
    const found = await read(this.path);
    if (found?.holder?.token === this.token) return;
    throw new InputError(
      'lock',
      `${this.what} is no longer this process's to write: ${this.path} was removed or taken over`,
      'let one process write it',
    );
  }

  /** Removes the file, if it is still this lock's. */
  async release(): Promise<void> {
    clearInterval(this.beat);
    const found = await read(this.path);
    if (found?.holder?.token === this.token) await rm(this.path, { force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/** @returns false when there is a lock already */
async function createLock(path: string, text: string, what: string): Promise<boolean> {
  const temporary = join(dirname(path), `.lock.${crypto.randomUUID().slice(0, 13)}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    // A hard link appears whole or not at all and never replaces a file; a new file could be read while it is still empty.
    return await link(temporary, path).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        // ENOENT: the process that holds the lock has removed our temporary file.
        if (error.code === 'EEXIST' || error.code === 'ENOENT') return false;
        if (['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'].includes(error.code ?? '')) return createWithoutLink(path, text);
        throw error;
      },
    );
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InputError('lock', `${what} cannot be locked (${why})`, 'check that its folder can be written', { cause });
  } finally {
    await rm(temporary, { force: true });
  }
}

/** For file systems without links (FAT): a new file that is filled at once. */
async function createWithoutLink(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(text);
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

interface Found {
  readonly text: string;
  /** The holder that a lock file names; undefined where the contents are not those of a lock. */
  readonly holder: Holder | undefined;
}

async function read(path: string): Promise<Found | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const holder = JSON.parse(text) as Holder;
    return { text, holder: typeof holder.token === 'string' && Number.isSafeInteger(holder.pid) ? holder : undefined };
  } catch {
    return { text, holder: undefined };
  }
}

function nameOf({ holder }: Found): string {
  return holder ? `process ${holder.pid} on ${holder.host}` : 'another process';
}

async function lives(path: string, { holder }: Found): Promise<boolean> {
  const now = thisMachine();
  if (holder?.host === now.host && holder.boot !== now.boot) return false;
  if (holder?.host === now.host && holder.space === now.space) {
    try {
      kill(holder.pid, 0);
    } catch (error) {
      // EPERM: it runs, as another user.
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    }
    const began = beganOf(holder.pid);
    if (began === ENDED) return false;
    return holder.began === '' || began === '' || holder.began === began;
  }
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < SILENT_MS;
}

/** Removes the lock that was read. When several processes do so at once, only one moves it; a process that moved a newer lock puts that one back. */
async function removeLock(path: string, text: string): Promise<void> {
  const aside = join(dirname(path), `.lock.${crypto.randomUUID().slice(0, 13)}.tmp`);
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = await read(aside);
  if (moved !== undefined && moved.text !== text) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

function thisMachine(): Pick<Holder, 'host' | 'boot' | 'space'> {
  return {
    host: hostname(),
    boot: readOrEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    space: readOrEmpty(() => readlinkSync('/proc/self/ns/pid')),
  };
}

/** A killed process that its parent never waited for (in a container without an init) keeps its number: a zombie. */
const ENDED = 'ended';

/** The start time of a process, field 22 of /proc/PID/stat, or {@link ENDED} by its state, field 3; field 2 is a name in brackets that may contain anything. */
function beganOf(process: number): string {
  return readOrEmpty(() => {
    const line = readFileSync(`/proc/${process}/stat`, 'utf8');
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return /^[ZX]/.test(fields[0] ?? '') ? ENDED : (fields[19] ?? '');
  });
}

/** What `read` returns from /proc, or '' on systems without it. */
function readOrEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/** Names of unfinished files of atomic writes and locks, and what is to be written. */
const LEFTOVER = /^\.(.+)\.[0-9a-f]{8}-[0-9a-f]{4}\.tmp$/;

/** Which leftovers are removed. Default: all. */
export type LeftoverOptions = {
  /** For folders with concurrent writers: a younger file may still be in use. */
  readonly olderThanMs?: number;
  /** Only those of files of this name, whatever their extension. */
  readonly of?: string;
};

/** Removes temporary files that killed writes left in a folder. */
export async function removeLeftovers(folder: string, { olderThanMs = 0, of }: LeftoverOptions = {}): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = LEFTOVER.exec(name)?.[1];
    if (file === undefined || (of !== undefined && parse(file).name !== of)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() && Date.now() - found.mtimeMs >= olderThanMs) await rm(path, { force: true });
  }
}
