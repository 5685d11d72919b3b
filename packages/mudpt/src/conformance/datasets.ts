/**
 * A conformance kit for data sets: checks that any definition has to pass, ours or another package's, on any test runner in Node.
 *
 *     for (const { name, run } of datasetChecks(myDataset, { at: 'fixtures' })) it(name, run);
 */
import { InputError, TensorError } from '@mudpt/tensor';
import type { Dataset, Item } from '../data/dataset.ts';
import type { DatasetDefinition, OpenOptions } from '../data/definition.ts';

/** The data set under test. */
export interface DatasetConformanceOptions {
  /** The folder that contains the data set's folder; for a definition with `recognizes`, the path to read. A few images are enough. */
  readonly at: string;
  /** Names that several classes share on purpose. */
  readonly repeatedNames?: readonly string[];
}

/** One check of a data set. */
export interface DatasetConformanceCheck {
  readonly name: string;
  /** @throws InputError saying what is wrong and how to mend it */
  run(): Promise<void>;
}

interface Subject extends DatasetConformanceOptions {
  readonly definition: DatasetDefinition;
  /** Reads it anew. */
  open(options?: OpenOptions): Promise<Dataset>;
  /** What the first reading gave. */
  dataset(): Promise<Dataset>;
  fail(problem: string, fix: string): InputError;
}

type Checks = Readonly<Record<string, (subject: Subject) => Promise<void>>>;

const OF_ALL: Checks = {
  'the same folder gives the same items': sameItems,
  'every class has an image where there are images to train on': labels,
  'every image is there': imagesThere,
  'no image is in two splits, and ids are unique': disjointSplits,
  'class names are unique and say something': classNames,
  'the template has one place for the class name': template,
  'few shots follow from the seed, and base and new classes share none': fewShots,
  'a name and a template that are asked for are used': overrides,
};

const OF_STORED: Checks = {
  'a missing folder is told by its path': missing,
  'an empty folder is refused': empty,
};

/** The checks that fit a definition. One that makes its images is not asked what it says of a missing folder. */
export function datasetChecks(
  definition: DatasetDefinition,
  options: DatasetConformanceOptions,
): readonly DatasetConformanceCheck[] {
  const fail = (problem: string, fix: string): InputError => new InputError(definition.name, problem, fix);
  // Reading files is for Node alone; the kit for methods, in the same entry, is not.
  const open = async (more: OpenOptions = {}): Promise<Dataset> =>
    (await import('../datasets/open.ts')).openDefinition(definition, options.at, more);
  let first: Promise<Dataset> | undefined;
  const dataset = (): Promise<Dataset> => (first ??= open());
  const subject: Subject = { ...options, definition, open, dataset, fail };
  const checks = definition.generated ? OF_ALL : { ...OF_ALL, ...OF_STORED };
  return Object.entries(checks).map(([name, check]) => ({ name, run: () => check(subject) }));
}

const allItems = ({ splits }: Dataset): Item[] => [...splits.train, ...splits.val, ...splits.test];

async function sameItems({ dataset, open, fail }: Subject): Promise<void> {
  const [first, again] = [await dataset(), await open()];
  const told = ({ splits, classNames: names }: Dataset): string => JSON.stringify([names, splits.train, splits.val, splits.test]);
  if (told(first) !== told(again))
    throw fail('reading it twice gives other items', 'sort what a folder lists, and draw no random numbers without a seed');
  if (allItems(first).length === 0) throw fail('has no item', 'give it a folder with a few images to check');
}

async function labels({ dataset: opened, fail }: Subject): Promise<void> {
  // A label beyond the class names is refused when it is opened. A set that is only tested on may share its classes with another.
  const dataset = await opened();
  if (dataset.splits.train.length === 0) return;
  const used = new Set(allItems(dataset).map(({ label }) => label));
  const without = dataset.classNames.findIndex((_, label) => !used.has(label));
  if (without >= 0) throw fail(`has no image of ${dataset.classNames[without]}`, 'leave out classes that have none');
}

async function imagesThere({ dataset: opened, fail }: Subject): Promise<void> {
  const { stat } = await import('node:fs/promises');
  for (const { id, image } of allItems(await opened())) {
    if (typeof image !== 'string' && !(image instanceof URL && image.protocol === 'file:')) continue;
    const isFile = await stat(image).then(
      (found) => found.isFile(),
      () => false,
    );
    if (!isFile)
      throw fail(`has no file ${String(image)}, the image of ${id}`, 'give paths that do not depend on where a program starts');
  }
}

