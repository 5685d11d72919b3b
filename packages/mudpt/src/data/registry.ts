/** Data sets by name, and whatever else `--data` may be: a folder, a split file, a table. */
import { extname, join } from 'node:path';
import { stat } from 'node:fs/promises';
import { listFolder } from '@mudpt/clip/files';
import { FormatError } from '@mudpt/tensor';
import type { Dataset } from './dataset.ts';
import { openCsv } from './csv.ts';
import { iconSetNames, openIcons } from './icons/sets.ts';
import { openFolder, type SourceOptions } from './folder.ts';
import { openPaperSet, PAPER_SETS } from './paper-sets.ts';
import { openSplitJson } from './split-json.ts';

export interface OpenOptions extends SourceOptions {
  /** Folder with the data sets that are known by name and not made here. Default `data`. */
  readonly root?: string;
}

/** Opens a data set that has a name. */
type Open = (options: OpenOptions) => Promise<Dataset>;

/** To add a data set, add a line. */
const NAMED: Readonly<Record<string, Open>> = {
  ...Object.fromEntries(
    Object.keys(PAPER_SETS).map((name): [string, Open] => [name, ({ root = 'data' }) => openPaperSet(name, root)]),
  ),
  // Rendered into the folder "icons" when first opened.
  ...Object.fromEntries(
    iconSetNames.map((name): [string, Open] => [name, ({ root = 'data' }) => openIcons(name, join(root, 'icons'))]),
  ),
};

/** Names that {@link openDataset} knows. */
export const datasetNames: readonly string[] = Object.keys(NAMED);

/**
 * Opens `data`: a name of {@link datasetNames}; else a path to class folders, to a folder with CoOp's split file in it, to such a file, or to
 * a CSV file. `./icons` is a path even where `icons` is a name.
 *
 * @throws FormatError for what is none of these, and for what its reader refuses
 */
export async function openDataset(data: string, options: OpenOptions = {}): Promise<Dataset> {
  const named = Object.hasOwn(NAMED, data) ? NAMED[data] : undefined;
  if (named) {
    const { name, template } = options;
    const opened = await named(options);
    return { ...opened, ...(name !== undefined && { name }), ...(template !== undefined && { template }) };
  }
  const found = await stat(data).catch(() => undefined);
  if (!found)
    throw new FormatError(
      'data',
      `"${data}" is neither a path nor the name of a data set`,
      `give a folder with one folder per class, a split file (.json), a table (.csv), or one of ${datasetNames.join(', ')}`,
    );
  if (found.isDirectory()) {
    const splits = (await listFolder(data)).others.filter((name) => /^split_.*\.json$/.test(name));
    if (splits.length > 1)
      throw new FormatError('data', `${data} has ${splits.length} split files: ${splits.join(', ')}`, 'name the one to use');
    return splits[0] === undefined ? openFolder(data, options) : openSplitJson(join(data, splits[0]), options);
  }
  const extension = extname(data).toLowerCase();
  if (extension === '.json') return openSplitJson(data, options);
  if (extension === '.csv' || extension === '.tsv') return openCsv(data, options);
  throw new FormatError(
    'data',
    `${data} is a ${extension || 'plain'} file`,
    'give a folder, a split file (.json) or a table (.csv, .tsv)',
  );
}
