import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { bincount, tensor } from '../../index.ts';
import { view } from '../../kernels.ts';
import { nth } from '../../values.ts';

eachDevice('bincount', (ctx) => {
  it.each([0, 1, 7, 64, 1009])('counts %i values as a loop does', async (size) => {
    const values = Int32Array.from({ length: size }, (_, i) => ((i * 7919) % 13) - 2);
    const expected = new Uint32Array(9);
    for (const value of values) if (value >= 0 && value < 9) expected[value] = nth(expected, value) + 1;
    using x = tensor(values, { device: ctx.device });
    using counts = bincount(x, 9);
    expect(await counts.data()).toEqual(expected);
  });

  it('counts a strided view of u32', async () => {
    using x = tensor(Uint32Array.of(0, 5, 1, 5, 1, 5), { device: ctx.device });
    using even = view(x, { shape: [3], strides: [2] });
    using counts = bincount(even, 3);
    expect(await counts.data()).toEqual(Uint32Array.of(1, 2, 0));
  });

  it('refuses floats and odd bins', () => {
    using x = tensor([1, 2], { device: ctx.device });
    expect(() => bincount(x, 3)).toThrow(/x has dtype f32/);
    using i = tensor([1, 2], { dtype: 'i32', device: ctx.device });
    expect(() => bincount(i, 1.5)).toThrow(/bins is 1.5/);
  });
});
