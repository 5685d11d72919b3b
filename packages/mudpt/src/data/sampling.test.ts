import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Dataset, Item } from './dataset.ts';
import { PythonRandom } from './mt19937.ts';
import { epochOrder, fewShot, stepsPerEpoch, subsetClasses } from './sampling.ts';

interface Case {
  readonly seed: number;
  readonly shots: number;
  readonly train_counts: readonly number[];
  readonly val_counts: readonly number[];
  readonly train: readonly (readonly number[])[];
  readonly val: readonly (readonly number[])[];
}

const golden: { cases: Case[] } = JSON.parse(readFileSync(new URL('../../test/fixtures/sampling.json', import.meta.url), 'utf8'));

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** A data set without pictures: `counts[label]` items in each split. */
function made(trainCounts: readonly number[], valCounts: readonly number[] = trainCounts): Dataset {
  const items = (counts: readonly number[]): Item[] =>
    counts.flatMap((count, label) => range(count).map((index) => ({ id: `${label}/${index}`, image: '', label })));
  return {
    name: 'made',
    classNames: trainCounts.map((_, label) => `class ${label}`),
    template: 'a photo of a {}.',
    splits: { train: items(trainCounts), val: items(valCounts), test: items(trainCounts) },
    warnings: [],
  };
}

const picked = (items: readonly Item[], label: number): number[] =>
  items.filter((item) => item.label === label).map((item) => Number(item.id.split('/')[1]));

describe('PythonRandom', () => {
  it('gives the words and samples of CPython', () => {
    const one = new PythonRandom(1);
    expect([one.next(), one.next(), one.next()]).toEqual([577090037, 2444712010, 3639700191]);
    const samples = new PythonRandom(1);
    expect(samples.sample(range(50), 16)).toEqual([8, 36, 4, 16, 7, 31, 28, 30, 41, 24, 13, 6, 44, 1, 40, 27]);
    expect(samples.sample(range(20), 4)).toEqual([19, 0, 14, 8]);
    expect(samples.sample(range(1300), 1)).toEqual([468]);
    const two = new PythonRandom(2);
    expect(two.sample(range(100), 16)).toEqual([7, 11, 10, 46, 21, 94, 85, 39, 32, 77, 27, 4, 74, 87, 20, 55]);
    expect(two.sample(range(100), 1)).toEqual([81]);
  });

  it('refuses seeds that Python would treat differently', () => {
    expect(() => new PythonRandom(-1)).toThrow(/whole number/);
    expect(() => new PythonRandom(1.5)).toThrow(/whole number/);
  });
});

describe('fewShot', () => {
  it.each(golden.cases)(
    'picks what CPython picks: seed $seed, $shots shots',
    ({ seed, shots, train_counts, val_counts, train, val }) => {
      const { splits } = fewShot(made(train_counts, val_counts), shots, seed);
      expect(train_counts.map((_, label) => picked(splits.train, label))).toEqual(train);
      expect(val_counts.map((_, label) => picked(splits.val, label))).toEqual(val);
    },
  );

  it('says which classes have too few, and refuses empty ones', () => {
    expect(fewShot(made([5, 2, 1]), 4, 1).warnings).toEqual([
      '2 of 3 classes have fewer than 4 training pictures, and give all they have: class 1 (2), class 2 (1)',
    ]);
    expect(() => fewShot(made([5, 0]), 4, 1)).toThrow(/1 classes have no training picture: class 1/);
    expect(() => fewShot(made([5]), 0, 1)).toThrow(/whole number/);
  });
});

it('halves the classes, the first half being the larger, and labels both from 0', () => {
  const whole = made([1, 2, 3]);
  expect(subsetClasses(whole, 'base').classNames).toEqual(['class 0', 'class 1']);
  const other = subsetClasses(whole, 'new');
  expect(other.classNames).toEqual(['class 2']);
  expect(other.splits.test.map(({ id, label }) => [id, label])).toEqual([
    ['2/0', 0],
    ['2/1', 0],
    ['2/2', 0],
  ]);
  expect(() => subsetClasses(made([3]), 'new')).toThrow(/cannot be halved/);
});

it('orders every epoch anew and completely, by seed and epoch alone', () => {
  const first = epochOrder(100, 1, 0);
  expect([...first].sort((a, b) => a - b)).toEqual(range(100));
  expect(epochOrder(100, 1, 0)).toEqual(first);
  expect(epochOrder(100, 1, 1)).not.toEqual(first);
  expect(epochOrder(100, 2, 0)).not.toEqual(first);
});

it('drops an incomplete batch unless it is the only one', () => {
  expect([stepsPerEpoch(10, 4), stepsPerEpoch(8, 4), stepsPerEpoch(3, 4), stepsPerEpoch(0, 4)]).toEqual([2, 2, 1, 0]);
});
