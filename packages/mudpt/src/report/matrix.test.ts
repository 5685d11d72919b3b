import { expect, it } from 'vitest';
import { confusionOf } from '../evaluation/index.ts';
import { matrixRaster, matrixSvg } from './matrix.ts';

const LABELS = [0, 0, 0, 0, 1, 2];
const GUESSES = [0, 1, 1, 1, 1, 0];
const pixel = (pixels: Uint8Array, place: number): number[] => [...pixels.subarray(3 * place, 3 * place + 3)];
const [WHITE, BLUE] = [
  [247, 251, 255],
  [8, 48, 107],
];

it('a raster has a pixel a cell, the darker the larger the share of its row', () => {
  const { side, pixels } = matrixRaster(confusionOf(LABELS, GUESSES, 3));
  expect(side).toBe(3);
  // The square root of a quarter is a half: the stop in the middle.
  expect([0, 2, 4, 6, 8].map((place) => pixel(pixels, place))).toEqual([[107, 174, 214], WHITE, BLUE, BLUE, WHITE]);
});

it('a raster of more classes than pixels sums squares of cells', () => {
  // Classes 0 and 1 share a pixel, and 2 has the other.
  const { side, pixels } = matrixRaster(confusionOf(LABELS, GUESSES, 3), 2);
  expect(side).toBe(2);
  expect([0, 1, 2, 3].map((place) => pixel(pixels, place))).toEqual([BLUE, WHITE, BLUE, WHITE]);
});

it('the drawing has one element for each cell that is not empty, and names in escapes', () => {
  const svg = matrixSvg(['<fox>', 'wolf', 'owl'], confusionOf(LABELS, GUESSES, 3));
  expect([...svg.matchAll(/data-cell="(\d+)"/g)].map(([, cell]) => Number(cell))).toEqual([0, 1, 4, 6]);
  expect(svg).toContain('&lt;fox&gt; taken for wolf: 3');
  expect(svg).not.toContain('<fox>');
});
