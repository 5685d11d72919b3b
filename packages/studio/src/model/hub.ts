/** Models of the Hugging Face hub: looked at before they are fetched, fetched into the browser's own disk, and kept there. */
import {
  type ClipConfig,
  type Files,
  fromHuggingFace,
  fromOpenClip,
  type LoadProgress,
  neededFiles,
  weightShapes,
} from '@mudpt/clip';
import type { AdapterFacts, HubOffer } from '../worker/protocol.ts';
import { pageError, type StudioError, toldOf } from '../worker/rpc.ts';
import { roomFor } from './room.ts';

const HUB = 'https://huggingface.co';
/** The index of a checkpoint in several files. */
const INDEX = '.index.json';

interface Listed {
  readonly commit: string;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** Then what was fetched before serves. */
const WITHOUT_HUB: ReadonlySet<string> = new Set(['hubUnreachable', 'hubAnswers', 'hubNoCommit']);

/** Sizes, and whether the adapter can hold it, before anything large is fetched. @throws StudioError for a name that the hub does not have */
export async function lookAtHub(name: string, adapter: AdapterFacts): Promise<HubOffer> {
  const { commit, files } = await listed(name);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const config = await configOf(name, commit, files);
  const shapes = config && weightShapes(config);
  if (!shapes) return { name, commit, bytes, deviceBytes: undefined, isTooLarge: false };
  const room = roomFor(shapes, adapter);
  return { name, commit, bytes, deviceBytes: room.bytes, isTooLarge: room.tooLarge !== undefined };
}

/** The files of a model, from the browser's own disk once they are there. */
export async function hubModel(name: string, onProgress: (progress: LoadProgress) => void): Promise<Files> {
  const { commit, files } = await listed(name).catch(async (error: unknown) => {
    // Without a network what was fetched before serves.
    const kept = await keptListing(name);
    if (kept && WITHOUT_HUB.has(toldOf(error).said?.key ?? 'hubUnreachable')) return kept;
    throw error;
  });
  const folder = await folderOf(name, commit);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const { path, size } of files) {
    const tell = (loaded: number): void => onProgress({ stage: 'download', item: path, loaded: before + loaded, total });
    await fetchInto(folder, addressOf(name, commit, path), path, size, tell);
    before += size;
  }
  await keepListing(name, { commit, files });
  return {
    name,
    names: files.map(({ path }) => path),
    open: async (path) => (await folder.getFileHandle(path)).getFile(),
  };
}

async function listed(name: string): Promise<Listed> {
  if (!/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(name)) throw pageError('hubName', JSON.stringify(name));
  const answer = await ask(`${HUB}/api/models/${name}?blobs=true`);
  if (answer.status === 401 || answer.status === 404) throw pageError('hubUnknown', name);
  if (!answer.ok) throw pageError('hubAnswers', String(answer.status));
  const { sha, siblings = [] } = (await answer.json()) as {
    readonly sha?: string;
    readonly siblings?: readonly { readonly rfilename?: unknown; readonly size?: unknown }[];
  };
  if (!/^[0-9a-f]{40}$/.test(sha ?? '')) throw pageError('hubNoCommit', name);
  const all = siblings.flatMap(({ rfilename: path, size }) =>
    typeof path === 'string' && /^[\w][\w.-]*$/.test(path) && Number.isSafeInteger(size) ? [{ path, size: size as number }] : [],
  );
  const files = neededFiles(name, all);
  const index = files.find(({ path }) => path.endsWith(INDEX));
  if (!index) return { commit: sha as string, files };
  const { weight_map: map = {} } = (await json(name, sha as string, index.path)) as { readonly weight_map?: object };
  const shards = new Set<unknown>(Object.values(map));
  return { commit: sha as string, files: [...files, ...all.filter(({ path }) => shards.has(path))] };
}

/** Who reads which file; a repository may have both. */
const CONFIGS: Readonly<Record<string, (json: object) => ClipConfig>> = {
  'open_clip_config.json': fromOpenClip,
  'config.json': fromHuggingFace,
};

async function configOf(name: string, commit: string, files: Listed['files']): Promise<ClipConfig | undefined> {
  for (const [path, read] of Object.entries(CONFIGS))
    if (files.some((one) => one.path === path)) return read((await json(name, commit, path)) as object);
  return undefined;
}

async function json(name: string, commit: string, path: string): Promise<unknown> {
  const answer = await ask(addressOf(name, commit, path));
  if (!answer.ok) throw pageError('hubAnswers', `${answer.status} (${path})`);
  return answer.json();
}

/** @throws StudioError where nobody answers */
async function ask(address: string): Promise<Response> {
  return fetch(address, { credentials: 'omit' }).catch((error: unknown) => {
    throw pageError('hubUnreachable', messageOf(error));
  });
}

const addressOf = (name: string, commit: string, path: string): string => `${HUB}/${name}/resolve/${commit}/${path}`;

const plain = (text: string): string => text.replaceAll('/', '--');

async function hubFolder(): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle('hub', { create: true });
}

async function folderOf(name: string, commit: string): Promise<FileSystemDirectoryHandle> {
  return (await hubFolder()).getDirectoryHandle(`${plain(name)}--${commit}`, { create: true });
}

/** A file that is written in a worker; the types of pages do not have it. */
interface WritableHandle extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<{
    getSize(): number;
    write(bytes: Uint8Array, options: { readonly at: number }): number;
    truncate(size: number): void;
    flush(): void;
    close(): void;
  }>;
}

/** Goes on where an earlier download stopped; what has come is kept, however it ends. @throws StudioError for answers that are not what was asked for */
async function fetchInto(
  folder: FileSystemDirectoryHandle,
  address: string,
  path: string,
  size: number,
  tell: (loaded: number) => void,
): Promise<void> {
  const handle = (await folder.getFileHandle(path, { create: true })) as WritableHandle;
  const before = (await handle.getFile()).size;
  if (before === size) return tell(size);
  const broken = (at: number, why = ''): StudioError => pageError('hubBroken', path, String(at), String(size), why);
  const file = await handle.createSyncAccessHandle();
  try {
    let at = before < size ? before : 0;
    file.truncate(at);
    const asked: RequestInit = { credentials: 'omit', ...(at > 0 && { headers: { range: `bytes=${at}-` } }) };
    const answer = await fetch(address, asked).catch((error: unknown) => {
      throw broken(at, messageOf(error));
    });
    if (!answer.ok || !answer.body) throw pageError('hubFile', path, String(answer.status));
    // A server that knows no ranges sends the whole file.
    if (answer.status !== 206) at = 0;
    const reader = answer.body.getReader();
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw broken(at, messageOf(error));
      });
      if (done) break;
      file.write(value, { at });
      at += value.length;
      tell(at);
    }
    file.flush();
    if (at < size) throw broken(at);
    if (at > size) {
      file.truncate(0);
      throw pageError('hubOtherSize', path, String(at), String(size));
    }
  } finally {
    file.close();
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const listingName = (name: string): string => `${plain(name)}.json`;

async function keepListing(name: string, listing: Listed): Promise<void> {
  const handle = (await (await hubFolder()).getFileHandle(listingName(name), { create: true })) as WritableHandle;
  const file = await handle.createSyncAccessHandle();
  file.truncate(0);
  file.write(new TextEncoder().encode(JSON.stringify(listing)), { at: 0 });
  file.close();
}

async function keptListing(name: string): Promise<Listed | undefined> {
  try {
    const handle = await (await hubFolder()).getFileHandle(listingName(name));
    return JSON.parse(await (await handle.getFile()).text()) as Listed;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return undefined;
    throw error;
  }
}
