import { expect, it } from 'vitest';
import { ref } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import * as reference from '@mudpt/testing/reference/random';
import { eachDevice } from '@mudpt/testing/support';
import { capture } from '../../capture.ts';
import type { Tensor } from '../../tensor.ts';
import { tensor } from './create.ts';
import { bernoulli, rand, randint, randn, randomWords } from './random.ts';

eachDevice('random', (ctx) => {
  it('gives the known answers of Philox4x32-10', async () => {
    const { device } = ctx;
    // Random123's vector for a zero counter and key: no seed could hide an error.
    using zero = randomWords([4], { key: 0, device });
    expect([...(await zero.data())]).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    for (const [seed, stream] of [
      [1, 0],
      [2 ** 40 + 5, 7],
      [2 ** 53 - 1, 2 ** 32 - 1],
    ] as const) {
      using words = randomWords([1003], { key: seed, stream, device });
      expect([...(await words.data())]).toEqual(reference.randomWords(1003, { seed, stream }));
      using uniform = rand([17, 59], { key: seed, stream, device });
      expectClose({ shape: uniform.shape, data: await uniform.data() }, reference.uniform([17, 59], { seed, stream }), {
        rel: 0,
        abs: 0,
      });
      using normal = randn([333], { key: seed, stream, device });
      expectClose({ shape: [333], data: await normal.data() }, reference.normal([333], { seed, stream }), {
        rel: 2e-6,
        abs: 1e-6,
      });
    }
  });

  it('takes the key as number, words and tensor alike', async () => {
    const { device } = ctx;
    using words = tensor([5, 256], { dtype: 'u32', device });
    using a = rand([9], { key: 2 ** 40 + 5, device });
    using b = rand([9], { key: [5, 256], device });
    using c = rand([9], { key: words });
    expect(await b.data()).toEqual(await a.data());
    expect(await c.data()).toEqual(await a.data());
    using step = capture(({ key }: { key: Tensor }) => rand([9], { key }), { device });
    const first = [...(await step({ key: { data: [5, 256], shape: [2], dtype: 'u32' } }).data())];
    const second = [...(await step({ key: { data: [6, 256], shape: [2], dtype: 'u32' } }).data())];
    expect(first).toEqual([...(await a.data())]);
    expect(second).not.toEqual(first);
  });

  it('draws integers and coins from the same words', async () => {
    const { device } = ctx;
    const words = reference.randomWords(500, { seed: 3 });
    using integers = randint([500], -7, 12, { key: 3, device });
    expect([...(await integers.data())]).toEqual(words.map((word) => -7 + Math.floor((word * 19) / 2 ** 32)));
    using coins = bernoulli([500], 0.3, { key: 3, device });
    expectClose(
      await coins.data(),
      ref(
        [500],
        words.map((word) => Number(reference.uniformOf(word) < Math.fround(0.3))),
      ),
      { rel: 0, abs: 0 },
    );
    using scaled = randn([4000], { key: 4, mean: 3, std: 0.5, device });
    const values = [...(await scaled.data())];
    const mean = values.reduce((s, v) => s + v, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((s, v) => s + (v - mean) ** 2, 0) / values.length);
    expect(Math.abs(mean - 3)).toBeLessThan(0.03);
    expect(Math.abs(deviation - 0.5)).toBeLessThan(0.03);
    using none = rand([0, 3], { key: 1, device });
    expect(none.size).toBe(0);
  });

  it('stays below the upper bound, to which the largest draws would be rounded', async () => {
    const { device } = ctx;
    using wide = rand([64], { key: 1, low: 2 ** 24, high: 2 ** 24 + 2, device });
    expect(new Set(await wide.data())).toEqual(new Set([2 ** 24]));
    using negative = rand([64], { key: 1, low: -(2 ** 24) - 2, high: -(2 ** 24), device });
    expect(new Set(await negative.data())).toEqual(new Set([-(2 ** 24) - 2]));
    if (!device.hasF16) return;
    using half = rand([2 ** 15], { key: 1, dtype: 'f16', device });
    expect(Math.max(...(await half.data()))).toBe(1 - 2 ** -11);
  });

  it('draws f16', async ({ skip }) => {
    const { device } = ctx;
    skip(!device.hasF16, 'the adapter has no shader-f16');
    using half = rand([7], { key: 1, dtype: 'f16', device });
    expectClose(await half.data(), reference.uniform([7], { seed: 1 }), { rel: 1e-3, abs: 1e-3 });
  });

  it('says what is wrong', () => {
    const { device } = ctx;
    expect(() => rand([2], { key: -1, device })).toThrow(/key -1 is out of range/);
    expect(() => rand([2], { key: 1, stream: 0.5, device })).toThrow(/stream 0.5/);
    expect(() => rand([2], { key: 1, low: 2, high: 1, device })).toThrow(/low is 2, high 1/);
    expect(() => randint([2], 3, 3, { key: 1, device })).toThrow(/range from 3 to 3/);
    expect(() => bernoulli([2], 1.5, { key: 1, device })).toThrow(/outside 0..1/);
    expect(() => rand([2], { key: 1, dtype: 'i32', device })).toThrow(/dtype i32/);
  });
});
