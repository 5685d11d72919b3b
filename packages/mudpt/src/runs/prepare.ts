/** What training, evaluation and prediction begin with: pictures and classes as the run's configuration wants them, and its method. */
import { createHash } from 'node:crypto';
import type { Clip } from '@mudpt/clip';
import { FormatError } from '@mudpt/tensor';
import { counted, someOf } from '../data/dataset.ts';
import {
  BatchLoader,
  type ClassSubset,
  type Dataset,
  fewShot,
  fillTemplate,
  fingerprint,
  SPLITS,
  subsetClasses,
} from '../data/index.ts';
import { openDataset } from '../datasets/index.ts';
import { type Method, methodContext, methodNamed, type TrainingSettings } from '../methods/index.ts';
import type { RunConfig } from './settings.ts';
import type { ClassFacts } from './records.ts';

/** What of a configuration says which pictures it means. */
export type DataConfig = Pick<RunConfig, 'data' | 'root' | 'template' | 'allowOutside' | 'shots' | 'seed'>;

/**
 * The run's pictures: few-shot sampling first, then the half of the classes, so that base, new and all share their pictures.
 * @throws FormatError for data that cannot be used
 */
export async function openRunData(
  { data, root, template, allowOutside, shots, seed }: DataConfig,
  classes: ClassSubset,
): Promise<Dataset> {
  const whole = await openDataset(data, {
    root,
    ...(template !== undefined && { template }),
    ...(allowOutside !== undefined && { allowOutside }),
  });
  const sampled = shots === 'all' ? whole : fewShot(whole, shots, seed);
  const dataset = subsetClasses(sampled, classes);
  const structure = createHash('sha256').update(JSON.stringify(SPLITS.map((split) => fingerprint(whole.splits[split]))));
  return { ...dataset, warnings: [...dataset.warnings, ...untested(dataset)], structure: structure.digest('hex') };
}

/** Classes for which nothing can be measured. */
function untested({ classNames, splits }: Dataset): string[] {
  const tested = new Set(splits.test.map(({ label }) => label));
  const without = classNames.filter((_, label) => !tested.has(label));
  if (without.length === 0 || tested.size === 0) return [];
  return [
    `${counted(without.length, 'class has', 'classes have')} no test picture, so nothing is measured for ${without.length === 1 ? 'it' : 'them'}: ${someOf(without)}`,
  ];
}

/** The confusion matrix of so many takes a gigabyte. */
const MOST_CLASSES = 10_000;

/** @throws FormatError where there is nothing to tell apart, or nothing to measure */
export function expectTrainable({ name, classNames, splits }: Dataset): void {
  if (classNames.length < 2)
    throw new FormatError(
      'data',
      `${name} has ${classNames.length === 1 ? `one class, ${classNames[0]}` : 'no class'}, and there is nothing to tell apart`,
      'give at least two folders of pictures: a second one may be called "other"',
    );
  if (classNames.length > MOST_CLASSES)
    throw new FormatError(
      'data',
      `${name} has ${classNames.length} classes, more than the ${MOST_CLASSES} whose confusions can be counted`,
      'does the column of classes hold classes, or something that differs from picture to picture?',
    );
  if (splits.test.length === 0)
    throw new FormatError(
      'data',
      `${name} has no test picture, so nothing can be measured`,
      'give each class at least two pictures, or a test folder',
    );
}

/** A loader that crops for this model, and augments as the method or its training settings say. */
export function runLoader(clip: Clip, config: RunConfig, method: Method): BatchLoader {
  const { image, normalization } = clip.config;
  const { cropScale } = method.kind === 'features' ? method : (config.training as Partial<TrainingSettings>);
  // A software adapter computes on the very cores that threads would decode on.
  const workers = config.workers ?? (clip.device.adapter.kind === 'gpu' ? undefined : 0);
  return new BatchLoader({
    size: image.size,
    seed: config.seed,
    augment: config.augment ? { ...(cropScale && { scale: cropScale }) } : false,
    ...(normalization && { normalization }),
    ...(workers !== undefined && { workers }),
    ...(config.exif && { exif: config.exif }),
  });
}

/** The run's method for these classes, untrained. */
export async function createMethod(
  clip: Clip,
  { method, settings, seed }: Pick<RunConfig, 'method' | 'settings' | 'seed'>,
  { classNames, template }: Pick<Dataset, 'classNames' | 'template'>,
): Promise<Method> {
  return methodNamed(method).create(await methodContext(clip, { classNames, template, seed }), settings);
}

/** Classes with their prompts and how many pictures they have. */
export function classFacts({ classNames, template, splits }: Dataset): ClassFacts[] {
  const count = (split: keyof Dataset['splits']): number[] => {
    const counts = classNames.map(() => 0);
    for (const { label } of splits[split]) counts[label] = (counts[label] ?? 0) + 1;
    return counts;
  };
  const [train, val, test] = [count('train'), count('val'), count('test')];
  return classNames.map((name, label) => ({
    name,
    prompt: fillTemplate(template, name),
    train: train[label] ?? 0,
    val: val[label] ?? 0,
    test: test[label] ?? 0,
  }));
}
