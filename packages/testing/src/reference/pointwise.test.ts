import { describe, expect, it } from 'vitest';
import { ref } from './array.ts';
import { binary, clamp, type DifferentiableName, unaryDerivatives, unaryFunctions, where } from './pointwise.ts';
import { erf, erfc } from './special.ts';

describe('special functions', () => {
  // Values of Abramowitz and Stegun, table 7.1, and of erfc to 16 digits.
  it.each([
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [-1.5, -0.9661051464753108],
  ])('erf(%d)', (x, expected) => {
    expect(Math.abs(erf(x) / expected - 1)).toBeLessThan(1e-14);
  });

  it('erfc keeps its relative precision in the tail and meets erf at the seam', () => {
    expect(Math.abs(erfc(5) / 1.5374597944280349e-12 - 1)).toBeLessThan(1e-13);
    expect(Math.abs(erfc(10) / 2.088487583762545e-45 - 1)).toBeLessThan(1e-13);
    expect(Math.abs(erf(2 - 1e-12) - erf(2))).toBeLessThan(1e-12);
    expect([erf(Infinity), erf(-Infinity), erf(NaN)]).toEqual([1, -1, NaN]);
  });
});

describe('pointwise', () => {
  it.each(Object.keys(unaryDerivatives) as DifferentiableName[])('derivative of %s agrees with central differences', (name) => {
    const fn: (x: number) => number = unaryFunctions[name];
    const derivative: (x: number) => number = unaryDerivatives[name];
    for (const x of [0.013, 0.4, 1.1, 2.7, 6, -0.3, -1.7, -5]) {
      if (!Number.isFinite(fn(x))) continue;
      const h = 1e-5 * Math.max(1, Math.abs(x));
      const step = x > 0 ? Math.min(h, x / 100) : h;
      const difference = (fn(x + step) - fn(x - step)) / (2 * step);
      expect(Math.abs(derivative(x) - difference)).toBeLessThan(1e-5 * Math.max(1, Math.abs(difference)));
    }
  });

  it('is defined at the ends of the line', () => {
    for (const name of ['gelu', 'geluTanh', 'quickGelu', 'silu'] as const) {
      const ends = [-Infinity, -1e30, Infinity];
      expect(ends.map((x) => unaryFunctions[name](x) + 0)).toEqual([0, 0, Infinity]);
      expect(ends.map((x) => unaryDerivatives[name](x) + 0)).toEqual([0, 0, 1]);
    }
  });

  it('broadcasts and follows the stated conventions', () => {
    const column = ref([2, 1], [7, -7]);
    const row = ref([3], [3, -3, Infinity]);
    expect([...binary('mod', column, row).data]).toEqual([1, -2, 7, 2, -1, Infinity]);
    expect([...binary('floorDiv', column, row).data].map((v) => v + 0)).toEqual([2, -3, 0, -3, 2, -1]);
    expect([...binary('max', column, ref([], [NaN])).data]).toEqual([NaN, NaN]);
    expect([...binary('pow', ref([2], [1, -1]), ref([2], [NaN, Infinity])).data]).toEqual([1, 1]);
    expect([...binary('ne', ref([2], [NaN, 1]), ref([], [NaN])).data]).toEqual([1, 1]);
    expect([...where(ref([2, 1], [1, 0]), ref([], [5]), row).data]).toEqual([5, 5, 5, 3, -3, Infinity]);
    expect([...clamp(ref([4], [-2, 0.5, 9, NaN]), 0, 1).data]).toEqual([0, 0.5, 1, NaN]);
  });
});
