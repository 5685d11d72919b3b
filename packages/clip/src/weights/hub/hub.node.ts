/**
 * Models of the hub on disk, in the layout that all of Hugging Face's libraries share: `models--OWNER--NAME/` with `refs/REVISION` (a
 * commit), `blobs/HASH` (contents) and `snapshots/COMMIT/FILE` (links to blobs). @huggingface/hub does the talking; its own download to the
 * cache starts from zero after a broken connection, so that part is done here. Reached only through `#hub`.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, open, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { env } from 'node:process';
import { pipeline } from 'node:stream/promises';
import { downloadFile, getHFHubCachePath, getRepoFolderName } from '@huggingface/hub';
import { FileLock, FormatError, InputError, TensorError, writeFileAtomic } from '@mudpt/tensor';
import { syncFile } from '@mudpt/tensor/internal';
import { makeFolder } from '../../files/make-folder.ts';
import { neededFiles } from '../files/files.ts';
import { localFiles } from '../files/local.node.ts';
import type { Files } from '../files/located.ts';
import { checkRevision, hubError, type HubFile, hubListing } from './listing.ts';
import { type HubAccess, hubAccess, OP } from './access.ts';
import type { HubOptions } from './options.ts';

const ATTEMPTS = 5;

/**
 * The files of a model, downloaded where the cache does not have them. A download that broke off goes on where it stopped, and every file
 * is checked against its hash before it counts.
 * @throws InputError for a name, revision or token the hub refuses, and when offline for what the cache lacks; FormatError for files that are not what the
 * hub promises
 */
export async function hubFiles(name: string, options: HubOptions = {}): Promise<Files> {
  const revision = checkRevision(options.revision ?? 'main');
  const cache = join(options.cacheFolder ?? getHFHubCachePath(), getRepoFolderName({ type: 'model', name }));
  const offline = options.offline ?? /^(1|true|yes|on)$/i.test(env['HF_HUB_OFFLINE'] ?? '');
  const commit = offline ? await cachedCommit(cache, name, revision) : await download(cache, name, revision, options);
  const folder = join(cache, 'snapshots', commit);
  const located = await localFiles(folder);
  if (!located)
    throw new InputError(OP, `${name} at ${revision} is not in the cache (${folder})`, 'load it once without offline');
  return located.files;
}

async function cachedCommit(cache: string, name: string, revision: string): Promise<string> {
  if (/^[0-9a-f]{40}$/.test(revision)) return revision;
  const reference = await readFile(join(cache, 'refs', revision), 'utf8').catch((cause: unknown) => {
    throw new InputError(OP, `${name} at ${revision} is not in the cache (${cache})`, 'load it once without offline', { cause });
  });
  const commit = reference.trim();
  if (/^[0-9a-f]{40}$/.test(commit)) return commit;
  throw new FormatError(OP, `refs/${revision} in ${cache} is no commit`, 'delete the file and load the model without offline');
}

async function download(cache: string, name: string, revision: string, options: HubOptions): Promise<string> {
  const { signal, onProgress } = options;
  const token = options.token ?? env['HF_TOKEN'] ?? env['HUGGING_FACE_HUB_TOKEN'];
  const access = hubAccess({
    ...options,
    token: token || undefined,
    hubUrl: options.hubUrl ?? (env['HF_ENDPOINT'] || undefined),
    timeout: options.timeout ?? timeoutFrom(env['HF_HUB_DOWNLOAD_TIMEOUT']),
  });
  try {
    const { commit, files } = await hubListing(name, revision, access);
    // Two downloads of one model would write into the same files: the second waits, and finds them whole.
    await using _lock = await lockModel(cache, name, signal);
    const place = (file: HubFile) => ({
      pointer: join(cache, 'snapshots', commit, file.path),
      blob: join(cache, 'blobs', file.etag),
    });
    const wanted = neededFiles(name, files);
    let loaded = 0;
    const fetchOne = async (file: HubFile): Promise<void> => {
      signal?.throwIfAborted();
      const report = (bytes: number) =>
        onProgress?.({
          stage: 'download',
          item: file.path,
          loaded: loaded + bytes,
          total: wanted.reduce((sum, { size }) => sum + size, 0),
        });
      const { pointer, blob } = place(file);
      if ((await sizeOf(pointer)) === undefined) {
        await makeFolder(dirname(pointer));
        await makeFolder(dirname(blob));
        if ((await sizeOf(blob)) === undefined) await fetchBlob(file, blob, { name, commit, access, signal, report });
        await link(blob, pointer);
      }
      report(file.size);
      loaded += file.size;
    };
    // Small files first, so that a shard index tells the whole size early.
    wanted.sort((a, b) => a.size - b.size);
    const index = wanted.findIndex(({ path }) => path.endsWith('.index.json'));
    const [indexFile] = index < 0 ? [] : wanted.splice(index, 1);
    if (indexFile) {
      const shards = await fetchOne(indexFile).then(() => shardsOf(place(indexFile).pointer));
      wanted.push(...files.filter(({ path }) => shards.has(path)));
    }
    for (const file of wanted) await fetchOne(file);
    await writeReference(join(cache, 'refs', revision), commit, revision);
    return commit;
  } catch (error) {
    signal?.throwIfAborted();
    throw hubError(name, revision, error);
  }
}