async function disjointSplits({ dataset: opened, fail }: Subject): Promise<void> {
  const { splits } = await opened();
  const ids = new Map<string, string>();
  const paths = new Map<string, string>();
  for (const [split, items] of Object.entries(splits))
    for (const { id, image } of items) {
      const other = ids.get(id) ?? (typeof image === 'string' ? paths.get(image) : undefined);
      if (other !== undefined)
        throw fail(
          `has ${id} in ${other === split ? `${split} twice` : `${other} and ${split}`}`,
          'an image belongs to one split, once',
        );
      ids.set(id, split);
      if (typeof image === 'string') paths.set(image, split);
    }
}

async function classNames({ dataset: opened, fail, repeatedNames = [] }: Subject): Promise<void> {
  const { validateClassNames } = await import('../data/validation.ts');
  const { classNames: names } = await opened();
  const fix = 'name each class by the words that a person would use for what is in the image';
  const [warning] = validateClassNames(
    names.filter((name) => !repeatedNames.includes(name)),
    fix,
  );
  if (warning !== undefined) throw fail(warning, fix);
}

async function template({ dataset: opened, fail }: Subject): Promise<void> {
  const { template: text } = await opened();
  const places = text.split('{}').length - 1;
  if (places !== 1) throw fail(`has a template with ${places} places for the class name: "${text}"`, 'write {} once');
}

async function fewShots({ dataset: opened, fail }: Subject): Promise<void> {
  const { fewShot, subsetClasses } = await import('../data/sampling.ts');
  const dataset = await opened();
  if (dataset.splits.train.length === 0) {
    if (dataset.splits.test.length > 0) return;
    throw fail('has neither training nor test images', 'give at least one of the two splits');
  }
  const idsOf = (items: readonly Item[]): string => items.map(({ id }) => id).join();
  const [one, again] = [fewShot(dataset, 1, 1), fewShot(dataset, 1, 1)];
  if (idsOf(one.splits.train) !== idsOf(again.splits.train))
    throw fail('gives other shots for one seed', 'give items in a fixed order');
  if (one.splits.train.length !== dataset.classNames.length)
    throw fail(
      `gives ${one.splits.train.length} images for one shot of ${dataset.classNames.length} classes`,
      'give each class an image',
    );
  if (dataset.classNames.length < 2) throw fail('has one class', 'give a folder with two classes to check');
  const [base, fresh] = [subsetClasses(one, 'base'), subsetClasses(one, 'new')];
  const shared = new Set(base.splits.train.map(({ id }) => id));
  const both = fresh.splits.train.find(({ id }) => shared.has(id));
  if (both) throw fail(`has ${both.id} among base and new classes`, 'give an image one label');
}

async function overrides({ open, fail }: Subject): Promise<void> {
  const asked = { name: 'another-name', template: 'a {} of another template.' };
  const { name, template: text } = await open(asked);
  if (name !== asked.name || text !== asked.template)
    throw fail(`opens as ${name} with "${text}" where another name and template are asked for`, 'leave both to the registry');
}

/** The error of reading another place; undefined where reading succeeds. */
async function refusal(definition: DatasetDefinition, at: string): Promise<unknown> {
  const { openDefinition } = await import('../datasets/open.ts');
  return openDefinition(definition, at).then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function missing({ definition, at, fail }: Subject): Promise<void> {
  const { join } = await import('node:path');
  const place = join(at, 'there-is-no-such-folder');
  const error = await refusal(definition, place);
  if (error === undefined) throw fail('reads a folder that is not there', 'refuse it with an InputError that names it');
  if (!(error instanceof TensorError) || !error.message.includes('there-is-no-such-folder'))
    throw fail(`says of a missing folder: ${String(error)}`, `throw an InputError that names ${place}`);
}

async function empty({ definition, fail }: Subject): Promise<void> {
  const [{ mkdir, mkdtemp, rm }, { tmpdir }, { join }] = await Promise.all([
    import('node:fs/promises'),
    import('node:os'),
    import('node:path'),
  ]);
  const root = await mkdtemp(join(tmpdir(), 'mudpt-empty-'));
  try {
    await mkdir(join(root, definition.folder ?? definition.name), { recursive: true });
    const error = await refusal(definition, root);
    if (error === undefined) throw fail('reads an empty folder', 'refuse it with an InputError that says what belongs there');
    if (!(error instanceof TensorError)) throw fail(`says of an empty folder: ${String(error)}`, 'throw an InputError');
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
