/** Files of texts that runs and evaluations name: class descriptions, recorded by their contents. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { descriptionsFor, parseDescriptions } from '@mudpt/clip';
import { InputError } from '@mudpt/tensor';
import * as z from 'zod';
import { readText } from '../data/text.ts';

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

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
