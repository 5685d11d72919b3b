import { expect, it } from 'vitest';
import { randomFrom } from '@mudpt/autograd';
import { CELLS, drawnCells, drawPatches } from './patches.ts';

const SIDE = 36;
const UPRIGHT = { affine: [1, 0, 0, 0, 1, 0] } as const;

/** Covered in the right half of its upper half. */
const coverage = Uint8Array.from({ length: SIDE * SIDE }, (_, at) => (at % SIDE >= SIDE / 2 && at < (SIDE * SIDE) / 2 ? 255 : 8));

it('cells are drawn where alpha is seen', () => {
  const rgba = new Uint8Array(4 * SIDE * SIDE);
  coverage.forEach((value, at) => rgba.set([1, 2, 3, value], 4 * at));
  const cells = drawnCells({ kind: 'coverage', pixels: coverage }, SIDE);
  expect(drawnCells({ kind: 'rgba', pixels: rgba }, SIDE)).toEqual(cells);
  expect([...cells].filter((cell) => cell === 1)).toHaveLength((CELLS * CELLS) / 4);
  expect(cells[CELLS - 1]).toBe(1);
  expect(cells[0]).toBe(0);
});

it('patches of the drawing come before blank ones, in order, and all of them where all are kept', () => {
  const cells = drawnCells({ kind: 'coverage', pixels: coverage }, SIDE);
  const random = randomFrom(1);
  expect(drawPatches(cells, UPRIGHT, { across: 4, kept: 4 }, random)).toEqual([2, 3, 6, 7]);
  // Mirrored and turned upside down, the drawing is in the lower left.
  expect(drawPatches(cells, { affine: [-1, 0, 0, 0, -1, 0] }, { across: 4, kept: 4 }, random)).toEqual([8, 9, 12, 13]);
  const more = drawPatches(cells, UPRIGHT, { across: 4, kept: 6 }, random);
  expect(more).toEqual(expect.arrayContaining([2, 3, 6, 7]));
  expect(more).toHaveLength(6);
  expect(drawPatches(cells, UPRIGHT, { across: 4, kept: 16 }, random)).toEqual(Array.from({ length: 16 }, (_, at) => at));
  const fewer = new Set(Array.from({ length: 50 }, () => drawPatches(cells, UPRIGHT, { across: 4, kept: 2 }, random).join()));
  expect(fewer.size).toBe(6);
});
