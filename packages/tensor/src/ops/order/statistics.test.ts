import { expect, it } from 'vitest';
import { ref } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import * as reference from '@mudpt/testing/reference/statistics';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice } from '@mudpt/testing/views';
import { capture } from '../../capture.ts';
import * as ops from '../../index.ts';
import { scope, type Tensor, tensor } from '../../index.ts';

const close = { rel: 1e-6, abs: 1e-6 };
const exact = { rel: 0, abs: 0 };

eachDevice('statistics', (ctx) => {
  it('quantiles over all, one and several axes, several at once', () =>
    scope(async () => {
      const x = random([3, 5, 4], 1);
      const t = toDevice(ctx.device, x);
      for (const q of [0, 0.3, 0.5, 1]) expectClose(await ops.quantile(t, q).data(), reference.quantile(x, q), close, `${q}`);
      const kept = ops.quantile(t, 0.25, [0, 2], { keepdim: true });
      expect(kept.shape).toEqual([1, 5, 1]);
      expectClose(await kept.data(), reference.quantile(x, 0.25, [0, 2]), close);
      const several = ops.quantile(ops.transpose(t, 0, 2), [0.1, 0.9], 0);
      expect(several.shape).toEqual([2, 5, 3]);
      for (const [at, q] of [0.1, 0.9].entries())
        expectClose(await ops.transpose(ops.select(several, 0, at)).data(), reference.quantile(x, q, [2]), close, `${q}`);
      expectClose(await ops.median(tensor([5, 1, 4, 2], { dtype: 'i32', device: ctx.device })).data(), ref([], [3]), exact);
      expectClose(
        await ops
          .median(
            tensor(
              [
                [1, NaN, 2],
                [3, 1, 2],
              ],
              { device: ctx.device },
            ),
            1,
          )
          .data(),
        ref([2], [NaN, 2]),
        exact,
      );
      const infinite = tensor(
        [
          [1, 2, Infinity, Infinity],
          [-Infinity, -Infinity, 1, 2],
          [-Infinity, -Infinity, Infinity, Infinity],
          [-3e38, -3e38, 3e38, 3e38],
        ],
        { device: ctx.device },
      );
      expect(await ops.median(infinite, 1).array()).toEqual([Infinity, -Infinity, NaN, 0]);
      expect(await ops.quantile(infinite, 0.9, 1).array()).toEqual([Infinity, 1.7000000476837158, Infinity, Math.fround(3e38)]);
      expect(() => ops.quantile(t, '0.5' as never)).toThrow(/q is .* not a number or a list of numbers/);
      expect(() => ops.quantile(t, [0.5, 2])).toThrow(/q is 2/);
      expect(ops.median(ops.zeros([0, 3], { device: ctx.device }), 1).shape).toEqual([0]);
    }));

  it('sums and means without NaN, counts, closeness, order, turns', () =>
    scope(async () => {
      const t = tensor(
        [
          [1, NaN, 3],
          [NaN, NaN, NaN],
        ],
        { device: ctx.device },
      );
      expectClose(await ops.nansum(t, 1).data(), ref([2], [4, 0]), exact);
      expectClose(await ops.nanmean(t, 1).data(), ref([2], [2, NaN]), exact);
      expectClose(await ops.nanmean(t).data(), ref([], [2]), exact);
      expectClose(
        await ops
          .countNonzero(
            tensor(
              [
                [0, 2],
                [-0, NaN],
              ],
              { device: ctx.device },
            ),
            1,
          )
          .data(),
        ref([2], [1, 1]),
        exact,
      );
      const x = tensor([1, 100], { device: ctx.device });
      expect(await ops.allClose(x, ops.mul(x, 1 + 5e-6)).item()).toBe(1);
      expect(await ops.allClose(x, ops.mul(x, 1.001)).item()).toBe(0);
      expect(await ops.allClose(x, ops.add(x, 0.5), 0, 0.5).item()).toBe(1);
      expect(Array.from(await tensor([3, 1, NaN, 2], { device: ctx.device }).argsort().data())).toEqual([1, 3, 0, 2]);
      const m = tensor(
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        { device: ctx.device },
      );
      expect(await m.rot90().array()).toEqual([
        [3, 6],
        [2, 5],
        [1, 4],
      ]);
      expect(await m.rot90(-1).array()).toEqual([
        [4, 1],
        [5, 2],
        [6, 3],
      ]);
      expect(await m.rot90(2, [1, 0]).array()).toEqual([
        [6, 5, 4],
        [3, 2, 1],
      ]);
    }));

  it('places in sorted lines', () =>
    scope(async () => {
      const line = tensor([-2, 0, 0, 1.5, Infinity], { device: ctx.device });
      const values = tensor(
        [
          [-3, -2, 0],
          [-0, 1, NaN],
        ],
        { device: ctx.device },
      );
      expect(Array.from(await ops.searchsorted(line, values).data())).toEqual([0, 0, 1, 1, 3, 5]);
      expect(Array.from(await ops.searchsorted(line, values, { right: true }).data())).toEqual([0, 1, 3, 3, 3, 5]);
      expect(Array.from(await values.bucketize(line, { right: true }).data())).toEqual([0, 1, 3, 3, 3, 5]);
      const lines = tensor(
        [
          [1, 3, 9],
          [-5, 2, 2],
        ],
        { dtype: 'i32', device: ctx.device },
      );
      const wanted = tensor(
        [
          [3, 4, 0, 10],
          [2, -9, 3, -5],
        ],
        { dtype: 'i32', device: ctx.device },
      );
      expect(Array.from(await ops.searchsorted(lines, wanted).data())).toEqual([1, 2, 0, 3, 1, 0, 3, 0]);
      expect(() => ops.searchsorted(lines, tensor([1], { dtype: 'i32', device: ctx.device }))).toThrow(/equal leading axes/);
      expect(() => ops.searchsorted(line, wanted)).toThrow(/sorted is f32, values i32/);
    }));

  it('histograms with and without a range and weights', () =>
    scope(async () => {
      const x = random([7, 43], 3);
      const t = toDevice(ctx.device, x);
      const check = async (options: ops.HistogramOptions, weights?: readonly number[]): Promise<void> => {
        const { counts, edges } = t.histogram(9, options);
        const wanted = reference.histogram(x.data, Array.from(await edges.data()), weights);
        expectClose(await counts.data(), ref([9], wanted), weights ? { rel: 1e-5, abs: 1e-5 } : exact);
        if (options.range) expect([(await edges.data())[0], (await edges.data())[9]]).toEqual([...options.range]);
      };
      await check({});
      await check({ range: [-1, 0.5] });
      const weights = random([7, 43], 4);
      await check({ range: [-2, 2], weights: toDevice(ctx.device, weights) }, Array.from(weights.data));
      const { counts, edges } = tensor([3, 3, NaN], { device: ctx.device }).histogram(2, { range: [2, 4] });
      expect([Array.from(await counts.data()), Array.from(await edges.data())]).toEqual([
        [0, 2],
        [2, 3, 4],
      ]);
      const point = tensor([3, 3], { device: ctx.device }).histogram(2);
      expect([Array.from(await point.counts.data()), Array.from(await point.edges.data())]).toEqual([
        [0, 2],
        [2.5, 3, 3.5],
      ]);
      // Values on edges, with a range and without: the bin above has them, though neither 1/3 is exact.
      const onEdges = tensor([-2, -0.5, 1, 1, 2.5], { device: ctx.device });
      for (const options of [{ range: [-2, 2.5] as const }, {}]) {
        const exactly = onEdges.histogram(3, options);
        expect(await exactly.edges.array()).toEqual([-2, -0.5, 1, 2.5]);
        expect(await exactly.counts.array()).toEqual([1, 1, 3]);
      }
      expect(() => t.histogram(3, { range: [1, 1] })).toThrow(/range is 1 to 1/);
      expect(() => ops.zeros([0], { device: ctx.device }).histogram(3)).toThrow(/no elements/);
    }));

  it('what is not zero, what a mask keeps', async () => {
    for (const shape of [[], [0], [9], [3, 4, 2], [130]]) {
      const x = random(shape, 2, { distribution: 'integer', low: 0, high: 3 });
      using t = toDevice(ctx.device, x);
      using found = await ops.nonzero(t);
      const wanted = reference.nonzero(x);
      expect(found.shape, `[${shape}]`).toEqual(wanted.shape);
      expectClose(await found.data(), wanted, exact, `[${shape}]`);
    }
    using x = tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { device: ctx.device },
    );
    using mask = tensor([1, 0, 1], { dtype: 'bool', device: ctx.device });
    using none = tensor([[0], [0]], { dtype: 'bool', device: ctx.device });
    using kept = await ops.maskedSelect(x, mask);
    using columns = await ops.compress(x, mask, 1);
    using nothing = await ops.maskedSelect(x, none);
    expect(await kept.array()).toEqual([1, 3, 4, 6]);
    expect(await columns.array()).toEqual([
      [1, 3],
      [4, 6],
    ]);
    expect(nothing.shape).toEqual([0]);
    expect(() => ops.maskedSelect(x, x)).toThrow(/mask has dtype f32/);
    expect(() => ops.compress(x, mask)).toThrow(/axis 0 of x 2 positions/);
    expect(() =>
      capture(({ v }: { v: Tensor }) => (void ops.nonzero(v), v), { device: ctx.device })({ v: { data: [1], shape: [1] } }),
    ).toThrow(/nonzero/);
  });

  it('distinct values', async () => {
    using x = tensor(
      [
        [3, NaN, -0],
        [1, 3, 0],
        [NaN, 1, 3],
      ],
      { device: ctx.device },
    );
    using values = await ops.unique(x);
    expect(await values.array()).toEqual([-0, 1, 3, NaN]);
    const { values: same, indices, inverse, counts } = await ops.uniqueAll(x);
    expect([await same.array(), await indices.array(), await counts.array()]).toEqual([
      [-0, 1, 3, NaN],
      [2, 3, 0, 1],
      [2, 2, 3, 2],
    ]);
    expect(await inverse.array()).toEqual([
      [2, 3, 0],
      [1, 2, 0],
      [3, 1, 2],
    ]);
    for (const t of [same, indices, inverse, counts]) t.dispose();
    using none = tensor([], { dtype: 'i32', device: ctx.device });
    using nothing = await ops.unique(none);
    expect([nothing.shape, nothing.dtype]).toEqual([[0], 'i32']);
  });

  it('products of integers wrap, by strides and broadcast batches', () =>
    scope(async () => {
      const a = tensor(
        Int32Array.from({ length: 24 }, (_, i) => ((i * 1e9) % 2 ** 31) | 0),
        { shape: [2, 4, 3], device: ctx.device },
      );
      const b = tensor(
        Int32Array.from({ length: 15 }, (_, i) => i - 7),
        { shape: [5, 3], device: ctx.device },
      );
      const [left, right] = [Array.from(await a.data()), Array.from(await b.data())];
      const product = a.matmul(b, { transposeB: true, alpha: -3 });
      expect([product.shape, product.dtype]).toEqual([[2, 4, 5], 'i32']);
      const wanted = Array.from({ length: 40 }, (_, at) => {
        const [row, column] = [Math.floor(at / 5), at % 5];
        return [0, 1, 2].reduce((sum, p) => (sum + Math.imul(Math.imul(left[row * 3 + p]!, right[column * 3 + p]!), -3)) | 0, 0);
      });
      expect(Array.from(await product.data())).toEqual(wanted);
      const u = tensor(Uint32Array.of(2 ** 31, 3), { device: ctx.device });
      expect(await u.matmul(u).item()).toBe(9);
      expect(() => a.matmul(ops.zeros([3, 2], { device: ctx.device }))).toThrow(/dtype i32/);
      expect(() => u.matmul(u, { alpha: 0.5 })).toThrow(/alpha/);
    }));
});
