/** Pictures on disk: which files are pictures, which are left aside, and how they are divided where nobody divided them. */
import { readdir, stat } from 'node:fs/promises';
import { extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { FormatError } from '@mudpt/tensor';
import { byLabel, counted, type Dataset, type Item, someOf } from './dataset.ts';
import { PythonRandom } from './mt19937.ts';

const PICTURES = new Set(['.png', '.jpg', '.jpeg', '.webp', '.gif']);

/** Names as they are compared here and by Python's `sorted`: by code unit, not by language. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export interface Listing {
  /** Names of sub-folders, sorted. */
  readonly folders: readonly string[];
  /** Names of picture files, sorted. */
  readonly pictures: readonly string[];
  /** Names of other files; hidden ones are left out silently. */
  readonly others: readonly string[];
}

/** The visible contents of a folder; links count as what they lead to. @throws FormatError when it cannot be read */
export async function listFolder(path: string): Promise<Listing> {
  const folders: string[] = [];
  const pictures: string[] = [];
  const others: string[] = [];
  for (const entry of await readFolder(path)) {
    if (entry.name.startsWith('.')) continue;
    // A dangling link is no folder; as a picture it is reported when it cannot be read.
    const isFolder = entry.isSymbolicLink()
      ? await stat(join(path, entry.name)).then(
          (target) => target.isDirectory(),
          () => false,
        )
      : entry.isDirectory();
    if (isFolder) folders.push(entry.name);
    else if (PICTURES.has(extname(entry.name).toLowerCase())) pictures.push(entry.name);
    else others.push(entry.name);
  }
  for (const names of [folders, pictures, others]) names.sort(byCodeUnit);
  return { folders, pictures, others };
}

async function readFolder(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError('data', `${path} cannot be read as a folder (${why})`, 'check the path and its permissions', { cause });
  }
}

/** All pictures below `path`, as paths relative to it with `/`, sorted; and the files left aside. */
export async function picturesBelow(path: string): Promise<{ pictures: string[]; others: string[] }> {
  const { folders, pictures, others } = await listFolder(path);
  const found = { pictures: [...pictures], others: [...others] };
  for (const folder of folders) {
    const below = await picturesBelow(join(path, folder));
    for (const kind of ['pictures', 'others'] as const) found[kind].push(...below[kind].map((name) => `${folder}/${name}`));
  }
  found.pictures.sort(byCodeUnit);
  return found;
}

/**
 * Where a picture is that a table names.
 * @throws FormatError when that is outside of `folder` and nobody allowed it
 */
export function placeBelow(folder: string, id: string, named: string, allowOutside = false): string {
  const path = resolve(folder, id);
  const way = relative(folder, path);
  if (allowOutside || (way !== '' && !isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`))) return path;
  throw new FormatError(
    'data',
    `${named} names ${id}, which is not below ${folder}`,
    'a table from somebody else could show any file of yours: put the pictures below its folder, or add --allow-outside',
  );
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The warning for files that are no pictures by their name. */
export function leftAside(others: readonly string[]): string[] {
  if (others.length === 0) return [];
  return [
    `${counted(others.length, 'file is', 'files are')} not PNG, JPEG, WebP or GIF by name and left aside: ${someOf(others)}`,
  ];
}

/** Decides which third of an undivided data set a picture falls into; not `--seed`, or every seed would have another test set. */
const DIVISION_SEED = 0;

/**
 * Divides what nobody divided: of each class about 50 % for training, 20 % for validation, 30 % for test (CoOp's shares), always the
 * same pictures. A class of one picture is for training only, one of two has no validation.
 */
export function divide(items: readonly Item[]): Dataset['splits'] {
  const splits: Record<'train' | 'val' | 'test', Item[]> = { train: [], val: [], test: [] };
  for (const own of byLabel(items).values()) {
    const shuffled = new PythonRandom(DIVISION_SEED).sample(own, own.length);
    const test = own.length < 2 ? 0 : Math.max(1, Math.round(own.length * 0.3));
    const val = own.length < 3 ? 0 : Math.max(1, Math.round(own.length * 0.2));
    splits.test.push(...shuffled.slice(0, test));
    splits.val.push(...shuffled.slice(test, test + val));
    splits.train.push(...shuffled.slice(test + val));
  }
  return splits;
}
