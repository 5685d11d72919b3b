import { randomFrom } from '@mudpt/autograd';
import { expect, it } from 'vitest';
import { MOST_IMAGES } from '../evaluation/feature-sample.ts';
import { planeOf } from './plane.ts';

/** Directions about `classes` centres, of any length. */
function clusters(count: number, classes: number, width: number): Float32Array {
  const random = randomFrom(5);
  const centres = Array.from({ length: classes * width }, () => random() - 0.5);
  return Float32Array.from({ length: count * width }, (_, place) => {
    const [row, channel] = [Math.floor(place / width), place % width];
    return (1 + (row % 7)) * ((centres[(row % classes) * width + channel] ?? 0) + 0.15 * (random() - 0.5));
  });
}

it('lays rows of one direction side by side, whatever their length, and the same way each time', () => {
  const [count, classes, width] = [90, 3, 16];
  const rows = clusters(count, classes, width);
  const copy = rows.slice();
  const plane = planeOf({ rows, width });
  expect(rows).toEqual(copy);
  const nearestOf = (index: number): number => {
    const [x, y] = plane[index] ?? [0, 0];
    const far = plane.map((point, other) => (other === index ? Infinity : Math.hypot(point[0] - x, point[1] - y)));
    return far.indexOf(Math.min(...far));
  };
  const pure = plane.filter((_, index) => nearestOf(index) % classes === index % classes).length;
  expect(plane).toHaveLength(count);
  expect(pure).toBe(count);
  expect(planeOf({ rows, width })).toEqual(plane);
});

it('takes as few images as ten, and no fewer', () => {
  expect(
    planeOf({ rows: clusters(10, 2, 4), width: 4 })
      .flat()
      .every(Number.isFinite),
  ).toBe(true);
  expect(() => planeOf({ rows: clusters(9, 2, 4), width: 4 })).toThrow(/9 images are too few/);
});

it('lays out as many images as a report draws', () => {
  const plane = planeOf({ rows: clusters(MOST_IMAGES, 20, 512), width: 512 });
  expect(plane).toHaveLength(MOST_IMAGES);
  expect(plane.flat().every(Number.isFinite)).toBe(true);
});
