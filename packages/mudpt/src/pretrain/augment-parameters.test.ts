import { expect, it } from 'vitest';
import { randomFrom } from '@mudpt/autograd';
import type { PixelKind } from '../datasets/icons/collection/drawings.ts';
import { AUGMENT_NUMBERS, type AugmentParameters, drawAugment, packAugment } from './augment-parameters.ts';

const luminance = ([red, green, blue]: readonly [number, number, number]): number => 0.299 * red + 0.587 * green + 0.114 * blue;

const many = (kind: PixelKind, strength: number, seed = 1): AugmentParameters[] => {
  const random = randomFrom(seed);
  return Array.from({ length: 2000 }, () => drawAugment(kind, strength, random));
};

it('is a function of the seed', () => {
  expect(many('rgba', 1)).toEqual(many('rgba', 1));
  expect(many('rgba', 1)).not.toEqual(many('rgba', 1, 2));
});

it.each(['coverage', 'rgba'] as const)('%s without strength has the look of the down-stream sets', (kind) => {
  for (const { affine, foreground, ground, recolour, gains, lift } of many(kind, 0).slice(0, 20)) {
    expect(affine.map((value) => (Math.abs(value) < 1e-9 ? 0 : Number(value.toFixed(6))))).toEqual([
      1.111111, 0, 0, 0, 1.111111, 0,
    ]);
    expect([foreground, ground, gains, Math.abs(lift)]).toEqual([[0, 0, 0], [1, 1, 1], [1, 1, 1], 0]);
    expect(recolour).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]);
  }
});

it('drawings fill 0.5 to 1.05 of the side', () => {
  for (const { affine } of many('rgba', 1)) {
    const [a, b, , d, e] = affine;
    const fit = 1 / Math.sqrt(Math.abs(a * e - b * d));
    expect(fit).toBeGreaterThan(0.5);
    expect(fit).toBeLessThan(1.06);
  }
});

it('a foreground is told from its ground; light and dark grounds both come', () => {
  const records = many('coverage', 1);
  for (const { foreground, ground } of records) expect(Math.abs(luminance(foreground) - luminance(ground))).toBeGreaterThan(0.3);
  const dark = records.filter(({ ground }) => luminance(ground) < 0.4).length / records.length;
  expect(dark).toBeGreaterThan(0.1);
  expect(dark).toBeLessThan(0.3);
});

it('recolouring leaves grey as it is, and some drawings turn grey', () => {
  let grey = 0;
  for (const { recolour } of many('rgba', 1)) {
    const rows = [0, 1, 2].map((row) => recolour.slice(4 * row, 4 * row + 4));
    for (const row of rows) expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 2);
    if (rows.every((row) => Math.abs((row[0] ?? 0) - 0.299) < 1e-6)) grey++;
  }
  expect(grey / 2000).toBeGreaterThan(0.05);
});

it('is packed in the order of its fields', () => {
  const record: AugmentParameters = {
    affine: [1, 2, 3, 4, 5, 6],
    foreground: [7, 8, 9],
    ground: [10, 11, 12],
    recolour: Array.from({ length: 12 }, (_, index) => 13 + index),
    gains: [25, 26, 27],
    lift: 28,
  };
  const packed = packAugment([record, record]);
  expect(packed).toHaveLength(2 * AUGMENT_NUMBERS);
  expect([...packed.subarray(AUGMENT_NUMBERS)]).toEqual(Array.from({ length: 28 }, (_, index) => index + 1));
});