function timeoutFrom(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 86_400) return seconds;
  throw new InputError(OP, `HF_HUB_DOWNLOAD_TIMEOUT is ${JSON.stringify(text)}`, 'give seconds, more than 0 and at most a day');
}

/** The names in an index; the index is checked when the shards are opened. */
async function shardsOf(path: string): Promise<Set<unknown>> {
  const json: unknown = await readFile(path, 'utf8')
    .then(JSON.parse)
    .catch((cause: unknown) => {
      throw new FormatError(OP, `${path} is not valid JSON`, 'delete it and load the model again', { cause });
    });
  const map = typeof json === 'object' && json !== null && 'weight_map' in json ? json.weight_map : undefined;
  return new Set(Object.values(map ?? {}));
}

interface Download {
  readonly name: string;
  readonly commit: string;
  readonly access: HubAccess;
  readonly signal: AbortSignal | undefined;
  /** Called with the number of bytes that are there. */
  report(bytes: number): void;
}

async function fetchBlob(file: HubFile, blob: string, task: Download): Promise<void> {
  const incomplete = `${blob}.incomplete`;
  for (let failures = 0; ; ) {
    const before = (await sizeOf(incomplete)) ?? 0;
    try {
      await continueFile(file, incomplete, before, task);
      break;
    } catch (error) {
      task.signal?.throwIfAborted();
      // A connection that brings something each time may break as often as it likes.
      failures = ((await sizeOf(incomplete)) ?? 0) > before ? 1 : failures + 1;
      if (failures >= ATTEMPTS || error instanceof TensorError) throw error;
      await new Promise((resume) => setTimeout(resume, 100 * 2 ** failures));
    }
  }
  const found = await hashOf(incomplete, file);
  if (found !== file.etag) {
    await rm(incomplete);
    throw new FormatError(
      OP,
      `${file.path} of ${task.name} has the hash ${found}, not ${file.etag}`,
      'load it again: it was deleted',
    );
  }
  await rename(incomplete, blob);
}

async function continueFile(file: HubFile, incomplete: string, before: number, task: Download): Promise<void> {
  const { name, commit, access, report } = task;
  const start = before > file.size ? 0 : before;
  const target = await open(incomplete, start === before ? 'a' : 'w');
  try {
    report(start);
    if (start === file.size) return;
    const blob = await downloadFile({ repo: name, path: file.path, revision: commit, ...access });
    if (!blob || blob.size !== file.size) {
      const found = blob ? `${blob.size} bytes` : 'nothing';
      throw new FormatError(
        OP,
        `${file.path} of ${name} should have ${file.size} bytes, the hub offers ${found}`,
        'try again later',
      );
    }
    let at = start;
    for await (const chunk of (start === 0 ? blob : blob.slice(start)).stream()) {
      if (at + chunk.byteLength > file.size)
        throw new FormatError(
          OP,
          `${file.path} of ${name}: more bytes came than were asked for`,
          'delete it from the cache and try again',
        );
      await target.writeFile(chunk);
      at += chunk.byteLength;
      report(at);
    }
    if (at !== file.size) throw new Error(`the connection ended after ${at} of ${file.size} bytes`);
    await syncFile(target);
  } finally {
    await target.close();
  }
}

/** As the hub does it: SHA-256 for large files, git's blob hash for the others. */
async function hashOf(path: string, { isLarge, size }: HubFile): Promise<string> {
  const hash = createHash(isLarge ? 'sha256' : 'sha1');
  if (!isLarge) hash.update(`blob ${size}\0`);
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** A relative link, so that the cache can be moved; a copy where the system has no links for users (Windows). */
async function link(blob: string, pointer: string): Promise<void> {
  await rm(pointer, { force: true });
  await symlink(relative(dirname(pointer), blob), pointer).catch(() => copyFile(blob, pointer));
}

async function writeReference(path: string, commit: string, revision: string): Promise<void> {
  if (revision === commit) return;
  await makeFolder(dirname(path));
  await writeFileAtomic(OP, path, commit);
}

/** Beside the models, where the hub's libraries keep their locks too. */
async function lockModel(cache: string, name: string, signal: AbortSignal | undefined): Promise<FileLock> {
  const folder = join(dirname(cache), '.locks', basename(cache));
  await makeFolder(folder).catch((cause: Error) => {
    throw new InputError(
      OP,
      `the cache cannot be written (${cause.message})`,
      'choose another with HF_HUB_CACHE, or load offline',
      { cause },
    );
  });
  return FileLock.take(join(folder, 'download.lock'), `${name} in ${dirname(cache)}`, { wait: true, signal });
}

/** Undefined when there is no such file (a link to nothing counts as none). */
async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return found?.size;
}
