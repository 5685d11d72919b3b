import { expect, it } from 'vitest';
import { firstShots } from './report.ts';

it('takes the first images of every class', () => {
  const list = [0, 1, 0, 0, 1, 2].map((label, index) => ({ label, index }));
  expect(firstShots(list, 2).map(({ index }) => index)).toEqual([0, 1, 2, 4, 5]);
  expect(firstShots(list, 9)).toEqual(list);
});
