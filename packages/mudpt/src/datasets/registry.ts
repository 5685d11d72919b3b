/** The registry of data sets: names for `--data` and {@link openDataset}, and recognised forms of data at a path. */
import { extname } from 'node:path';
import { stat } from 'node:fs/promises';
import { InputError } from '@mudpt/tensor';
import { suggestion } from '../settings/suggestion.ts';
import { checkDatasetDefinition, type DatasetDefinition, type OpenOptions } from '../data/definition.ts';
import type { Dataset } from '../data/dataset.ts';
import { exists } from '../data/files.ts';
import { FORMS } from './forms.ts';
import { ICONS } from './icons/sets.ts';
import { openDefinition } from './open.ts';
import { PAPER_SETS } from './paper-sets.ts';

/** All data sets of this package: a new one is a line here. */
const BUILT_IN: readonly DatasetDefinition[] = [...PAPER_SETS, ...ICONS, ...FORMS];

const table = new Map<string, DatasetDefinition>(BUILT_IN.map((definition) => [definition.name, definition]));

/**
 * Adds a data set, or a form of data, to those that are known wherever one is named: `--data`, `openDataset`, `train({ data })`.
 * @returns a registration whose disposal removes it from the table; optional
 * @throws InputError for a definition that lacks something, or whose name is taken
 */
export function registerDataset(definition: DatasetDefinition): Disposable {
  checkDatasetDefinition(definition);
  const { name } = definition;
  if (table.has(name))
    throw new InputError(
      'registerDataset',
      `there is a data set "${name}" already`,
      'choose another name, and register each definition once',
    );
  table.set(name, definition);
  return {
    [Symbol.dispose](): void {
      if (table.get(name) === definition) table.delete(name);
    },
  };
}

/** Names that {@link openDataset} accepts, registered ones included. */
export function datasetNames(): string[] {
  return [...table.values()].filter(({ recognizes }) => !recognizes).map(({ name }) => name);
}

/** All definitions, forms of data included. */
export function datasetDefinitions(): DatasetDefinition[] {
  return [...table.values()];
}

/**
 * Opens `data`: a name of {@link datasetNames}; else a path to something of a form that is known: class folders, a folder with CoOp's split
 * file in it, such a file, a CSV file. `./icons` is a path even where `icons` is a name.
 *
 * @throws InputError for any other name or path; errors of the reader (InputError, FormatError)
 */
export async function openDataset(data: string, options: OpenOptions = {}): Promise<Dataset> {
  const known = table.get(data);
  if (known && !known.recognizes) return openDefinition(known, options.root ?? 'data', options);
  if (!(await exists(data))) {
    const named = suggestion(data, datasetNames());
    throw new InputError(
      'data',
      `"${data}" is neither a path nor the name of a data set`,
      `${named}${named.endsWith('?') ? ' Or' : ', or'} give a folder with one folder per class, a split file (.json), a table (.csv), or load another package's data sets with --plugin`,
    );
  }
  // The last registered form is tried first: it may recognise a folder better than the forms of this package.
  for (const form of [...table.values()].reverse()) if (await form.recognizes?.(data)) return openDefinition(form, data, options);
  const extension = extname(data).toLowerCase();
  const isDirectory = (await stat(data)).isDirectory();
  throw new InputError(
    'data',
    isDirectory ? `${data} is a folder of no known form` : `${data} is a ${extension || 'plain'} file`,
    'give a folder, a split file (.json) or a table (.csv, .tsv)',
  );
}
