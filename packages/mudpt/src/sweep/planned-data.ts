/**
 * What the data sets of a sweep were when it was planned, and what their images held when a cell first read them: a cell on anything else is
 * refused before it begins. `data/NAME.txt.gz` lists a set as it was planned, `data/NAME.json` holds the SHA-256s of images.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { FileLock, FormatError, InputError, writeFileAtomic } from '@mudpt/tensor';
import * as z from 'zod';
import { someOf } from '../data/dataset.ts';
import { exists } from '../data/files.ts';
import { contentsOf, type KnownDigests } from '../data/fingerprint.ts';
import { type Dataset, fewShot, type Item, SPLITS, subsetClasses } from '../data/index.ts';
import { openDataset } from '../datasets/index.ts';
import type { RunConfig } from '../runs/index.ts';
import { openSealedJson, sealJson } from '../runs/files/sealed.ts';
import type { Cell, PlannedSet } from './cell.ts';
import { structureOf } from './configurations.ts';

const FORMAT = 1;
const recordSchema = z.strictObject({ format: z.literal(FORMAT), images: z.record(z.string(), z.string()) });

const fileOf = (sweep: string, name: string, kind: 'txt.gz' | 'json' | 'lock'): string =>
  join(sweep, 'data', `${name.replaceAll(/[^\w.-]+/g, '_')}.${kind}`);

/** A data set in lines: its classes and template, then split, label and name of each image. */
export function listingOf({ classNames, template, splits }: Dataset): string {
  const lines = SPLITS.flatMap((split) => splits[split].map(({ id, label }) => `${split} ${label} ${JSON.stringify(id)}`));
  return `${[JSON.stringify({ classNames, template }), ...lines].join('\n')}\n`;
}

export async function writeListing(sweep: string, name: string, listing: string): Promise<void> {
  await mkdir(join(sweep, 'data'), { recursive: true });
  await writeFileAtomic('plan', fileOf(sweep, name, 'txt.gz'), await promisify(gzip)(listing));
}

export interface CheckOptions {
  readonly signal: AbortSignal;
  /** Images that it knows are not read again. */
  readonly known: KnownDigests;
}

/**
 * Compares the data sets of a cell with what was planned, and the images it reads with what other cells read.
 * @throws InputError naming what changed; FormatError for a damaged record
 */
export async function checkCellData(
  sweep: string,
  cell: Cell,
  sets: readonly PlannedSet[],
  options: CheckOptions,
): Promise<void> {
  const root = String(cell.config['root']);
  for (const name of new Set([cell.data, ...cell.evaluations.map((followUp) => followUp.name)])) {
    const set = sets.find((one) => one.name === name);
    if (!set) throw new TypeError(`the plan has no data set ${name}`);
    const dataset = await openDataset(set.data, { root });
    if (structureOf(dataset) !== set.structure) throw changed(name, 'planned', await structureChanges(sweep, set, dataset));
    const found = await contentChanges(sweep, name, itemsOf(cell, name, dataset), options);
    if (found.length > 0)
      throw changed(name, 'begun', [`${someOf(found)} ${found.length === 1 ? 'has' : 'have'} other contents`]);
  }
}

function changed(name: string, when: 'planned' | 'begun', what: readonly string[]): InputError {
  return new InputError(
    'sweep',
    `the data set ${name} has changed since the sweep was ${when}: ${what.join('; ')}`,
    'put the files back, or plan anew in another folder: cells that are done were run on the old ones',
  );
}

/** The images that a cell reads of a set. */
function itemsOf({ data, config, seed, evaluations }: Cell, name: string, dataset: Dataset): Item[] {
  const { classes, shots } = config as Pick<RunConfig, 'classes' | 'shots'>;
  const tests = evaluations
    .filter((followUp) => followUp.name === name)
    .map((followUp) => subsetClasses(dataset, followUp.classes).splits.test);
  if (data === name) {
    const { splits } = subsetClasses(shots === 'all' ? dataset : fewShot(dataset, shots, seed), classes);
    tests.push(...SPLITS.map((split) => splits[split]));
  }
  return [...new Map(tests.flat().map((item) => [item.id, item])).values()];
}

/** Names of images that hold other contents than before; what is new is recorded. */
async function contentChanges(sweep: string, name: string, items: readonly Item[], options: CheckOptions): Promise<string[]> {
  const now = new Map<string, string>();
  for await (const [{ id }, digest] of contentsOf(items, options)) now.set(id, digest);
  await mkdir(join(sweep, 'data'), { recursive: true });
  const { signal } = options;
  await using _lock = await FileLock.take(fileOf(sweep, name, 'lock'), `the record of ${name}`, { wait: true, signal });
  const path = fileOf(sweep, name, 'json');
  const before = await readContents(path);
  const found = [...now].flatMap(([id, digest]) => (before.has(id) && before.get(id) !== digest ? [id] : []));
  if (found.length > 0 || [...now.keys()].every((id) => before.has(id))) return found;
  const images = Object.fromEntries([...before, ...now]);
  await writeFileAtomic('sweep', path, sealJson({ format: FORMAT, images }, 0));
  return [];
}

async function readContents(path: string): Promise<Map<string, string>> {
  if (!(await exists(path))) return new Map();
  const { success, data } = recordSchema.safeParse(openSealedJson('sweep', path, await readFile(path), FORMAT));
  if (success) return new Map(Object.entries(data.images));
  throw new FormatError('sweep', `${path} is no record of images`, 'remove it: the next cell makes it again');
}

/** In what a set differs from its listing, by the names of images. */
async function structureChanges(sweep: string, { name, ...planned }: PlannedSet, dataset: Dataset): Promise<string[]> {
  const path = fileOf(sweep, name, 'txt.gz');
  const [, ...now] = listingOf(dataset).trimEnd().split('\n');
  if (!(await exists(path))) {
    const counts = SPLITS.filter((split) => planned[split] !== dataset.splits[split].length);
    const told = counts.map((split) => `${planned[split]} images for ${split} then, ${dataset.splits[split].length} now`);
    return told.length > 0 ? told : ['other class names, template, or names of images'];
  }
  const [, ...before] = (await promisify(gunzip)(await readFile(path))).toString().trimEnd().split('\n');
  const byName = (lines: readonly string[]): Map<string, string> =>
    new Map(lines.map((line) => [JSON.parse(line.slice(line.indexOf('"'))) as string, line]));
  const [old, fresh] = [byName(before), byName(now)];
  const gone = [...old.keys()].filter((id) => !fresh.has(id));
  const added = [...fresh.keys()].filter((id) => !old.has(id));
  const moved = [...fresh].flatMap(([id, line]) => (old.has(id) && old.get(id) !== line ? [id] : []));
  const found = [
    ...(gone.length > 0 ? [`gone: ${someOf(gone)}`] : []),
    ...(added.length > 0 ? [`new: ${someOf(added)}`] : []),
    ...(moved.length > 0 ? [`in another split or class: ${someOf(moved)}`] : []),
  ];
  return found.length > 0 ? found : ['other class names or template, or another order of images'];
}
