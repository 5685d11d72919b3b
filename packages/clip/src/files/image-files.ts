/** Images in folders (Node): which files are images by their names, which are litter of systems and programs, how folders are walked. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { InputError } from '@mudpt/tensor';

export { makeFolder } from './make-folder.ts';

const IMAGES = new Set([
  '.png',
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.webp',
  '.gif',
  '.bmp',
  '.dib',
  '.tif',
  '.tiff',
  '.avif',
  '.heic',
  '.heif',
]);

/** The formats that the fix of an error suggests. */
export const IMAGE_KINDS = 'PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF';

/** Files that systems and programs put beside images: Synology, macOS archives, Windows. */
const LITTER = /^(\..*|@eadir|__macosx|thumbs\.db|ehthumbs\.db|desktop\.ini|\$recycle\.bin|icon\r)$/i;

/** Names as they are compared here and by Python's `sorted`: by code unit, not by language. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What a folder holds. */
export interface Listing {
  /** Names of sub-folders, sorted. */
  readonly folders: readonly string[];
  /** Names of image files, sorted. */
  readonly images: readonly string[];
  /** Names of other files, sorted: pipes, sockets and devices among them. Hidden ones and litter are left out silently. */
  readonly others: readonly string[];
}

/** The contents of a folder; links count as what they lead to. @throws InputError when it cannot be read */
export async function listFolder(path: string): Promise<Listing> {
  const found: Record<keyof Listing, string[]> = { folders: [], images: [], others: [] };
  for (const entry of await readFolder(path)) {
    if (LITTER.test(entry.name)) continue;
    // A broken link counts as an image by its name; the error comes when it is read.
    const target = entry.isSymbolicLink() ? await stat(join(path, entry.name)).catch(() => undefined) : entry;
    if (target?.isDirectory()) found.folders.push(entry.name);
    else if (IMAGES.has(extname(entry.name).toLowerCase()) && target?.isFile() !== false) found.images.push(entry.name);
    else found.others.push(entry.name);
  }
  for (const names of Object.values(found)) names.sort(byCodeUnit);
  return found;
}

async function readFolder(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InputError('data', `${path} cannot be read as a folder (${why})`, 'check the path and its permissions', { cause });
  }
}

/** A folder within the one that is walked. */
export interface Visit extends Listing {
  /** Path relative to the walked folder, with `/`; empty for itself. */
  readonly at: string;
}

/**
 * Every folder at and below `path`, each before those in it. Folders that links lead to are walked where they are first met, and once only:
 * links may lead in a circle.
 */
export async function* walkFolders(path: string): AsyncGenerator<Visit, void, undefined> {
  const visited = new Set<string>();
  const root = await realpath(path).catch(() => path);
  const waiting = [''];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const folder = join(path, at);
    const place = await realpath(folder).catch(() => folder);
    // A link to a folder above the walked one would bring in the folders beside it.
    if (visited.has(place) || (at !== '' && `${root}${sep}`.startsWith(`${place}${sep}`))) continue;
    visited.add(place);
    const listing = await listFolder(folder);
    yield { at, ...listing };
    for (const name of listing.folders.toReversed()) waiting.push(pathBelow(at, name));
  }
}

/** All images below `path`, as paths relative to it with `/`, sorted; and the other files. */
export async function imagesBelow(path: string): Promise<{ images: string[]; others: string[] }> {
  const found = { images: [] as string[], others: [] as string[] };
  for await (const { at, images, others } of walkFolders(path)) {
    for (const name of images) found.images.push(pathBelow(at, name));
    for (const name of others) found.others.push(pathBelow(at, name));
  }
  found.images.sort(byCodeUnit);
  found.others.sort(byCodeUnit);
  return found;
}

function pathBelow(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
