/** Ops made of other ops: edge shapes, special values, what they refuse. Their gradients are cases of the autograd package. */
import { expect, it } from 'vitest';
import { type Ref, ref } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import * as reference from '@mudpt/testing/reference/composed';
import { random } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice } from '@mudpt/testing/views';
import * as ops from '../index.ts';
import { scope, type Tensor, tensor } from '../index.ts';

const close = { rel: 1e-5, abs: 1e-6 };

eachDevice('ops made of others', (ctx) => {
  const make = (data: number[], dtype: 'f32' | 'i32' | 'bool' = 'f32'): Tensor => tensor(data, { dtype, device: ctx.device });
  const same = async (found: Tensor, wanted: Ref, what: string): Promise<void> => {
    expect(found.shape, what).toEqual(wanted.shape);
    expectClose(await found.data(), wanted, close, what);
  };

  it('running products, extremes and sums of exponentials of every length', () =>
    scope(async () => {
      for (const [shape, axis] of [
        [[0], 0],
        [[1], 0],
        [[2], -1],
        [[17], 0],
        [[64, 3], 0],
        [[2, 5, 33], 1],
        [[2, 0, 3], 2],
      ] as const) {
        const x = random(shape, 3, { round: 'f32' });
        for (const [op, definition] of [
          [ops.cumprod, reference.cumprod],
          [ops.cummax, reference.cummax],
          [ops.cummin, reference.cummin],
          [ops.logcumsumexp, reference.logcumsumexp],
        ] as const)
          await same(op(toDevice(ctx.device, x), axis), definition(x, axis), `${op.opName} [${shape}]`);
      }
      expect(Array.from(await ops.cummax(make([1, NaN, 3])).data())).toEqual([1, NaN, NaN]);
      expect(Array.from(await ops.logcumsumexp(make([-Infinity, -Infinity, 0, Infinity])).data())).toEqual([
        -Infinity,
        -Infinity,
        0,
        Infinity,
      ]);
      expect(Array.from(await ops.cumprod(make([2, 3, 4], 'i32')).data())).toEqual([2, 6, 24]);
      expect(await ops.cumprod(make([1, 1, 0], 'bool')).data()).toEqual(Int32Array.of(1, 1, 0));
      expect(Array.from(await make([5, 1, 4, 4]).diff().data())).toEqual([-4, 3, 0]);
      expect(ops.diff(make([5, 1]), 0, 3).shape).toEqual([0]);
      expect(() => ops.diff(make([5, 1]), 0, -1)).toThrow(/^diff: order is -1/);
      expect(() => ops.cumprod(make([1]).sum())).toThrow(/^cumprod/);
    }));

  it('diagonals of every offset, back into matrices, and traces', () =>
    scope(async () => {
      for (const shape of [
        [3, 4],
        [4, 3],
        [1, 1],
        [2, 3, 5],
        [0, 3],
      ] as const)
        for (const offset of [0, 1, -1, 2, -3, 9, -9]) {
          const x = random(shape, 5, { round: 'f32' });
          await same(
            ops.diagonal(toDevice(ctx.device, x), offset),
            reference.diagonal(x, offset),
            `diagonal ${offset} of [${shape}]`,
          );
        }
      for (const offset of [0, 2, -1]) {
        const x = ref([3], [1, NaN, Infinity]);
        expect(Array.from(await ops.diag(toDevice(ctx.device, x), offset).data())).toEqual(
          Array.from(reference.diag(x, offset).data),
        );
      }
      const turned = ops.transpose(toDevice(ctx.device, random([3, 4], 6, { round: 'f32' })));
      await same(ops.trace(turned), reference.trace(random([3, 4], 6, { round: 'f32' })), 'trace of a view');
      expect(() => ops.diagonal(make([1]))).toThrow(/^diagonal: x has shape \[1\]/);
      expect(() => ops.diag(make([1]), 0.5)).toThrow(/^diag: offset is 0.5/);
      expect(() => ops.outer(make([1]), make([1]).unsqueeze(0))).toThrow(/^outer: b has shape \[1, 1\]/);
      expect(() => ops.dot(make([1]), make([1, 2]))).toThrow(/^dot: a has 1 elements, b 2/);
      expect(ops.kron(make([1, 2]), make([])).shape).toEqual([0]);
    }));

  it('linspace ends where it says, meshgrid and tensors like another', () =>
    scope(async () => {
      const { device } = ctx;
      for (const [start, stop, count] of [
        [0, 1, 11],
        [-3, 0.1, 7],
        [5, 5, 3],
        [2, 9, 1],
        [0, 1, 0],
        [1, -1, 4097],
      ] as const) {
        const found = await ops.linspace(start, stop, count, { device }).data();
        expect(found.length).toBe(count);
        if (count > 1) expect([found[0], found.at(-1)]).toEqual([start, Math.fround(stop)]);
        expectClose(
          found,
          ref(
            [count],
            Array.from({ length: count }, (_, i) => start + ((stop - start) * i) / Math.max(1, count - 1)),
          ),
          close,
        );
      }
      expect(() => ops.linspace(0, 1, 1.5, { device })).toThrow(/^linspace: count is 1.5/);
      const grids = ops.meshgrid([make([1, 2]), make([3, 4, 5])]);
      expect(await Promise.all(grids.map((grid) => grid.array()))).toEqual([
        [
          [1, 1, 1],
          [2, 2, 2],
        ],
        [
          [3, 4, 5],
          [3, 4, 5],
        ],
      ]);
      expect(ops.meshgrid([make([1, 2]), make([3, 4, 5])], { indexing: 'xy' }).map(({ shape }) => shape)).toEqual([
        [3, 2],
        [3, 2],
      ]);
      expect(() => ops.meshgrid([grids[0] as Tensor])).toThrow(/^meshgrid: a tensor has shape \[2, 3\]/);
      const x = make([1, 2], 'i32');
      expect(await Promise.all([ops.zerosLike(x), ops.onesLike(x), ops.fullLike(x, 7)].map((t) => t.data()))).toEqual(
        [
          [0, 0],
          [1, 1],
          [7, 7],
        ].map((v) => Int32Array.from(v)),
      );
      expect([ops.randLike(x, { key: 1 }), ops.randnLike(x, { key: 1 })].map(({ dtype, shape }) => [dtype, shape])).toEqual([
        ['f32', [2]],
        ['f32', [2]],
      ]);
    }));

  it('glu and prelu: sizes they take, and what they refuse', () =>
    scope(async () => {
      expect(Array.from(await ops.prelu(make([-2, 3]), make([0.5])).data())).toEqual([-1, 3]);
      const x = random([2, 6, 3], 2, { round: 'f32' });
      await same(ops.glu(toDevice(ctx.device, x), 1), reference.glu(x, 1), 'glu');
      expect(() => ops.glu(make([1, 2, 3]))).toThrow(/^glu: axis 0 of shape \[3\] is odd/);
      expect(() => ops.prelu(toDevice(ctx.device, x), make([1, 2]))).toThrow(/^prelu: weight has shape \[2\], x \[2, 6, 3\]/);
    }));

  it('losses at their ends: certain logits, ignored and wrong labels, other options', () =>
    scope(async () => {
      const ofLogits = ops.bceWithLogits(make([200, 200, -200, -20]), make([1, 0, 0, 0]), { reduction: 'none' });
      expectClose(await ofLogits.data(), ref([4], [0, 200, 0, Math.log1p(Math.exp(-20))]), { rel: 1e-6, abs: 0 });
      const ofShares = ops.bce(make([0, 0, 1, 0.25, 1.5, NaN]), make([0, 1, 0, 1, 1, 0.5]), { reduction: 'none' });
      expectClose(await ofShares.data(), ref([6], [0, 100, 100, Math.log(4), NaN, NaN]), { rel: 1e-6, abs: 0 });
      const logits = ops.logSoftmax(make([1, 2, 3, 1, 0, 0]).reshape([2, 3]));
      const item = (labels: number[], options: ops.NllOptions = {}): Promise<number> =>
        ops.nllLoss(logits, make(labels, 'i32'), options).item();
      expect(await item([0, 1])).toBeCloseTo(await ops.crossEntropy(logits, make([0, 1], 'i32')).item(), 5);
      expect(await item([0, -100])).toBeCloseTo(await ops.crossEntropy(logits, make([0, -100], 'i32')).item(), 5);
      expect([await item([-100, -100]), await item([0, 3])]).toEqual([NaN, NaN]);
      expect(await item([0, 3], { ignoreIndex: 3, reduction: 'sum' })).toBeCloseTo(
        await item([0, -100], { reduction: 'sum' }),
        6,
      );
      const oneHot = make([1, 0, 0, 0, 1, 0]).reshape([2, 3]);
      expect(await ops.softCrossEntropy(logits, oneHot).item()).toBeCloseTo(await item([0, 1]), 5);
      const x = make([1, 2]);
      for (const loss of [ops.bce, ops.bceWithLogits, ops.huberLoss, ops.smoothL1Loss]) {
        expect(() => loss(x, make([1]))).toThrow(/x has shape \[2\], target \[1\]/);
        expect(() => loss(x, x, { reduction: 'max' as never })).toThrow(/reduction is "max"/);
        expect(() => loss(x, make([1, 2], 'i32'))).toThrow(/target has dtype i32/);
      }
      expect(() => ops.huberLoss(x, x, { delta: 0 })).toThrow(/^huberLoss: its bound is 0/);
      expect(() => ops.nllLoss(logits, make([0, 1], 'i32'), { weight: x })).toThrow(/^nllLoss: weight has shape \[2\]/);
      expect(() => ops.softCrossEntropy(logits, oneHot, { labelSmoothing: 2 })).toThrow(/^softCrossEntropy: labelSmoothing is 2/);
    }));
});
