/** Files of texts that runs and evaluations name: class descriptions and class names, recorded by their contents. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { descriptionsFor, parseDescriptions } from '@mudpt/clip';
import { FormatError, InputError } from '@mudpt/tensor';
import * as z from 'zod';
import { someOf } from '../../data/dataset.ts';
import { readText } from '../../data/text.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256');

export const descriptionsSchema = z.strictObject({
  /** Absolute path. */
  file: z.string().min(1),
  /** SHA-256 of its text. */
  sha256: digest,
});

/** A file as it was named, or as a run recorded it. */
export type DescriptionsFile = string | z.infer<typeof descriptionsSchema>;

/** The file by its place and its contents. @throws InputError when it cannot be read */
export async function recordDescriptions(file: string): Promise<z.infer<typeof descriptionsSchema>> {
  return { file: resolve(file), sha256: sha256(await readText(file)) };
}

/**
 * The sentences of a data set's classes, by label.
 * @throws InputError where the file has changed since it was recorded, and as {@link descriptionsFor}; FormatError as {@link parseDescriptions}
 */
export async function readDescriptions(from: DescriptionsFile, classNames: readonly string[]): Promise<(readonly string[])[]> {
  const { file, sha256: recorded } = typeof from === 'string' ? { file: from, sha256: undefined } : from;
  const text = await readText(file);
  if (recorded !== undefined && recorded !== sha256(text))
    throw new InputError(
      'descriptions',
      `${file} has changed since the run was made with it`,
      'put it back, or name the one to use with --descriptions',
    );
  return descriptionsFor(parseDescriptions(text, file), classNames, file);
}

/**
 * Other names for the classes of a data set, by label: one a line, or a JSON list.
 * @param classNames the data set's, all of them
 * @throws InputError for another number of names, and for an empty one; FormatError for JSON that is no list of texts
 */
export async function readClassNames(file: string, classNames: readonly string[]): Promise<string[]> {
  const text = await readText(file);
  const names = text.trimStart().startsWith('[')
    ? listOf(text, file)
    : text
        .trimEnd()
        .split(/\r?\n/)
        .map((name) => name.trim());
  const empty = names.indexOf('');
  if (empty >= 0) throw new InputError('class names', `${file} has no name in place ${empty + 1}`, 'give every class a name');
  if (names.length !== classNames.length)
    throw new InputError(
      'class names',
      `${file} has ${names.length} names, and the data has ${classNames.length} classes (${someOf(classNames)})`,
      'give one for every class, in the order of the labels, base and new ones',
    );
  return names;
}

function listOf(text: string, file: string): string[] {
  const fail = (cause?: unknown) =>
    new FormatError('class names', `${file} is no JSON list of names`, 'give ["name", ...], or a name a line', { cause });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail(cause);
  }
  const { success, data } = z.array(z.string()).safeParse(value);
  if (!success) throw fail();
  return data.map((name) => name.trim());
}

/** The hash of a list of class names. */
export async function digestOfNames(file: string): Promise<string> {
  return sha256((await readText(file)).trim());
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
