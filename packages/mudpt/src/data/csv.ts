/** CSV tables of images: one line each, with a path, a class and an optional split. */
import { basename, dirname, resolve } from 'node:path';
import { byCodeUnit } from '@mudpt/clip/files';
import { FormatError } from '@mudpt/tensor';
import { entryOf } from '@mudpt/tensor/internal';
import { type Dataset, type Item, type Split, someOf } from './dataset.ts';
import { findDuplicates } from './duplicates.ts';
import { validateClassNames } from './validation.ts';
import { divide, imageFolder, placeBelow } from './files.ts';
import { readText } from './text.ts';
import { DEFAULT_TEMPLATE, divisionOf, type SourceOptions } from './folder.ts';

/** Accepted headings of each column; the first one present counts. */
const HEADINGS = {
  path: ['path', 'file', 'filename', 'file_name', 'filepath', 'file_path', 'image', 'image_path', 'img', 'img_path'],
  class: ['classname', 'class_name', 'class', 'category', 'label', 'name', 'species', 'target'],
  split: ['split', 'set', 'subset'],
} as const;

/**
 * Reads a table with a heading line, its cells apart by commas, semicolons or tabs: a column for the path (relative to the file, or to a
 * folder beside it), one for the class,
 * and if there is one for the split (train, val, test) it is used; else pictures are divided 50/20/30. Classes are ordered by name, or
 * by number where all are numbers.
 *
 * @throws FormatError naming the line for quotes left open, missing cells, unknown splits, a path in two classes, pictures not found
 */
export async function openCsv(path: string, options: SourceOptions = {}): Promise<Dataset> {
  const file = resolve(path);
  const fail = (line: number, problem: string, fix: string): FormatError =>
    new FormatError('csv', `line ${line} of ${file} ${problem}`, fix);
  const [heading, ...rows] = parseCsv(await readText(file), file);
  const columns = columnsOf(heading?.cells ?? [], file);
  const labelled = rows.map(({ line, cells }) => {
    const cell = (column: number | undefined): string => (column === undefined ? '' : (cells[column] ?? '').trim());
    const [id, name, split] = [cell(columns.path), cell(columns.class), cell(columns.split).toLowerCase()];
    if (id === '' || name === '') throw fail(line, `has no ${id === '' ? 'path' : 'class'}`, 'fill the cell or remove the line');
    if (columns.split !== undefined && !/^(?:train|val|valid|validation|test)$/.test(split))
      throw fail(line, `has the split "${split}"`, 'write train, val or test');
    return { line, id, name, split: (split.startsWith('val') ? 'val' : split) as Split };
  });
  if (labelled.length === 0) throw new FormatError('csv', `${file} names no pictures`, 'add a line for each picture');
  const classNames = [...new Set(labelled.map(({ name }) => name))];
  const numeric = classNames.every((name) => /^\d+$/.test(name));
  classNames.sort(numeric ? (a, b) => Number(a) - Number(b) : byCodeUnit);
  const root = await imageFolder(dirname(file), labelled[0]?.id, file);
  const labels = new Map<string, number>();
  const numbers = new Map(classNames.map((name, label) => [name, label]));
  const items = labelled.map(({ line, id, name }): Item => {
    const label = entryOf(numbers, name);
    if (labels.has(id))
      throw fail(line, `names ${id} again${labels.get(id) === label ? '' : ', with another class'}`, 'name every picture once');
    labels.set(id, label);
    const image = placeBelow(root, id, `line ${line} of ${file}`, options.allowOutside);
    return { id, image, label };
  });
  const splits = columns.split === undefined ? divide(items) : bySplit(items, labelled);
  const { warnings, ...arranged } = withTest(splits);
  return {
    name: options.name ?? basename(file).replace(/\.\w+$/, ''),
    classNames,
    template: options.template ?? DEFAULT_TEMPLATE,
    splits: arranged,
    origin: {
      path: file,
      division:
        columns.split === undefined
          ? `no column for the split: ${divisionOf(arranged, items.length)}`
          : `split from its column ${heading?.cells[columns.split]?.trim()}`,
    },
    warnings: [
      ...warnings,
      ...validateClassNames(classNames, 'write words into the column of classes'),
      ...(await findDuplicates(arranged, (label) => classNames[label])),
    ],
  };
}

function bySplit(items: readonly Item[], rows: readonly { readonly split: Split }[]): Dataset['splits'] {
  const of = (split: Split): Item[] => items.filter((_, index) => rows[index]?.split === split);
  return { train: of('train'), val: of('val'), test: of('test') };
}

function withTest({ train, val, test }: Dataset['splits']): Dataset['splits'] & { warnings: string[] } {
  if (test.length > 0 || val.length === 0) return { train, val, test, warnings: [] };
  return { train, val: [], test: val, warnings: ['there are no test pictures: accuracy is measured on the validation pictures'] };
}

function columnsOf(heading: readonly string[], file: string): { path: number; class: number; split: number | undefined } {
  const lower = heading.map((name) => name.trim().toLowerCase());
  const find = (names: readonly string[]): number | undefined => {
    const at = names.map((name) => lower.indexOf(name)).find((index) => index >= 0);
    return at;
  };
  const [path, className, split] = [find(HEADINGS.path), find(HEADINGS.class), find(HEADINGS.split)];
  if (path !== undefined && className !== undefined) return { path, class: className, split };
  const what = path === undefined ? `path (${HEADINGS.path.join(', ')})` : `class (${HEADINGS.class.join(', ')})`;
  throw new FormatError(
    'csv',
    `${file} has no column for the ${what}; its headings are ${someOf(heading, 8)}`,
    'add a heading line such as path,class,split',
  );
}

/** The separator: the most frequent candidate in the first line, outside of quotes. Excel writes semicolons where commas are decimal. */
function separatorOf(text: string): string {
  const [first = ''] = text.replace(/"[^"]*"/g, '').split(/\r?\n/);
  const count = (mark: string): number => first.split(mark).length;
  return ['\t', ';', '|', ','].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

interface CsvRow {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** Splits text by RFC 4180, with commas, semicolons, tabs or bars, into rows; empty lines are left out. @throws FormatError for a quote left open */
export function parseCsv(text: string, file = 'text'): CsvRow[] {
  const separator = separatorOf(text);
  const rows: CsvRow[] = [];
  let cells: string[] = [];
  let cell = '';
  let [line, start, quotedAt] = [1, 1, 0];
  const endRow = (): void => {
    cells.push(cell);
    if (cells.length > 1 || cell.trim() !== '') rows.push({ line: start, cells });
    cells = [];
    cell = '';
    start = line;
  };
  for (let at = text.startsWith('\ufeff') ? 1 : 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '\n') line++;
    if (quotedAt > 0) {
      if (character !== '"') cell += character;
      else if (text[at + 1] === '"') cell += text[++at];
      else quotedAt = 0;
    } else if (character === '"' && cell === '') quotedAt = line;
    else if (character === separator) {
      cells.push(cell);
      cell = '';
    } else if (character === '\n') endRow();
    else if (character !== '\r' || text[at + 1] !== '\n') cell += character;
  }
  if (quotedAt > 0)
    throw new FormatError(
      'csv',
      `a quote in line ${quotedAt} of ${file} is never closed`,
      'close it, or double quotes inside a cell',
    );
  endRow();
  return rows;
}
