import { ShapeError } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { normalize } from './normalize.ts';

it('puts channels first and images after one another', () => {
  const first = Uint8Array.from({ length: 12 }, (_, i) => i);
  const second = first.map((level) => level + 100);
  const values = normalize([first, second], 2, { mean: [0, 0, 0], std: [1, 1, 1] });
  const levels = Array.from(values, (value) => Math.round(value * 255));
  expect(levels).toEqual([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, 100, 103, 106, 109, 101, 104, 107, 110, 102, 105, 108, 111]);
});

it("rounds each step to f32: torchvision's numbers for 0, 128 and 255", () => {
  const values = normalize([Uint8Array.of(0, 0, 0), Uint8Array.of(128, 128, 128), Uint8Array.of(255, 255, 255)], 1);
  expect([...values]).toEqual([
    -1.7922625541687012, -1.7520971298217773, -1.480219841003418, 0.07633614540100098, 0.16889731585979462, 0.33994877338409424,
    1.9303361177444458, 2.0748836994171143, 2.1458969116210938,
  ]);
});

it('refuses images of another size and unusable means', () => {
  expect(() => normalize([new Uint8Array(12), new Uint8Array(11)], 2)).toThrow(/image 1 has 11 bytes, not 2 x 2 x 3/);
  expect(() => normalize([], 2, { std: [1, 0, 1] })).toThrow(ShapeError);
  expect(() => normalize([], 2, { mean: [1, 1] })).toThrow(/three means/);
});
