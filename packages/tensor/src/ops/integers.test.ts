/** Numbers combined with integer tensors: right or refused, never wrapped. Comparisons and clamp are exact, between u32 and i32 too. */
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { DTypeError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { arange, full, tensor } from './create/create.ts';
import { crossEntropy } from './losses/cross-entropy.ts';
import { pad } from './views/pad.ts';
import { maskedFill } from './indexing/masks.ts';
import * as ops from '../pointwise/ops.ts';

const inf = Infinity;
const [LOW, HIGH, MOST] = [-(2 ** 31), 2 ** 31 - 1, 2 ** 32 - 1];
const comparisons = {
  eq: (x: number, y: number) => x === y,
  ne: (x: number, y: number) => x !== y,
  lt: (x: number, y: number) => x < y,
  le: (x: number, y: number) => x <= y,
  gt: (x: number, y: number) => x > y,
  ge: (x: number, y: number) => x >= y,
};
const integers = {
  i32: [LOW, -5, -1, 0, 1, 5, 2 ** 24 + 1, HIGH],
  u32: [0, 1, 5, 2 ** 24 + 1, HIGH, 2 ** 31, 3e9, MOST],
  bool: [0, 1],
};
const numbers = [
  NaN,
  -inf,
  inf,
  LOW - 1,
  LOW,
  -1.5,
  -1,
  -0.5,
  0,
  0.5,
  1,
  5,
  2 ** 24 + 0.5,
  2 ** 24 + 1,
  HIGH,
  HIGH + 1,
  3e9,
  MOST,
  MOST + 1,
];

const opsOf = { eq: ops.eq, ne: ops.ne, lt: ops.lt, le: ops.le, gt: ops.gt, ge: ops.ge };

eachDevice('integers beside numbers', (ctx) => {
  const make = (values: readonly number[], dtype: Tensor['dtype']): Tensor => tensor([...values], { dtype, device: ctx.device });

  it.each(Object.entries(comparisons) as [keyof typeof comparisons, (x: number, y: number) => boolean][])(
    '%s is exact for every integer and number',
    async (name, compare) => {
      for (const dtype of ['i32', 'u32', 'bool'] as const) {
        const list = integers[dtype];
        using x = make(list, dtype);
        for (const number of numbers) {
          using right = opsOf[name](x, number);
          using left = opsOf[name](number, x);
          expect(right.dtype).toBe('bool');
          expect([...(await right.data())], `${name}(${dtype}, ${number})`).toEqual(list.map((v) => Number(compare(v, number))));
          expect([...(await left.data())], `${name}(${number}, ${dtype})`).toEqual(list.map((v) => Number(compare(number, v))));
        }
      }
    },
  );

  it.each(Object.entries(comparisons) as [keyof typeof comparisons, (x: number, y: number) => boolean][])(
    '%s of u32 beside i32 is exact',
    async (name, compare) => {
      using u = tensor(integers.u32, { dtype: 'u32', shape: [8, 1], device: ctx.device });
      using i = make(integers.i32, 'i32');
      using right = opsOf[name](u, i);
      using left = opsOf[name](i, u);
      const pairs = integers.u32.flatMap((x) => integers.i32.map((y) => [x, y] as const));
      expect([...(await right.data())]).toEqual(pairs.map(([x, y]) => Number(compare(x, y))));
      expect([...(await left.data())]).toEqual(pairs.map(([x, y]) => Number(compare(y, x))));
    },
  );

  it('infinity and numbers beyond the type turn arithmetic into f32, and limit nothing in clamp', async () => {
    using i = make([5, HIGH], 'i32');
    using u = make([0, 3e9], 'u32');
    using mask = make([1, 0], 'bool');
    const cases: [Tensor, string, number[]][] = [
      [ops.add(i, inf), 'f32', [inf, inf]],
      [ops.mul(i, -inf), 'f32', [-inf, -inf]],
      [ops.where(mask, i, inf), 'f32', [5, inf]],
      [ops.maximum(i, 3e9), 'f32', [3e9, 3e9]],
      [ops.clamp(i, 6, inf), 'i32', [6, HIGH]],
      [ops.clamp(i, -3e9, 3e9), 'i32', [5, HIGH]],
      [ops.clamp(u, -1), 'u32', [0, 3e9]],
      [ops.clamp(u, -inf, 7), 'u32', [0, 7]],
      [ops.logicalAnd(i, inf), 'bool', [1, 1]],
      [ops.logicalOr(u, NaN), 'bool', [1, 1]],
      [ops.logicalAnd(i, 0.5), 'bool', [1, 1]],
      [ops.div(u, -2), 'f32', [-0, -1.5e9]],
    ];
    for (const [result, dtype, values] of cases) {
      expect([result.dtype, ...(await result.data())]).toEqual([dtype, ...values]);
      result.dispose();
    }
  });

  it('refuses what would wrap', () => {
    using i = make([1, 2], 'i32');
    using u = make([1, 2], 'u32');
    using mask = make([1, 0], 'bool');
    using logits = tensor([[1, 2]], { device: ctx.device });
    using label = make([0], 'i32');
    const { device } = ctx;
    for (const wrong of [
      () => full([1], 3e9, { dtype: 'i32', device }),
      () => full([1], NaN, { dtype: 'i32', device }),
      () => full([1], -1, { dtype: 'u32', device }),
      () => full([1], 0.5, { dtype: 'u32', device }),
      () => arange(0, 3, 0.5, { dtype: 'i32', device }),
      () => arange(0.5, 3, 1, { dtype: 'i32', device }),
      () => arange(2, -3, -1, { dtype: 'u32', device }),
      () => arange(0, 2, 1, { dtype: 'bool', device }),
      () => maskedFill(i, mask, -inf),
      () => maskedFill(i, mask, 1e10),
      () => maskedFill(u, mask, -1),
      () => pad(i, [[1, 0]], NaN),
      () => ops.add(u, -1),
      () => ops.where(mask, u, -1),
      () => ops.clamp(u, undefined, -1),
      () => ops.maximum(u, i),
      () => ops.add(i, u),
    ])
      expect(wrong, String(wrong)).toThrow(DTypeError);
    expect(() => crossEntropy(logits, label, { ignoreIndex: 0.5 })).toThrow(/ignoreIndex is 0.5/);
  });

  it('counts and fills what fits', async () => {
    const { device } = ctx;
    const cases: [Tensor, number[]][] = [
      [full([1], HIGH, { dtype: 'i32', device }), [HIGH]],
      [full([1], MOST, { dtype: 'u32', device }), [MOST]],
      [full([1], NaN, { dtype: 'bool', device }), [1]],
      [arange(2, -0.5, -1, { dtype: 'u32', device }), [2, 1, 0]],
      [arange(LOW, LOW + 3, 2, { dtype: 'i32', device }), [LOW, LOW + 2]],
    ];
    for (const [result, values] of cases) {
      expect([...(await result.data())]).toEqual(values);
      result.dispose();
    }
  });
});
