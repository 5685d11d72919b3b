/** Models of the Hugging Face hub: looked at before they are fetched, fetched piece by piece into the browser, and kept there. */
import { type Files, fromHuggingFace, type LoadProgress, neededFiles, weightShapes } from '@mudpt/clip';
import { FormatError, InputError } from '@mudpt/tensor';
import type { AdapterFacts, HubOffer } from '../worker/protocol.ts';

const HUB = 'https://huggingface.co';
/** Bytes asked for at once: what a broken connection loses at most. */
const PIECE = 2 ** 24;

interface Listed {
  readonly commit: string;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** Sizes, and whether the adapter can hold it, before anything large is fetched. @throws InputError for a name that the hub does not have */
export async function lookAtHub(name: string, adapter: AdapterFacts): Promise<HubOffer> {
  const { commit, files } = await listed(name);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const shapes = files.some(({ path }) => path === 'config.json') ? await shapesOf(name, commit) : undefined;
  if (!shapes) return { name, commit, bytes, deviceBytes: undefined, isTooLarge: false };
  // The token table stays in host memory.
  const sizes = [...shapes].filter(([weight]) => weight !== 'token_embedding.weight').map(([, shape]) => 4 * product(shape));
  const most = Math.min(adapter.maxBufferSize, adapter.maxStorageBufferBindingSize);
  const deviceBytes = sizes.reduce((sum, size) => sum + size, 0);
  return { name, commit, bytes, deviceBytes, isTooLarge: sizes.some((size) => size > most) };
}

/** The files of a model, from the browser's own disk once they are there. */
export async function hubModel(name: string, onProgress: (progress: LoadProgress) => void): Promise<Files> {
  const { commit, files } = await listed(name).catch(async (error: unknown) => {
    // Without a network what was fetched before serves.
    const kept = await keptListing(name);
    if (kept && error instanceof InputError === false) return kept;
    throw error;
  });
  const folder = await folderOf(name, commit);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const { path, size } of files) {
    const tell = (loaded: number): void => onProgress({ stage: 'download', item: path, loaded: before + loaded, total });
    await fetchInto(folder, `${HUB}/${name}/resolve/${commit}/${path}`, path, size, tell);
    before += size;
  }
  await keepListing(name, { commit, files });
  return {
    name,
    names: files.map(({ path }) => path),
    open: async (path) => (await folder.getFileHandle(path)).getFile(),
  };
}

function product(shape: readonly number[]): number {
  return shape.reduce((all, length) => all * length, 1);
}

async function listed(name: string): Promise<Listed> {
  if (!/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(name))
    throw new InputError('hub', `${JSON.stringify(name)} is no name of a model`, 'give one such as openai/clip-vit-base-patch16');
  const answer = await fetch(`${HUB}/api/models/${name}?blobs=true`, { credentials: 'omit' });
  if (answer.status === 401 || answer.status === 404)
    throw new InputError('hub', `the hub has no open model ${name}`, 'check the name; private models are fetched in Node');
  if (!answer.ok) throw new FormatError('hub', `the hub answers ${answer.status}`, 'try again later');
  const { sha, siblings = [] } = (await answer.json()) as {
    readonly sha?: string;
    readonly siblings?: readonly { readonly rfilename?: unknown; readonly size?: unknown }[];
  };
  if (!/^[0-9a-f]{40}$/.test(sha ?? '')) throw new FormatError('hub', `the hub names no commit of ${name}`, 'try again later');
  const all = siblings.flatMap(({ rfilename: path, size }) =>
    typeof path === 'string' && /^[\w][\w.-]*$/.test(path) && Number.isSafeInteger(size) ? [{ path, size: size as number }] : [],
  );
  return { commit: sha as string, files: neededFiles(name, all) };
}

async function shapesOf(name: string, commit: string): Promise<ReadonlyMap<string, readonly number[]> | undefined> {
  const answer = await fetch(`${HUB}/${name}/resolve/${commit}/config.json`, { credentials: 'omit' });
  return answer.ok ? weightShapes(fromHuggingFace((await answer.json()) as object)) : undefined;
}

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
    flush(): void;
    close(): void;
  }>;
}

/** Goes on where an earlier download stopped. @throws FormatError for answers that are not the piece asked for */
async function fetchInto(
  folder: FileSystemDirectoryHandle,
  address: string,
  path: string,
  size: number,
  tell: (loaded: number) => void,
): Promise<void> {
  const handle = (await folder.getFileHandle(path, { create: true })) as WritableHandle;
  if ((await handle.getFile()).size === size) return tell(size);
  const file = await handle.createSyncAccessHandle();
  try {
    let at = file.getSize();
    while (at < size) {
      const last = Math.min(at + PIECE, size) - 1;
      const answer = await fetch(address, { headers: { range: `bytes=${at}-${last}` }, credentials: 'omit' });
      // A whole file in answer to its first piece is as good.
      const isPiece = answer.status === 206 || (answer.status === 200 && at === 0);
      if (!isPiece)
        throw new FormatError('hub', `${path}: the hub answers ${answer.status}`, 'try again: it goes on where it stopped');
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (answer.status === 206 && bytes.length !== last + 1 - at)
        throw new FormatError('hub', `${path}: ${bytes.length} bytes came instead of ${last + 1 - at}`, 'try again');
      file.write(bytes, { at });
      file.flush();
      at += bytes.length;
      tell(at);
    }
    if (at !== size) throw new FormatError('hub', `${path} has ${at} bytes, and the hub said ${size}`, 'try again later');
  } finally {
    file.close();
  }
}

const listingName = (name: string): string => `${plain(name)}.json`;

async function keepListing(name: string, listing: Listed): Promise<void> {
  const handle = (await (await hubFolder()).getFileHandle(listingName(name), { create: true })) as WritableHandle;
  const file = await handle.createSyncAccessHandle();
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
