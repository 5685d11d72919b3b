import { expect, it } from 'vitest';
import { targetsOf } from './targets.ts';

const MEMBERS = [
  { captions: [0], group: 7, category: 'bird' },
  { captions: [0], group: 7, category: 'bird' },
  { captions: [0], group: 8, category: 'bird' },
  { captions: [1], group: 9, category: 'tool' },
  { captions: [1], group: 9, category: 'tool' },
  { captions: [1], group: 9, category: 'tool' },
];

it('every image has its caption, every caption its images in equal parts', () => {
  const { toTexts, toImages, mask } = targetsOf(MEMBERS, 2, 3);
  const part = Math.fround(1 / 6);
  expect([...toTexts.data]).toEqual([0, 0, 0, 1, 1, 1].flatMap((caption) => [0, 1, 2].map((at) => (at === caption ? part : 0))));
  expect([...toImages.data]).toEqual([part, part, part, 0, 0, 0, 0, 0, 0, part, part, part, 0, 0, 0, 0, 0, 0]);
  expect([...mask.data]).toEqual([0, 0, -1e9]);
});

it('an image of which two captions are true has half of its weight on each', () => {
  const { toTexts, toImages } = targetsOf(
    [
      { captions: [1, 0], group: 0, category: 'bird' },
      { captions: [0], group: 1, category: 'bird' },
    ],
    2,
    2,
  );
  expect([...toTexts.data]).toEqual([0.25, 0.25, 0.5, 0]);
  expect([...toImages.data]).toEqual([0.25, 0.25, 0.5, 0]);
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
