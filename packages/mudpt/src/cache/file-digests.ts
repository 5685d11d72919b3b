/** SHA-256s of files that did not change since they were read: of a set that was seen before, no image is read again. */
import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { FormatError } from '@mudpt/tensor';
import { canonicalText } from '@mudpt/tensor/internal';
import type { FileFacts, KnownDigests } from '../data/fingerprint.ts';
import type { CacheFolder } from './cache-folder.ts';

/** A file that changed this recently could change again without a new time stamp, so its digest is not kept. */
const SETTLE_MS = 2000;

interface FolderEntries {
  /** Size, times and SHA-256 of the files of a folder, by name. */
  readonly files: Map<string, string>;
  changed: boolean;
}

const KIND = 'digests';
/** Folders written at once. */
const AT_ONCE = 16;

export class FileDigests implements KnownDigests {
  private readonly folders = new Map<string, Promise<FolderEntries>>();
  /** Files whose digest was known. */
  hits = 0;

  /** @param cache keeps digests for other processes; default: they are kept in this one only */
  constructor(
    private readonly cache?: CacheFolder,
    private readonly settleMs = SETTLE_MS,
  ) {}

  async get(path: string, facts: FileFacts): Promise<string | undefined> {
    const { files } = await this.entriesOf(dirname(resolve(path)));
    const [digest, ...known] = files.get(basename(path))?.split(' ') ?? [];
    if (known.join(' ') !== textOf(facts)) return undefined;
    this.hits += 1;
    return digest;
  }

  async set(path: string, facts: FileFacts, digest: string): Promise<void> {
    const changedAt = facts.mtimeMs > facts.ctimeMs ? facts.mtimeMs : facts.ctimeMs;
    if (Date.now() - Number(changedAt) < this.settleMs) return;
    const entries = await this.entriesOf(dirname(resolve(path)));
    entries.files.set(basename(path), `${digest} ${textOf(facts)}`);
    entries.changed = true;
  }

  /** Writes what is new, beside what other processes have written meanwhile. */
  async save(): Promise<void> {
    const { cache } = this;
    if (!cache) return;
    let isWritten = false;
    const write = async (folder: string, entries: FolderEntries): Promise<void> => {
      if (!entries.changed) return;
      entries.changed = false;
      isWritten = true;
      const all = new Map([...(await this.read(folder)), ...entries.files]);
      await cache.save(KIND, nameOf(folder), (path) => replaceFile(path, sealed(folder, all)));
    };
    const folders = [...this.folders];
    for (let at = 0; at < folders.length; at += AT_ONCE)
      await Promise.all(folders.slice(at, at + AT_ONCE).map(async ([folder, opened]) => write(folder, await opened)));
    if (isWritten) await cache.shrink();
  }

  private entriesOf(folder: string): Promise<FolderEntries> {
    let opened = this.folders.get(folder);
    opened ??= this.read(folder).then((files) => ({ files, changed: false }));
    this.folders.set(folder, opened);
    return opened;
  }

  private async read(folder: string): Promise<Map<string, string>> {
    const found = await this.cache?.load(KIND, nameOf(folder), async (path) =>
      opened(path, await readFile(path, 'utf8'), folder),
    );
    return found ?? new Map<string, string>();
  }
}

/**
 * Readers find the old file or the new one. The files are not synced, which would take minutes for thousands of folders; damage by a power cut is found by
 * the checksum.
 */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID().slice(0, 13)}.tmp`);
  try {
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

function textOf({ size, mtimeNs, ctimeNs, ino }: FileFacts): string {
  return `${size} ${mtimeNs} ${ctimeNs} ${ino}`;
}

function nameOf(folder: string): string {
  return `${sha256(folder).slice(0, 32)}.txt`;
}

/** The SHA-256 of what follows is the first line. */
function sealed(folder: string, files: ReadonlyMap<string, string>): string {
  const body = canonicalText({ folder, files: Object.fromEntries(files) });
  return `${sha256(body)}\n${body}\n`;
}

function opened(path: string, text: string, folder: string): Map<string, string> {
  const body = text.slice(65, -1);
  if (text !== `${sha256(body)}\n${body}\n`)
    throw new FormatError('cache', `${path} is damaged: its SHA-256 is not that of its contents`, 'remove it');
  const found = JSON.parse(body) as { folder: string; files: Record<string, string> };
  return found.folder === folder ? new Map(Object.entries(found.files)) : new Map();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
