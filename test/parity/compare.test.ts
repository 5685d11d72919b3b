import { describe, expect, it } from 'vitest';
import { compare } from './compare.ts';

const host = (...values: number[]) => ({ shape: [values.length], values: Float32Array.from(values) });

describe('compare', () => {
  it('measures the whole tensor: ||a - b|| / ||b||', () => {
    const result = compare('out', host(3, 4.5), host(3, 4), 0.11);
    expect(result).toMatchObject({ tensor: 'out', passed: true, note: undefined });
    expect(result.error).toBeCloseTo(0.1, 12);
    expect(compare('out', host(3, 4.5), host(3, 4), 0.09)).toMatchObject({
      passed: false,
      note: 'above 9.0e-2; element 1 is 4.5, 4 is expected',
    });
  });

  it('takes ||a|| itself where zeros are expected', () => {
    expect(compare('grad.k', host(3e-6, 4e-6), host(0, 0), 1e-5).error).toBeCloseTo(5e-6, 10);
    expect(compare('grad.k', host(3e-5, 0), host(0, 0), 1e-5).passed).toBe(false);
    expect(compare('grad.k', host(0, -0), host(0, 0), 1e-5)).toMatchObject({ passed: true, error: 0 });
  });

  it("passes within 4 times torch's own error, and says so", () => {
    expect(compare('out', host(0), host(3e-5), 1e-5, 1e-5)).toMatchObject({
      passed: true,
      note: expect.stringContaining('within 4 x'),
    });
    expect(compare('out', host(0), host(3e-5), 1e-5, 7e-6).passed).toBe(false);
  });

  it('wants infinities and NaN where they are expected, and nowhere else', () => {
    expect(compare('out', host(Infinity, -Infinity, NaN, 1), host(Infinity, -Infinity, NaN, 1), 1e-5)).toMatchObject({
      passed: true,
      error: 0,
    });
    for (const [actual, expected] of [
      [NaN, 1],
      [1, NaN],
      [Infinity, 1],
      [1, Infinity],
      [-Infinity, Infinity],
    ] as const) {
      expect(compare('out', host(0, actual), host(0, expected), 1e-5, 1e9).passed, `${actual} for ${expected}`).toBe(false);
    }
    // An infinite element must not hide the error of the others.
    expect(compare('out', host(Infinity, 2), host(Infinity, 1), 1e-5)).toMatchObject({ passed: false, error: 1 });
  });

  it('wants the same shape, also for equal numbers of elements', () => {
    const column = { shape: [2, 1], values: Float32Array.of(1, 2) };
    expect(compare('out', host(1, 2), column, 1)).toMatchObject({ passed: false, note: 'has shape [2], [2, 1] is expected' });
    expect(
      compare('out', { shape: [], values: Float32Array.of(1) }, { shape: [], values: Float32Array.of(1) }, 1e-5).passed,
    ).toBe(true);
  });

  it('passes tensors without elements', () => {
    expect(compare('out', host(), host(), 1e-5)).toMatchObject({ passed: true, error: 0 });
  });
});
