/** Data set definitions, the entries of the registry: name, or recognised form of a path, and reader. */
import { InputError } from '@mudpt/tensor';
import { fillTemplate } from './class-names.ts';
import type { Dataset } from './dataset.ts';

/** Options that every data set can be opened with. */
export interface OpenOptions {
  /** Folder in which the data sets known by name have theirs. Default `data`. */
  readonly root?: string;
  /** Name of the data set. Default: its own. */
  readonly name?: string;
  /** Prompt of zero-shot classification, with `{}` for the class name. Default: the data set's. */
  readonly template?: string;
  /** Whether a table may name files outside of its folder. Default false, because a table may come from a stranger. */
  readonly allowOutside?: boolean;
}

/** What `read` returns: a {@link Dataset} without name and template where the definition gives them, and without warnings where there are none. */
export type DatasetContents = Pick<Dataset, 'classNames' | 'splits' | 'origin'> &
  Partial<Pick<Dataset, 'name' | 'template' | 'warnings'>>;

/**
 * A data set: a row of the table that `--data` and `openDataset` look into. With `recognizes` it is a form that data may have, for any path
 * (class folders, a table); without, it is one data set, known by its name, in its folder below the root of all data sets.
 */
export interface DatasetDefinition {
  /** Lower case letters, digits, `-` and `_`. What `--data` takes, where there is no `recognizes`. */
  readonly name: string;
  /** One sentence on the contents. */
  readonly summary: string;
  /** Its folder below the root of all data sets. Default: its name. */
  readonly folder?: string;
  /** Where people get it, to go after "arrange it as", for the error when its folder is missing: "CoOp's DATASETS.md describes". */
  readonly source?: string;
  /** Whether `read` creates missing files, so that a missing folder is no error. */
  readonly generated?: boolean;
  /** Prompt of zero-shot classification, with `{}` for the class name. */
  readonly template: string;
  /** Whether it can read this path, which exists. Decide by its name or a listing; do not read anything large. */
  readonly recognizes?: (path: string) => Promise<boolean>;
  /**
   * Reads it, with images as paths that are decoded later.
   * @param place the data set's folder, or the path that was recognized
   * @throws InputError for a missing file, FormatError for one with invalid contents
   */
  readonly read: (place: string, options: OpenOptions) => Promise<DatasetContents>;
}

const NAME = /^[a-z0-9][a-z0-9_-]*$/;

/** @throws InputError naming the field of a definition that cannot be used */
export function checkDatasetDefinition(definition: DatasetDefinition): void {
  const { name, summary, template, folder, recognizes, read } = (definition ?? {}) as Partial<DatasetDefinition>;
  const fail = (problem: string, fix: string): InputError =>
    new InputError('registerDataset', `the definition ${typeof name === 'string' ? `"${name}" ` : ''}${problem}`, fix);
  if (typeof name !== 'string' || !NAME.test(name))
    throw fail('has no name that --data could take', 'name it with lower case letters, digits, - and _');
  if (typeof summary !== 'string' || summary.trim() === '') throw fail('has no summary', 'say in one sentence what is in it');
  if (typeof template !== 'string') throw fail('has no template', 'give a prompt with {} for the class name');
  fillTemplate(template, name);
  if (folder !== undefined && typeof folder !== 'string')
    throw fail('has a folder that is no text', 'give a path below the root');
  if (typeof read !== 'function') throw fail('has no function read', 'give one that maps a folder to class names and splits');
  if (recognizes !== undefined && typeof recognizes !== 'function')
    throw fail('has a recognizes that is no function', 'give one that tells of a path whether it can be read, or leave it out');
}
