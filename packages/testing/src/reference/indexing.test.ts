import { describe, expect, it } from 'vitest';
import { get, iota, ref, zeros } from './array.ts';
import { cat, flip, gather, indexAdd, indexSelect, pad, scatterAdd, split, stack, tril, triu } from './indexing.ts';

const x = iota([2, 3]);
const list = (array: { data: Float64Array }): number[] => [...array.data];

describe('indexing', () => {
  it('joins and cuts', () => {
    expect(cat([x, ref([1, 3], [7, 8, 9])])).toEqual(ref([3, 3], [0, 1, 2, 3, 4, 5, 7, 8, 9]));
    expect(list(cat([x, ref([2, 1], [7, 8])], -1))).toEqual([0, 1, 2, 7, 3, 4, 5, 8]);
    expect(cat([x, zeros([2, 0])], 1)).toEqual(x);
    expect(() => cat([x, zeros([2, 2])])).toThrow('cat of');
    expect(stack([x, x], 1).shape).toEqual([2, 2, 3]);
    expect(get(stack([x, zeros([2, 3])], -1), [1, 2, 0])).toBe(5);
    expect(split(x, [1, 2], 1).map(list)).toEqual([
      [0, 3],
      [1, 2, 4, 5],
    ]);
    expect(split(iota([5]), 2).map(list)).toEqual([[0, 1], [2, 3], [4]]);
    expect(cat(split(x, 2, 1), 1)).toEqual(x);
    expect(() => split(x, [1, 1], 1)).toThrow('add up');
  });

  it('pads and flips', () => {
    expect(
      pad(
        x,
        [
          [1, 0],
          [0, 1],
        ],
        9,
      ),
    ).toEqual(ref([3, 4], [9, 9, 9, 9, 0, 1, 2, 9, 3, 4, 5, 9]));
    expect(list(flip(x, [0]))).toEqual([3, 4, 5, 0, 1, 2]);
    expect(list(flip(x, [0, -1]))).toEqual([5, 4, 3, 2, 1, 0]);
  });

  it('picks by index and adds back', () => {
    expect(gather(x, 1, ref([2, 2], [2, 0, 1, 1]))).toEqual(ref([2, 2], [2, 0, 4, 4]));
    expect(list(gather(x, 0, ref([1, 3], [1, 0, 1])))).toEqual([3, 1, 5]);
    expect(indexSelect(x, 1, ref([4], [2, 2, 0, 1]))).toEqual(ref([2, 4], [2, 2, 0, 1, 5, 5, 3, 4]));
    expect(list(scatterAdd(zeros([2, 3]), 1, ref([2, 2], [2, 2, 0, 1]), ref([2, 2], [1, 2, 3, 4])))).toEqual([0, 0, 3, 3, 4, 0]);
    expect(list(indexAdd(zeros([3, 2]), 0, ref([3], [2, 0, 2]), iota([3, 2])))).toEqual([2, 3, 0, 0, 4, 6]);
    expect(() => gather(x, 1, ref([2, 1], [0, 3]))).toThrow('index 3 is not in 0..2');
    expect(() => indexSelect(x, 0, ref([1], [-1]))).toThrow('index -1');
  });

  it('takes triangles of the last two axes', () => {
    expect(list(tril(iota([1, 3, 3])))).toEqual([0, 0, 0, 3, 4, 0, 6, 7, 8]);
    expect(list(triu(iota([3, 3]), 1))).toEqual([0, 1, 2, 0, 0, 5, 0, 0, 0]);
    expect(list(tril(x, -1))).toEqual([0, 0, 0, 3, 0, 0]);
  });
});
