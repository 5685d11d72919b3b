import { describe, expect, it } from 'vitest';
import { normal, philox4x32, randomWords, uniform, uniformOf } from './random.ts';

describe('Philox4x32-10', () => {
  // The known-answer vectors published with Random123 (tests/kat_vectors).
  it.each([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('counter %j key %j', (counter, key, expected) => {
    const words = philox4x32(counter, key).map((word) => word.toString(16).padStart(8, '0'));
    expect(words.join(' ')).toBe(expected);
  });

  it('gives an element the same word whatever the length, and other words to other seeds and streams', () => {
    expect(randomWords(11, { seed: 5 }).slice(0, 6)).toEqual(randomWords(6, { seed: 5 }));
    const starts = [{ seed: 5 }, { seed: 6 }, { seed: 5 + 2 ** 32 }, { seed: 5, stream: 1 }].map(
      (stream) => randomWords(1, stream)[0],
    );
    expect(new Set(starts).size).toBe(4);
  });
});

describe('distributions', () => {
  it('uniform lies in [0, 1) and is exact in f32', () => {
    expect([0, 255, 256, 0xffffffff].map(uniformOf)).toEqual([0, 0, 2 ** -24, 1 - 2 ** -24]);
    const values = uniform([10007], { seed: 1 }).data;
    for (const value of values) expect(Math.fround(value)).toBe(value);
    expect(Math.abs(values.reduce((a, b) => a + b, 0) / values.length - 0.5)).toBeLessThan(0.01);
  });

  it('normal has the moments of a standard normal, in odd lengths too', () => {
    const values = normal([20001], { seed: 2 }).data;
    const moment = (power: number): number => values.reduce((total, value) => total + value ** power, 0) / values.length;
    expect(Math.abs(moment(1))).toBeLessThan(0.03);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.05);
    expect(Math.abs(moment(3))).toBeLessThan(0.1);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.3);
  });
});
