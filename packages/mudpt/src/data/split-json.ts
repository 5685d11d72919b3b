/** CoOp's split files: `{"train": [[path, label, class name], ...], "val": [...], "test": [...]}`. */
import { basename, dirname, resolve } from 'node:path';
import { FormatError } from '@mudpt/tensor';
import * as z from 'zod';
import { type Dataset, type Item, someOf, SPLITS } from './dataset.ts';
import { validateClassNames } from './validation.ts';
import { imageFolder, placeBelow } from './files.ts';
import { readText } from './text.ts';
import { DEFAULT_TEMPLATE, type SourceOptions } from './folder.ts';

const row = z.tuple([z.string(), z.int().nonnegative(), z.string()]);
const schema = z.object({ train: z.array(row), val: z.array(row).default([]), test: z.array(row) });

/** Where the images of a split file are. */
export interface SplitJsonOptions extends SourceOptions {
  /** Folder the paths are relative to. Default: the file's folder or the one of its sub-folders where the first picture is. */
  readonly images?: string;
}

/** Reads a split file. @throws FormatError when it is none, labels have gaps or two names, or its pictures are not found */
export async function openSplitJson(path: string, options: SplitJsonOptions = {}): Promise<Dataset> {
  const file = resolve(path);
  const rows = parse(await readText(file), file);
  const classNames = namesByLabel([...rows.train, ...rows.val, ...rows.test], file);
  const root = resolve(options.images ?? (await imageFolder(dirname(file), rows.train[0]?.[0] ?? rows.test[0]?.[0], file)));
  const labels = new Map<string, number>();
  const splits = Object.fromEntries(
    SPLITS.map((split) => [
      split,
      rows[split].map(([id, label]): Item => {
        const known = labels.get(id);
        if (known !== undefined && known !== label)
          throw new FormatError(
            'split file',
            `${file} puts ${id} into two classes: ${classNames[known]} and ${classNames[label]}`,
            'keep one',
          );
        labels.set(id, label);
        return { id, image: placeBelow(root, id, file, options.allowOutside), label };
      }),
    ]),
  ) as unknown as Dataset['splits'];
  return {
    name: options.name ?? basename(file).replace(/^split_(?:zhou_)?|\.json$/g, ''),
    classNames,
    template: options.template ?? DEFAULT_TEMPLATE,
    splits,
    origin: { path: root, division: `split from ${basename(file)}` },
    warnings: validateClassNames(classNames, 'write words for them into the file'),
  };
}

type Rows = z.infer<typeof schema>;

function parse(text: string, file: string): Rows {
  const fix = 'give CoOp\'s form: {"train": [["path.jpg", 0, "class name"], ...], "val": [...], "test": [...]}';
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError('split file', `${file} is no JSON (${(cause as Error).message})`, fix, { cause });
  }
  const checked = schema.safeParse(json);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw new FormatError('split file', `${file}: ${issue?.message} at ${issue?.path.join('.') || 'its top'}`, fix);
}

function namesByLabel(rows: readonly (readonly [string, number, string])[], file: string): string[] {
  const names: string[] = [];
  for (const [id, label, name] of rows) {
    // Without gaps, labels are below the number of rows; a mistaken huge label must not allocate a list of that length.
    if (label >= rows.length)
      throw new FormatError(
        'split file',
        `${file} gives ${id} the label ${label}, and has ${rows.length} pictures`,
        'number the classes from 0 without gaps',
      );
    if (names[label] !== undefined && names[label] !== name)
      throw new FormatError(
        'split file',
        `${file} calls label ${label} both "${names[label]}" and "${name}"`,
        'give every label one name',
      );
    names[label] = name;
  }
  const gaps = Array.from(names, (name, label) => (name === undefined ? [String(label)] : [])).flat();
  if (gaps.length > 0 || names.length === 0)
    throw new FormatError(
      'split file',
      `${file} has no picture of label ${someOf(gaps) || '0'}`,
      'number the classes from 0 without gaps',
    );
  return names;
}
