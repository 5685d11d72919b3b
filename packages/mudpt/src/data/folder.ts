/** Class folders: `FOLDER/cat/1.jpg`, or divided as `FOLDER/train/cat/1.jpg`, `FOLDER/test/cat/2.jpg`. */
import { basename, join, resolve } from 'node:path';
import { IMAGE_KINDS, imagesBelow, listFolder } from '@mudpt/clip/files';
import { FormatError, InputError } from '@mudpt/tensor';
import { type Dataset, type Item, someOf, type Split, SPLITS } from './dataset.ts';
import type { OpenOptions } from './definition.ts';
import { findDuplicates } from './duplicates.ts';
import { validateClassNames } from './validation.ts';
import { divide, exists, leftAside } from './files.ts';
import { readText } from './text.ts';

/** Folder names that mean a split. */
const SPLIT_NAMES: Readonly<Record<string, Split>> = {
  train: 'train',
  training: 'train',
  val: 'val',
  valid: 'val',
  validation: 'val',
  test: 'test',
  testing: 'test',
};

export const DEFAULT_TEMPLATE = 'a photo of a {}.';

/** Options of the readers of paths. */
export type SourceOptions = Pick<OpenOptions, 'name' | 'template' | 'allowOutside'>;

/**
 * Reads a folder of class folders. Without `train` and `test` folders the pictures are divided 50/20/30, always in the same way. Pictures
 * may lie in sub-folders of a class. `classnames.txt` (lines "FOLDER words") gives classes better names than their folders have.
 *
 * @throws InputError when there are no classes, or a class has no picture
 */
export async function openFolder(path: string, options: SourceOptions = {}): Promise<Dataset> {
  const root = resolve(path);
  const top = await listFolder(root);
  const divided = top.folders.length > 0 && top.folders.every((folder) => Object.hasOwn(SPLIT_NAMES, folder.toLowerCase()));
  const parts: [Split | 'all', string][] = divided
    ? top.folders.map((folder) => [SPLIT_NAMES[folder.toLowerCase()] as Split, folder])
    : [['all', '']];
  const classes = await classFolders(root, parts);
  const names = await nicerNames(root);
  const found: Record<Split | 'all', Item[]> = { train: [], val: [], test: [], all: [] };
  const others: string[] = [...top.others.filter((name) => name !== CLASS_NAMES), ...top.images];
  for (const [split, part] of parts)
    for (const [label, folder] of classes.entries()) {
      const below = join(part, folder);
      if (!(await exists(join(root, below)))) continue;
      const contents = await imagesBelow(join(root, below));
      const idOf = (name: string): string => [part, folder, name].filter(Boolean).join('/');
      for (const name of contents.images) found[split].push({ id: idOf(name), image: join(root, below, name), label });
      for (const name of contents.others) others.push(idOf(name));
    }
  expectImages(root, classes, [...found.train, ...found.all], divided);
  const classNames = classes.map((folder) => names.get(folder) ?? folder);
  const { splits, warnings, division } = arrange(found, divided, parts);
  return {
    name: options.name ?? basename(root),
    classNames,
    template: options.template ?? DEFAULT_TEMPLATE,
    splits,
    origin: { path: root, division },
    warnings: [
      ...warnings,
      ...leftAside(others),
      ...validateClassNames(
        classNames,
        'rename the folders, or put a classnames.txt beside them with lines "FOLDER words that name the class"',
      ),
      ...(await findDuplicates(splits, (label) => classNames[label])),
    ],
  };
}

function arrange(
  found: Record<Split | 'all', Item[]>,
  divided: boolean,
  parts: readonly (readonly [string, string])[],
): { splits: Dataset['splits']; warnings: string[]; division: string } {
  const { train, val, test, all } = found;
  const folders = `folders ${parts.map(([, folder]) => folder).join(', ')}`;
  if (!divided) {
    const splits = divide(all);
    return { splits, warnings: [], division: `no test folder: ${divisionOf(splits, all.length)}` };
  }
  if (test.length > 0) return { splits: { train, val, test }, warnings: [], division: folders };
  if (val.length > 0)
    return {
      splits: { train, val: [], test: val },
      warnings: ['there is no test folder: accuracy is measured on the validation folder'],
      division: `${folders}, the validation folder as test`,
    };
  const splits = divide(train);
  return {
    splits,
    warnings: ['there is no test folder: the training folder was divided 50/20/30'],
    division: `no test folder: ${divisionOf(splits, train.length)}`,
  };
}

/** `10 train, 4 test of 14` */
export function divisionOf(splits: Dataset['splits'], all: number): string {
  const parts = SPLITS.filter((split) => splits[split].length > 0).map((split) => `${splits[split].length} ${split}`);
  return `${parts.join(', ')} of ${all}`;
}

/** All class folders of all parts, sorted; a label is a place in this list. */
async function classFolders(root: string, parts: readonly (readonly [string, string])[]): Promise<string[]> {
  const classes = new Set<string>();
  for (const [, part] of parts) for (const folder of (await listFolder(join(root, part))).folders) classes.add(folder);
  if (classes.size > 0) return [...classes].sort((a, b) => (a < b ? -1 : 1));
  throw new InputError(
    'data',
    `${root} has no class folders`,
    'make one folder per class in it and put the pictures there, for instance cat/1.jpg and dog/1.jpg',
  );
}

function expectImages(root: string, classes: readonly string[], items: readonly Item[], divided: boolean): void {
  const seen = new Set(items.map(({ label }) => label));
  const empty = classes.filter((_, label) => !seen.has(label));
  if (divided && items.length === 0)
    throw new InputError(
      'data',
      `${root} has no training pictures`,
      'put them into train/CLASS/, or leave out the train and test folders',
    );
  if (empty.length === 0) return;
  throw new InputError(
    'data',
    `${empty.length} of ${classes.length} class folders of ${root} have no ${divided ? 'training ' : ''}picture: ${someOf(empty)}`,
    `put ${IMAGE_KINDS} files there, or remove the folders`,
  );
}

const CLASS_NAMES = 'classnames.txt';

/** Names by folder, from `classnames.txt`; the format is ImageNet's. */
async function nicerNames(root: string): Promise<Map<string, string>> {
  const file = join(root, CLASS_NAMES);
  if (!(await exists(file))) return new Map();
  return parseClassNames(await readText(file), file);
}

/** Lines "FOLDER words that name the class" in their order. @throws FormatError for a line without words */
export function parseClassNames(text: string, file: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [, folder, words] = /^(\S+)\s+(.+)$/.exec(line.trim()) ?? [];
    if (folder === undefined || words === undefined)
      throw new FormatError(
        'classnames.txt',
        `line ${index + 1} of ${file} is "${line}"`,
        'write the folder, a space, and the name',
      );
    names.set(folder, words);
  }
  return names;
}
