import { expect, it } from 'vitest';
import { targetsOf } from './targets.ts';

const MEMBERS = [
  { caption: 0, group: 7, category: 'bird' },
  { caption: 0, group: 7, category: 'bird' },
  { caption: 0, group: 8, category: 'bird' },
  { caption: 1, group: 9, category: 'tool' },
  { caption: 1, group: 9, category: 'tool' },
  { caption: 1, group: 9, category: 'tool' },
];

it('every image has its caption, every caption its images in equal parts', () => {
  const { captions, weights, mask } = targetsOf(MEMBERS, 2, 3);
  expect([...captions.data]).toEqual([0, 0, 0, 1, 1, 1]);
  const part = Math.fround(1 / 6);
  expect([...weights.data]).toEqual([part, part, part, 0, 0, 0, 0, 0, 0, part, part, part, 0, 0, 0, 0, 0, 0]);
  expect([...mask.data]).toEqual([0, 0, -1e9]);
});

it('images of a thing are alike; those of its category are left out; others are told apart', () => {
  const { twins, twinMask } = targetsOf(MEMBERS, 2, 3);
  const row = (values: ArrayLike<number>, at: number): number[] => Array.from(values).slice(6 * at, 6 * at + 6);
  expect(row(twins.data, 0)).toEqual([0, Math.fround(1 / 6), 0, 0, 0, 0]);
  expect(row(twinMask.data, 0)).toEqual([-1e9, 0, -1e9, 0, 0, 0]);
  expect(row(twins.data, 2)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(row(twins.data, 3)).toEqual([0, 0, 0, 0, Math.fround(1 / 12), Math.fround(1 / 12)]);
  expect(row(twinMask.data, 3)).toEqual([0, 0, 0, -1e9, 0, 0]);
});
