/** The identity of a run: hashes of its configuration, its data and its model, by content rather than by path. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { contentDigest, type ContentOptions, fingerprint } from '../../data/fingerprint.ts';
import { type Dataset, SPLITS } from '../../data/index.ts';
import { canonicalText, isEqual } from '@mudpt/tensor/internal';
import type { Setting } from '../../settings/fields.ts';
import { SCHEMAS, settingsFor } from './schemas.ts';
import type { RunConfig } from './settings.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256');

export const marksSchema = z.strictObject({
  /** SHA-256 of everything in the configuration that changes numbers. */
  config: digest,
  /** Hash of class names, template, descriptions, division and the contents of the test images: the same for every seed. */
  data: digest,
  /** Hash of the contents of the chosen training and validation images. */
  images: digest,
  /** Hash of the base model; empty for one that was not loaded from a file. */
  model: z.union([digest, z.literal('')]),
});

/** SHA-256s that two runs share only when they are the same run. */
export type RunMarks = z.infer<typeof marksSchema>;

export interface MarkOptions extends Pick<ContentOptions, 'signal' | 'known'> {
  /** What tells the teacher of the run from others, where it learns from one. */
  readonly teacher?: string | undefined;
  /** Called with the number of images that were hashed. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Everything in a configuration that changes the numbers of a run, as text that equal runs share. What memory changes is the order of sums;
 * paths count by what lies there (`marksOf`), and so does the template.
 */
export function identity(config: RunConfig, schemas = SCHEMAS): string {
  const { run, settings, training } = settingsFor(config.method, schemas);
  return canonicalText({
    ...numbersOf(run, config),
    settings: numbersOf(settings, config.settings),
    training: numbersOf(training, config.training),
  });
}

function numbersOf(settings: readonly Setting[], values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const counting = settings.filter(
    ({ name, metadata }) =>
      metadata.changesNumbers !== false && !('before' in metadata && isEqual(values[name], metadata.before)),
  );
  return Object.fromEntries(
    counting.map(({ name, metadata: { identity: of } }) => [name, of ? of(values[name] as never) : values[name]]),
  );
}

/** A text that is the same for runs that differ only in their seed. */
export function identityOfSeeds(config: RunConfig): string {
  return identity({ ...config, seed: 0 });
}

/** Hashes the images of a run; known digests are not computed again. @throws the signal's reason once it is aborted */
export async function marksOf(
  config: RunConfig,
  dataset: Dataset,
  model: string,
  { signal, known, teacher, onProgress }: MarkOptions = {},
): Promise<RunMarks> {
  const { classNames, template, descriptions, splits } = dataset;
  const total = SPLITS.reduce((sum, split) => sum + splits[split].length, 0);
  let done = 0;
  const contents = (split: (typeof SPLITS)[number]): Promise<string> =>
    contentDigest(splits[split], { signal, known, onItem: () => onProgress?.(++done, total) });
  const [test, train, val] = [await contents('test'), await contents('train'), await contents('val')];
  const structure = dataset.structure ?? SPLITS.map((split) => fingerprint(splits[split])).join();
  return {
    config: sha256(teacher === undefined ? identity(config) : canonicalText([identity(config), teacher])),
    data: sha256(canonicalText([classNames, template, structure, test, ...(descriptions ? [descriptions] : [])])),
    images: sha256(canonicalText([train, val])),
    model,
  };
}

/** The digits in a run's folder name that separate configurations; the same for all seeds of one configuration. */
export function folderMark(config: RunConfig, { data, model }: RunMarks): string {
  return sha256(canonicalText([identityOfSeeds(config), data, model])).slice(0, 8);
}

/** How two runs differ, in words, with what to do; nothing for the same run. */
export function differences(a: RunMarks, b: RunMarks): { readonly what: string; readonly fix: string }[] {
  const told = {
    config: ['another configuration', 'give the flags the run was started with, or none: train --resume FOLDER'],
    data: [
      'other data (class names, template, descriptions, division or test images)',
      'put the data back, or start a new run with --out',
    ],
    images: ['other training images', 'put the images back, or start a new run with --out'],
    model: ['another base model', 'put the model back, or start a new run with --out'],
  } as const;
  return (['config', 'data', 'images', 'model'] as const)
    .filter((part) => a[part] !== b[part])
    .map((part) => ({ what: told[part][0], fix: told[part][1] }));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
