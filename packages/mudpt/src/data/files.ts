/** Image files on disk: paths in tables, skipped files, and the default split. */
import { stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { IMAGE_KINDS, listFolder } from '@mudpt/clip/files';
import { InputError } from '@mudpt/tensor';
import { byLabel, counted, type Dataset, type Item, someOf } from './dataset.ts';
import { PythonRandom } from './mt19937.ts';

/**
 * The path of an image that a table names.
 * @throws InputError when that is outside of `folder` without permission
 */
export function placeBelow(folder: string, id: string, named: string, allowOutside = false): string {
  const path = resolve(folder, id);
  const way = relative(folder, path);
  if (allowOutside || (way !== '' && !isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`))) return path;
  throw new InputError(
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

/** The warning about files that are not images by their names. */
export function leftAside(others: readonly string[]): string[] {
  if (others.length === 0) return [];
  return [`${counted(others.length, 'file is', 'files are')} not ${IMAGE_KINDS} by name and left aside: ${someOf(others)}`];
}

/** Seed of the default split. It is fixed and not `--seed`, so that every seed has the same test set. */
const DIVISION_SEED = 0;

/**
 * The default split: of each class about 50 % for training, 20 % for validation, 30 % for test (CoOp's shares), always the
 * same pictures. A class of one picture is for training only, one of two has no validation.
 */
export function divide(items: readonly Item[]): Dataset['splits'] {
  const splits: Record<'train' | 'val' | 'test', Item[]> = { train: [], val: [], test: [] };
  for (const group of byLabel(items).values()) {
    const { length } = group;
    const shuffled = new PythonRandom(DIVISION_SEED).sample(group, length);
    const test = length < 2 ? 0 : Math.max(1, Math.round(length * 0.3));
    const val = length < 3 ? 0 : Math.max(1, Math.round(length * 0.2));
    for (const [index, item] of shuffled.entries())
      splits[index < test ? 'test' : index < test + val ? 'val' : 'train'].push(item);
  }
  return splits;
}

/** Where `first`, the first picture that `file` names, is: in the file's folder, or in one of the folders in it. */
export async function imageFolder(folder: string, first: string | undefined, file: string): Promise<string> {
  if (first === undefined) throw new InputError('data', `${file} names no pictures`, 'add a line for each picture');
  for (const candidate of ['', ...(await listFolder(folder)).folders])
    if (await exists(resolve(folder, candidate, first))) return join(folder, candidate);
  throw new InputError(
    'data',
    `${first}, the first picture of ${file}, is neither in ${folder} nor in a folder in it`,
    'write paths relative to the file, or put it beside the folder its paths begin in',
  );
}
