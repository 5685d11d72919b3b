/** Recognised forms of data at a path: class folders, CoOp's split files, tables. */
import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { listFolder } from '@mudpt/clip/files';
import { InputError } from '@mudpt/tensor';
import { openCsv } from '../data/csv.ts';
import type { DatasetDefinition } from '../data/definition.ts';
import { DEFAULT_TEMPLATE, openFolder } from '../data/folder.ts';
import { openSplitJson } from '../data/split-json.ts';

const isFolder = async (path: string): Promise<boolean> => (await stat(path)).isDirectory();
const isFile = async (path: string, ...extensions: readonly string[]): Promise<boolean> =>
  extensions.includes(extname(path).toLowerCase()) && !(await isFolder(path));

/** Patterns of split files in a folder. */
async function splitFiles(folder: string): Promise<string[]> {
  return (await listFolder(folder)).others.filter((name) => /^split_.*\.json$/.test(name));
}

/** Forms of data, tried from the last to the first: class folders are the fallback. */
export const FORMS: readonly DatasetDefinition[] = [
  {
    name: 'class-folders',
    summary: 'a folder with a folder for each class, divided into train and test or not',
    template: DEFAULT_TEMPLATE,
    recognizes: isFolder,
    read: openFolder,
  },
  {
    name: 'split-folder',
    summary: 'a folder with one of CoOp’s split files in it',
    template: DEFAULT_TEMPLATE,
    recognizes: async (path) => (await isFolder(path)) && (await splitFiles(path)).length > 0,
    async read(folder, options) {
      const [split, ...others] = await splitFiles(folder);
      if (split !== undefined && others.length === 0) return openSplitJson(join(folder, split), options);
      const names = [split, ...others].join(', ');
      throw new InputError('data', `${folder} has ${others.length + 1} split files: ${names}`, 'name the one to use');
    },
  },
  {
    name: 'split-json',
    summary: 'one of CoOp’s split files',
    template: DEFAULT_TEMPLATE,
    recognizes: (path) => isFile(path, '.json'),
    read: openSplitJson,
  },
  {
    name: 'csv',
    summary: 'a table with a column for the path, one for the class and perhaps one for the split',
    template: DEFAULT_TEMPLATE,
    recognizes: (path) => isFile(path, '.csv', '.tsv'),
    read: openCsv,
  },
];
