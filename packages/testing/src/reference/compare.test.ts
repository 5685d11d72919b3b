import { describe, expect, it } from 'vitest';
import { ref } from './array.ts';
import { expectClose, expectNormClose, relativeError, tolerances } from './compare.ts';

describe('comparison', () => {
  it('names the worst element, and knows NaN and infinity', () => {
    const expected = ref([2, 2], [1, 2, 3, 4]);
    expect(() => expectClose([1, 2, 3.1, 4.5], expected, tolerances.f32, 'demo')).toThrow(
      /demo: 2 of 4 .*worst at \[1,1\]: 4.5, expected 4/,
    );
    expect(() => expectClose([1, NaN, 3, 4], expected)).toThrow('worst at [0,1]: NaN');
    expect(() => expectClose({ shape: [4], data: [1, 2, 3, 4] }, expected)).toThrow('shape [4], expected [2,2]');
    expect(() => expectClose([1], ref([1], [Infinity]))).toThrow('worst');
    expect(() => expectClose([-Infinity], ref([1], [Infinity]))).toThrow('worst');
    expect(() => expectClose([0], ref([1], [NaN]))).toThrow('worst');
    expect(() => expectClose([NaN, Infinity, -0], ref([3], [NaN, Infinity, 0]))).not.toThrow();
    expect(() => expectClose([1 + 1e-6, 2, 3, 4], expected)).not.toThrow();
  });

  it('draws the line where the tolerance says', () => {
    const tolerance = { rel: 0.5, abs: 0.25 };
    const expected = ref([2], [-1, 0]);
    expect(() => expectClose([-1.75, 0.25], expected, tolerance)).not.toThrow();
    expect(() => expectClose([-1.7501, 0], expected, tolerance)).toThrow('worst at [0]');
    expect(() => expectClose([-0.2499, 0], expected, tolerance)).toThrow('worst at [0]');
    expect(() => expectClose([-1, 0.2501], expected, tolerance)).toThrow('worst at [1]');
    expect(() => expectClose([2], ref([1], [1]), tolerances.i32)).toThrow('Infinity times');
  });

  it('measures by norms', () => {
    expect(relativeError([3, 4.5], [3, 4])).toBe(0.1);
    expect(relativeError([Infinity, 3, 4], [Infinity, 3, 4])).toBe(0);
    expect(relativeError([0.5], [0])).toBe(0.5);
    expect(relativeError([NaN], [1])).toBe(Infinity);
    expect(() => expectNormClose([3, 4.5], ref([2], [3, 4]), 0.1)).not.toThrow();
    expect(() => expectNormClose([3, 4.51], ref([2], [3, 4]), 0.1, 'gradient')).toThrow('gradient: relative norm');
    expect(() => expectNormClose([3], ref([2], [3, 4]), 0.1)).toThrow('1 values, expected 2');
  });
});
