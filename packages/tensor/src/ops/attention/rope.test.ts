import { expect, it } from 'vitest';
import { expectClose } from '@mudpt/testing/reference/compare';
import { random, toF32 } from '@mudpt/testing/reference/inputs';
import * as reference from '@mudpt/testing/reference/rope';
import { eachDevice } from '@mudpt/testing/support';
import { alibiMask, arange, attention, rope, ropeTable, scope, tensor } from '../../index.ts';

const close = { rel: 1e-5, abs: 1e-6 };

eachDevice('rope', (ctx) => {
  const upload = (shape: readonly number[], seed: number) => {
    const values = random(shape, seed, { round: 'f32' });
    return { values, given: tensor(toF32(values), { shape, device: ctx.device }) };
  };

  it.each([false, true])('turns the pairs that the definition turns, interleaved %s', (interleaved) =>
    scope(async () => {
      for (const [width, offset] of [
        [8, 0],
        [4, 3],
        [2, 1],
      ] as const) {
        const { values, given } = upload([2, 5, 3, 8], width);
        const table = ropeTable(8, width, { device: ctx.device, base: 100 });
        const wanted = reference.rope(values, width, { interleaved, offset, base: 100 });
        const y = rope(given, table, { interleaved, offset });
        expectClose(await y.data(), wanted, close);
        expectClose(await rope(y, table, { interleaved, offset, inverse: true }).data(), values, close);
      }
    }),
  );

  it('of strided, packed and empty rows, and of f16', ({ skip }) =>
    scope(async () => {
      const table = ropeTable(5, 4, { device: ctx.device });
      const { values, given } = upload([5, 2, 4], 1);
      const strided = given.permute([1, 0, 2]).contiguous().permute([1, 0, 2]);
      expectClose(await rope(strided, table).data(), reference.rope(values, 4), close);
      // Two sequences of 3 and 2 rows: their rows of the table.
      const rows = tensor([0, 1, 2, 0, 1], { dtype: 'i32', device: ctx.device });
      const packed = await rope(given, table.indexSelect(0, rows)).data();
      expect(Array.from(packed.slice(24))).toEqual(Array.from(await rope(given.slice([{ start: 3 }]), table).data()));
      expect(rope(given.slice([{ start: 5 }]), table).shape).toEqual([0, 2, 4]);
      skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
      expectClose(await rope(given.cast('f16'), table).data(), reference.rope(values, 4), { rel: 2e-3, abs: 2e-3 });
    }));

  it('makes scores depend on distance alone', () =>
    scope(async () => {
      const { device } = ctx;
      const { given: q } = upload([1, 1, 1, 8], 1);
      const { given: k } = upload([1, 1, 1, 8], 2);
      const table = ropeTable(40, 8, { device });
      const score = (i: number, j: number) =>
        rope(q, table, { offset: i })
          .mul(rope(k, table, { offset: j }))
          .sum()
          .item();
      expect(await score(3, 9)).toBeCloseTo(await score(31, 37), 4);
    }));

  it('refuses what does not fit', () =>
    scope(() => {
      const { given: x } = upload([2, 3, 8], 1);
      const table = ropeTable(2, 8, { device: ctx.device });
      expect(() => rope(x, table, { offset: 1 })).toThrow(/2 rows from 1 on are not in a table of 2 positions/);
      expect(() => rope(x, ropeTable(4, 10, { device: ctx.device }))).toThrow(/do not fit/);
      expect(() => ropeTable(4, 3)).toThrow(/width is 3/);
      expect(() => rope(x.cast('i32'), table)).toThrow(/x has dtype i32/);
    }));

  it('alibi: scores fall with distance, by slopes of heads', () =>
    scope(async () => {
      const { device } = ctx;
      const mask = alibiMask(6, 2, 3, { device });
      expect(mask.shape).toEqual([6, 2, 3]);
      const slopes = Array.from(await mask.select(1, 1).select(1, 1).data()).map((x) => -Math.log2(-x));
      expect(slopes.map((x) => Math.round(x * 1e4) / 1e4)).toEqual([2, 4, 6, 8, 1, 3]);
      const ones = tensor(new Float32Array(6), { shape: [1, 1, 6, 1], device });
      const values = arange(3, { device, dtype: 'f32' }).reshape([1, 3, 1, 1]).expand([1, 3, 6, 1]);
      const out = await attention(ones, ones.expand([1, 3, 6, 1]), values, { mask: alibiMask(6, 1, 3, { device }) }).data();
      const wanted = [2, 4, 6, 8, 1, 3].map((power) => {
        const p = [2, 1, 0].map((distance) => Math.exp(-(2 ** -power) * distance));
        return (p[1]! + 2 * p[2]!) / (p[0]! + p[1]! + p[2]!);
      });
      for (const [h, value] of wanted.entries()) expect(out[h]).toBeCloseTo(value, 5);
    }));
});
