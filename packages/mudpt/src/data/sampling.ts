/** Sampling: few-shot selection, base and new classes, and the order of an epoch. */
import { drawsFor } from '@mudpt/clip';
import { InputError } from '@mudpt/tensor';
import { byLabel, type Dataset, type Item, someOf } from './dataset.ts';
import { PythonRandom } from './mt19937.ts';

/** Which half of the classes (CoOp's protocol): all, the first half (rounded up), or the rest. */
export type ClassSubset = 'all' | 'base' | 'new';

/** Few-shot validation takes at most this many pictures per class. */
const MOST_VALIDATION_SHOTS = 4;

/**
 * `shots` training pictures per class and min(shots, 4) for validation, as CoOp draws them with `random.seed(seed)`: class by class in
 * the order of first appearance, training first, all of a class that has no more than it should give. Test pictures stay as they are.
 * Sample before {@link subsetClasses}, so that base, new and all share their pictures.
 *
 * @throws InputError when a class has no training picture, or the numbers are not whole
 */
export function fewShot(dataset: Dataset, shots: number, seed: number): Dataset {
  if (!Number.isSafeInteger(shots) || shots < 1)
    throw new InputError('shots', `${shots} pictures per class`, 'give a whole number from 1 up, or leave --shots at "all"');
  if (!Number.isSafeInteger(seed) || seed < 0) throw new InputError('seed', `is ${seed}`, 'give a whole number from 0 up');
  const random = new PythonRandom(seed);
  const take = (items: readonly Item[], count: number): Item[] =>
    [...byLabel(items).values()].flatMap((group) => (group.length >= count ? random.sample(group, count) : group));
  const train = take(dataset.splits.train, shots);
  const val = take(dataset.splits.val, Math.min(shots, MOST_VALIDATION_SHOTS));
  return {
    ...dataset,
    splits: { ...dataset.splits, train, val },
    warnings: [...dataset.warnings, ...scarceClasses(dataset, shots)],
  };
}

function scarceClasses(dataset: Dataset, shots: number): string[] {
  const groups = byLabel(dataset.splits.train);
  const named = (label: number, count: number): string => `${dataset.classNames[label]} (${count})`;
  const without = dataset.classNames.flatMap((_, label) => (groups.has(label) ? [] : [named(label, 0)]));
  if (without.length > 0)
    throw new InputError(
      'few-shot sampling',
      `${without.length} classes have no training picture: ${someOf(without)}`,
      'add pictures to them, or leave the classes out',
      { code: 'training.emptyClasses', values: { count: without.length, classes: someOf(without) } },
    );
  const few = [...groups].filter(([, items]) => items.length < shots).map(([label, items]) => named(label, items.length));
  if (few.length === 0) return [];
  return [
    `${few.length} of ${dataset.classNames.length} classes have fewer than ${shots} training pictures, and give all they have: ${someOf(few)}`,
  ];
}

/**
 * The classes of one half, labelled from 0, in all splits. Of C labels in order the first ceil(C / 2) are base, the others new.
 * @throws InputError for fewer than two classes
 */
export function subsetClasses(dataset: Dataset, subset: ClassSubset): Dataset {
  if (subset === 'all') return dataset;
  const count = dataset.classNames.length;
  if (count < 2) throw new InputError('classes', `${count} class cannot be halved into base and new`, 'use all classes');
  const half = Math.ceil(count / 2);
  const [from, to] = subset === 'base' ? [0, half] : [half, count];
  const keep = (items: readonly Item[]): Item[] =>
    items.filter(({ label }) => label >= from && label < to).map((item) => ({ ...item, label: item.label - from }));
  const { train, val, test } = dataset.splits;
  return {
    ...dataset,
    classNames: dataset.classNames.slice(from, to),
    ...(dataset.descriptions && { descriptions: dataset.descriptions.slice(from, to) }),
    splits: { train: keep(train), val: keep(val), test: keep(test) },
  };
}

/** An image index that no image has, so that the order of an epoch has draws of its own. */
const ORDER_INDEX = 2 ** 52;

/**
 * The order of an epoch: a permutation of 0..count-1 that depends on seed and epoch alone, so that nothing but the two needs saving to
 * resume. Fisher-Yates on Philox draws.
 */
export function epochOrder(count: number, seed: number, epoch: number): number[] {
  const draw = drawsFor({ seed, epoch, index: ORDER_INDEX });
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = uniformBelow(draw, last + 1);
    [order[last], order[other]] = [order[other] as number, order[last] as number];
  }
  return order;
}

/** A uniform whole number below `n`: draws from the last, incomplete range of n are rejected. */
function uniformBelow(draw: () => number, n: number): number {
  const limit = 2 ** 32 - (2 ** 32 % n);
  for (;;) {
    const drawn = draw();
    if (drawn < limit) return drawn % n;
  }
}

/** Steps of an epoch: incomplete last batches are dropped, unless there is no complete one. */
export function stepsPerEpoch(count: number, batch: number): number {
  return count === 0 ? 0 : Math.max(1, Math.floor(count / batch));
}
