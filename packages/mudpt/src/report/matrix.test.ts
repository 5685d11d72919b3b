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

it('an empty cell is white wherever it lies', () => {
  const { side, pixels } = matrixRaster(confusionOf([0, 6], [0, 6], 7));
  for (let place = 0; place < side * side; place += 1)
    expect(pixel(pixels, place)).toEqual(place === 0 || place === 48 ? BLUE : WHITE);
});

it('a raster of more classes than pixels sums squares of cells', () => {
  // Classes 0 and 1 share a pixel, and 2 has the other.
  const { side, pixels } = matrixRaster(confusionOf(LABELS, GUESSES, 3), 2);
  expect(side).toBe(2);
  expect([0, 1, 2, 3].map((place) => pixel(pixels, place))).toEqual([BLUE, WHITE, BLUE, WHITE]);
});

it('draws 50,000 images of 1,000 classes, a pixel for each pair', () => {
  const labels = Array.from({ length: 50_000 }, (_, index) => index % 1000);
  const confusion = confusionOf(
    labels,
    labels.map((label, index) => (label * 7 + index) % 1000),
    1000,
  );
  const { pixels } = matrixRaster(confusion);
  // All images of a class got one guess: eight times its label.
  const drawn = Array.from({ length: 1_000_000 }, (_, place) => place).filter((place) => pixels[3 * place] !== WHITE[0]);
  expect(drawn).toEqual(Array.from({ length: 1000 }, (_, label) => label * 1000 + ((label * 8) % 1000)));
});

it('the drawing has one element for each cell that is not empty, and names in escapes', () => {
  const svg = matrixSvg(['<fox>', 'wolf', 'owl'], confusionOf(LABELS, GUESSES, 3));
  expect([...svg.matchAll(/data-cell="(\d+)"/g)].map(([, cell]) => Number(cell))).toEqual([0, 1, 4, 6]);
  expect(svg).toContain('&lt;fox&gt; taken for wolf: 3');
  expect(svg).not.toContain('<fox>');
});
