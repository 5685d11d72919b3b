import { describe, expect, it } from 'vitest';
import { iota, ref, zeros } from './array.ts';
import {
  all,
  any,
  argmax,
  argmin,
  cumsum,
  logsumexp,
  max,
  mean,
  min,
  norm,
  prod,
  sort,
  std,
  sum,
  topk,
  variances,
} from './reduce.ts';

const x = ref([2, 3], [3, -1, 2, 0, 5, -4]);
const list = (array: { data: Float64Array }): number[] => [...array.data];

describe('reductions', () => {
  it('take any axes and keep them on request', () => {
    expect(sum(iota([2, 3, 4]), { axes: [0, -1] })).toEqual(ref([3], [60, 92, 124]));
    expect(sum(iota([2, 3]), { axes: [1], keepdim: true })).toEqual(ref([2, 1], [3, 12]));
    expect(sum(x)).toEqual(ref([], [5]));
    expect(sum(x, { axes: [] })).toEqual(x);
    expect(sum(x, { keepdim: true }).shape).toEqual([1, 1]);
  });

  it('compute what their names say', () => {
    expect(list(mean(x, { axes: [0] }))).toEqual([1.5, 2, -1]);
    expect(list(max(x, { axes: [1] }))).toEqual([3, 5]);
    expect(list(min(x, { axes: [1] }))).toEqual([-1, -4]);
    expect(list(prod(x, { axes: [0] })).map((v) => v + 0)).toEqual([0, -5, -8]);
    expect(list(variances(x, { axes: [0] }))).toEqual([4.5, 18, 18]);
    expect(list(std(x, { axes: [0], correction: 0 }))).toEqual([1.5, 3, 3]);
    expect(list(norm(x, { axes: [1], p: 1 }))).toEqual([6, 9]);
    expect(list(norm(ref([2], [3, -4])))).toEqual([5]);
    expect(list(norm(x, { axes: [1], p: Infinity }))).toEqual([3, 5]);
    expect(list(argmax(x, { axis: 1 }))).toEqual([0, 1]);
    expect(list(argmin(x, { axis: 0 }))).toEqual([1, 0, 1]);
    expect(argmax(x)).toEqual(ref([], [4]));
    expect(list(any(zeros([2])))).toEqual([0]);
    expect(list(all(x, { axes: [1] }))).toEqual([1, 0]);
    expect(list(logsumexp(ref([2], [1000, 1000])))[0]).toBeCloseTo(1000 + Math.LN2, 10);
  });

  it('have defined values at the edges', () => {
    const none = zeros([0]);
    expect([sum(none), mean(none), prod(none), logsumexp(none), any(none), all(none), norm(none)].map((r) => r.data[0])).toEqual([
      0,
      NaN,
      1,
      -Infinity,
      0,
      1,
      0,
    ]);
    expect(() => max(none)).toThrow('not defined');
    expect(() => argmin(none)).toThrow('not defined');
    expect(sum(zeros([0, 2]), { axes: [0] })).toEqual(zeros([2]));
    expect(variances(ref([1], [4])).data[0]).toBeNaN();
    expect(logsumexp(ref([2], [-Infinity, -Infinity])).data[0]).toBe(-Infinity);
    expect(max(ref([3], [1, NaN, 2])).data[0]).toBeNaN();
    expect(argmax(ref([4], [1, NaN, 2, NaN])).data[0]).toBe(1);
    expect(argmax(ref([3], [2, 2, 1])).data[0]).toBe(0);
  });
});

describe('scans and sorting', () => {
  it('sums along', () => {
    expect(list(cumsum(x))).toEqual([3, 2, 4, 0, 5, 1]);
    expect(list(cumsum(x, 0))).toEqual([3, -1, 2, 3, 4, -2]);
  });

  it('sorts stably with NaN largest', () => {
    const tied = ref([5], [2, NaN, 1, 2, 1]);
    expect(list(sort(tied).indices)).toEqual([2, 4, 0, 3, 1]);
    expect(list(sort(tied, { descending: true }).indices)).toEqual([1, 0, 3, 2, 4]);
    expect(list(sort(tied).values)).toEqual([1, 1, 2, 2, NaN]);
    expect(list(sort(x, { axis: 0 }).values)).toEqual([0, -1, -4, 3, 5, 2]);
  });

  it('takes the best k', () => {
    expect(topk(x, 2)).toEqual({ values: ref([2, 2], [3, 2, 5, 0]), indices: ref([2, 2], [0, 2, 1, 0]) });
    expect(list(topk(x, 1, { axis: 0, largest: false }).indices)).toEqual([1, 0, 1]);
    expect(() => topk(x, 4)).toThrow('larger than the axis');
  });
});
