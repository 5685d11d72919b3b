/** The images and classes of a run, from its configuration. */
import { InputError } from '@mudpt/tensor';
import { canonicalText, nth } from '@mudpt/tensor/internal';
import { createHash } from 'node:crypto';
import { counted, someOf } from '../../data/dataset.ts';
import {
  type ClassSubset,
  type Dataset,
  fewShot,
  fillTemplate,
  fingerprint,
  type Split,
  SPLITS,
  subsetClasses,
} from '../../data/index.ts';
import { validateDataset } from '../../data/validation.ts';
import { openDataset } from '../../datasets/index.ts';
import { readClassNames, readDescriptions } from '../settings/text-files.ts';
import type { ClassFacts } from '../records/records.ts';
import type { RunConfig, RunInput, TrainInput } from '../settings/settings.ts';

/** The settings of a configuration that select its images. */
export type DataConfig = Pick<
  RunConfig,
  'data' | 'dataGiven' | 'root' | 'template' | 'descriptions' | 'allowOutside' | 'shots' | 'seed'
> & {
  /** A file with other names for all classes of the data. */
  readonly classNames?: string | undefined;
};

/** A configuration whose data set may be a value: the configuration names it, and the value goes beside. */
export function separateData({ data, ...input }: TrainInput): { readonly input: RunInput; readonly given: Dataset | undefined } {
  if (typeof data !== 'object') return { input: { ...input, ...(data !== undefined && { data }) }, given: undefined };
  return { input: { ...input, data: data.name, dataGiven: true }, given: data };
}

/**
 * The run's images: few-shot sampling first, then the half of the classes, so that base, new and all share their images.
 * @param given the data set itself, in place of what the configuration names
 * @throws InputError for data that cannot be used, or that was given as a value and is not given now
 */
export async function openRunData(
  { data, dataGiven, root, template, descriptions, classNames, allowOutside, shots, seed }: DataConfig,
  classes: ClassSubset,
  given?: Dataset,
): Promise<Dataset> {
  if (!given && dataGiven)
    throw new InputError(
      'data',
      `the data set "${data}" was given as a value, and no path or name stands for it`,
      'give the same Dataset again, as data: train({ data }), resumeRun(folder, { data }), evaluateRun(run, { data })',
    );
  if (given) validateDataset(given);
  const found: Dataset = given
    ? { ...given, ...(template !== undefined && { template }) }
    : await openDataset(data, {
        root,
        ...(template !== undefined && { template }),
        ...(allowOutside !== undefined && { allowOutside }),
      });
  const opened = classNames === undefined ? found : { ...found, classNames: await readClassNames(classNames, found.classNames) };
  const whole = descriptions ? { ...opened, descriptions: await readDescriptions(descriptions, opened.classNames) } : opened;
  const sampled = shots === 'all' ? whole : fewShot(whole, shots, seed);
  const dataset = subsetClasses(sampled, classes);
  const structure = createHash('sha256').update(canonicalText(SPLITS.map((split) => fingerprint(whole.splits[split]))));
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

/** Most classes: the confusion matrix of more would take a gigabyte. */
const MOST_CLASSES = 10_000;

/** @throws InputError where there is nothing to tell apart, or nothing to measure */
export function expectTrainable({ name, classNames, splits }: Dataset): void {
  if (classNames.length < 2)
    throw new InputError(
      'data',
      `${name} has ${classNames.length === 1 ? `one class, ${classNames[0]}` : 'no class'}, and there is nothing to tell apart`,
      'give at least two folders of pictures: a second one may be called "other"',
    );
  if (classNames.length > MOST_CLASSES)
    throw new InputError(
      'data',
      `${name} has ${classNames.length} classes, more than the ${MOST_CLASSES} whose confusions can be counted`,
      'does the column of classes hold classes, or something that differs from picture to picture?',
    );
  if (splits.test.length === 0)
    throw new InputError(
      'data',
      `${name} has no test picture, so nothing can be measured`,
      'give each class at least two pictures, or a test folder',
    );
}

/** Classes with their prompts and how many images they have. */
export function classFacts({ classNames, template, descriptions, splits }: Dataset): ClassFacts[] {
  const counts = (split: Split): Uint32Array => {
    const found = new Uint32Array(classNames.length);
    for (const { label } of splits[split]) found[label] = nth(found, label) + 1;
    return found;
  };
  const [train, val, test] = [counts('train'), counts('val'), counts('test')];
  return classNames.map((name, label) => ({
    name,
    prompt: promptOf(template, name, descriptions?.[label]),
    train: nth(train, label),
    val: nth(val, label),
    test: nth(test, label),
  }));
}

function promptOf(template: string, name: string, [first, ...others]: readonly string[] = []): string {
  if (first === undefined) return fillTemplate(template, name);
  return others.length > 0 ? `${first} (and ${others.length} more)` : first;
}
