import { ShapeError } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import { drawsFor, philox4x32 } from './random.ts';

it.each([
  [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
  [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
  [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
] as const)("Philox4x32-10 passes Random123's known answers", (counter, key, expected) => {
  expect(
    philox4x32(counter, key)
      .map((word) => word.toString(16).padStart(8, '0'))
      .join(' '),
  ).toBe(expected);
});

describe('drawsFor', () => {
  const firstFive = (place: Parameters<typeof drawsFor>[0]) => {
    const draw = drawsFor(place);
    return Array.from({ length: 5 }, () => draw());
  };

  it('depends on seed, epoch and index, each in full', () => {
    const places = [0, 1, 2 ** 32, 2 ** 40 + 1].flatMap((large) => [
      { seed: large, epoch: 0, index: 7 },
      { seed: 7, epoch: 1, index: large },
    ]);
    places.push({ seed: 7, epoch: 2 ** 32 - 1, index: 0 }, { seed: 7, epoch: 2, index: 0 });
    const drawn = places.map((place) => firstFive(place).join(' '));
    expect(new Set(drawn).size).toBe(places.length);
    expect(places.map((place) => firstFive(place).join(' '))).toEqual(drawn);
  });

  it('is spread evenly', () => {
    const counts = Array.from({ length: 16 }, () => 0);
    for (let index = 0; index < 4000; index++) {
      const bin = (drawsFor({ seed: 1, epoch: 0, index })() >>> 28) & 15;
      counts[bin]! += 1;
    }
    // 250 each; five standard deviations are 77.
    expect(Math.min(...counts)).toBeGreaterThan(173);
    expect(Math.max(...counts)).toBeLessThan(327);
  });

  it('refuses places that are no whole numbers', () => {
    expect(() => drawsFor({ seed: -1, epoch: 0, index: 0 })).toThrow(ShapeError);
    expect(() => drawsFor({ seed: 0, epoch: 2 ** 32, index: 0 })).toThrow(/epoch is 4294967296/);
    expect(() => drawsFor({ seed: 0, epoch: 0, index: 0.5 })).toThrow(/index is 0.5/);
  });
});
