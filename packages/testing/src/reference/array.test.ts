import { describe, expect, it } from 'vitest';
import { broadcastShapes, expand, get, iota, permute, ref, reshape, slice, sumTo, transpose, zeros } from './array.ts';
import { random, roundF16, roundHalfEven } from './inputs.ts';

describe('array', () => {
  it('counts in C order and rejects a wrong number of values', () => {
    expect(get(iota([2, 3, 4]), [1, 2, 3])).toBe(23);
    expect(() => ref([2, 2], [1, 2, 3])).toThrow('needs 4 values');
  });

  it('broadcasts as NumPy does', () => {
    expect(broadcastShapes([2, 1, 3], [4, 1], [])).toEqual([2, 4, 3]);
    expect(broadcastShapes([0], [1])).toEqual([0]);
    expect(() => broadcastShapes([2], [3])).toThrow('do not broadcast');
    expect([...expand(ref([2, 1], [1, 2]), [2, -1]).data]).toEqual([1, 2]);
    expect([...expand(ref([2, 1], [1, 2]), [2, 2, 2]).data]).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
    expect([...sumTo(iota([2, 3]), [3]).data]).toEqual([3, 5, 7]);
    expect([...sumTo(iota([2, 3]), [2, 1]).data]).toEqual([3, 12]);
  });

  it('views: reshape, permute, transpose', () => {
    expect(reshape(iota([2, 6]), [3, -1]).shape).toEqual([3, 4]);
    const turned = permute(iota([2, 3, 4]), [2, 0, 1]);
    expect(turned.shape).toEqual([4, 2, 3]);
    expect(get(turned, [3, 1, 2])).toBe(23);
    expect([...transpose(iota([2, 3])).data]).toEqual([0, 3, 1, 4, 2, 5]);
  });

  it('slices as Python does', () => {
    const x = iota([7]);
    const cut = (start?: number, stop?: number, step?: number): number[] => [...slice(x, [{ start, stop, step }]).data];
    expect(cut(1, 6, 2)).toEqual([1, 3, 5]);
    expect(cut(-3)).toEqual([4, 5, 6]);
    expect(cut(5, 2)).toEqual([]);
    expect(cut(0, 100, 3)).toEqual([0, 3, 6]);
    expect(cut(undefined, undefined, -1)).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect(cut(4, 0, -2)).toEqual([4, 2]);
    expect(slice(zeros([3, 4]), [null, { step: 2 }]).shape).toEqual([3, 2]);
  });
});

describe('inputs', () => {
  it('are the same for a seed and differ between seeds', () => {
    expect(random([5], 1)).toEqual(random([5], 1));
    expect(random([5], 1)).not.toEqual(random([5], 2));
    const wide = random([20000], 3).data;
    const mean = wide.reduce((sum, value) => sum + value, 0) / wide.length;
    const spread = wide.reduce((sum, value) => sum + (value - mean) ** 2, 0) / wide.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(spread - 1)).toBeLessThan(0.05);
  });

  it('are exact in the type asked for', () => {
    for (const value of random([50], 4).data) expect(Math.fround(value)).toBe(value);
    for (const value of random([50], 4, { round: 'f16' }).data) expect(roundF16(value)).toBe(value);
    for (const value of random([50], 4, { distribution: 'integer', low: -3, high: 3 }).data)
      expect([-3, -2, -1, 0, 1, 2]).toContain(value);
  });

  it('round to f16 and to even', () => {
    expect([0.1, 65519, 65520, -1e9, 2049, 2051, 2 ** -24, 2 ** -25, 2 ** -25 * 1.01].map(roundF16)).toEqual([
      0.0999755859375,
      65504,
      Infinity,
      -Infinity,
      2048,
      2052,
      2 ** -24,
      0,
      2 ** -24,
    ]);
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, -2.6].map(roundHalfEven).map((v) => v + 0)).toEqual([0, 2, 2, 0, -2, 2, -3]);
  });
});
