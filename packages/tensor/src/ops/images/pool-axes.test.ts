/** Pooling over one, two and three axes: uneven padding, ceilMode, holes, adaptive windows, indices. */
import { expect, it } from 'vitest';
import { permute as permuteRef, type Ref } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import { adaptivePoolNd, poolNd, type PoolOptions } from '@mudpt/testing/reference/pool';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice } from '@mudpt/testing/views';
import * as ops from '../../index.ts';
import { scope, type Tensor } from '../../index.ts';

type Wanted = Omit<PoolOptions, 'mode'>;
type Pool = (x: Tensor) => Tensor;
type Case = readonly [name: string, shape: readonly number[], kernel: readonly number[], wanted: Wanted, max: Pool, mean: Pool];

const CASES: readonly Case[] = [
  [
    'sequences, uneven padding, ceilMode',
    [2, 3, 10],
    [3],
    { stride: [2], before: [1], after: [0], ceilMode: true },
    (x) => ops.maxPool1d(x, 3, { stride: 2, padding: [1, 0], ceilMode: true }),
    (x) => ops.avgPool1d(x, 3, { stride: 2, padding: [1, 0], ceilMode: true }),
  ],
  [
    'images, [top, left, bottom, right]',
    [2, 2, 6, 7],
    [3, 4],
    { stride: [2, 3], before: [1, 0], after: [0, 2] },
    (x) => ops.maxPool2d(x, [3, 4], { stride: [2, 3], padding: [1, 0, 0, 2] }),
    (x) => ops.avgPool2d(x, [3, 4], { stride: [2, 3], padding: [1, 0, 0, 2] }),
  ],
  [
    'images, ceilMode and padding that does not count',
    [1, 3, 6, 9],
    [3, 2],
    { stride: [2, 3], before: [1, 1], after: [1, 1], ceilMode: true, countsPadding: false },
    (x) => ops.maxPool2d(x, [3, 2], { stride: [2, 3], padding: 1, ceilMode: true }),
    (x) => ops.avgPool2d(x, [3, 2], { stride: [2, 3], padding: 1, ceilMode: true, countsPadding: false }),
  ],
  [
    'images, same padding and holes',
    [1, 2, 7, 8],
    [2, 3],
    { stride: [2, 1], before: [1, 2], after: [1, 2], dilation: [2, 2] },
    (x) => ops.maxPool2d(x, [2, 3], { stride: [2, 1], padding: 'same', dilation: 2 }),
    (x) => ops.avgPool2d(x, [2, 3], { stride: [2, 1], padding: 'same', dilation: 2 }),
  ],
  [
    'images, a window larger than the image, ceilMode',
    [1, 1, 2, 3],
    [3, 3],
    { ceilMode: true },
    (x) => ops.maxPool2d(x, 3, { ceilMode: true }),
    (x) => ops.avgPool2d(x, 3, { ceilMode: true }),
  ],
  [
    'volumes',
    [2, 2, 5, 4, 3],
    [2, 3, 2],
    { stride: [2, 1, 2], before: [1, 1, 0], after: [1, 1, 0], ceilMode: true },
    (x) => ops.maxPool3d(x, [2, 3, 2], { stride: [2, 1, 2], padding: [1, 1, 0], ceilMode: true }),
    (x) => ops.avgPool3d(x, [2, 3, 2], { stride: [2, 1, 2], padding: [1, 1, 0], ceilMode: true }),
  ],
  [
    'volumes without padding in the mean',
    [1, 1, 3, 3, 4],
    [2, 2, 2],
    { before: [0, 1, 0], after: [1, 0, 1], countsPadding: false },
    (x) => ops.maxPool3d(x, 2, { padding: [0, 1, 0, 1, 0, 1] }),
    (x) => ops.avgPool3d(x, 2, { padding: [0, 1, 0, 1, 0, 1], countsPadding: false }),
  ],
];

eachDevice('pooling by axes', (ctx) => {
  const make = (shape: readonly number[]): Ref => random(shape, 1, { round: 'f32' });
  const same = async (found: Tensor, wanted: Ref, what: string): Promise<void> => {
    expect(found.shape, what).toEqual(wanted.shape);
    expectClose(await found.data(), wanted, { rel: 1e-6, abs: 1e-6 }, what);
  };

  it.each(CASES)('%s', (_, shape, kernel, wanted, max, mean) =>
    scope(async () => {
      const x = make(shape);
      const t = toDevice(ctx.device, x);
      await same(max(t), poolNd(x, kernel, { ...wanted, mode: 'max' }), 'max');
      await same(mean(t), poolNd(x, kernel, { ...wanted, mode: 'mean' }), 'mean');
    }),
  );

  it.each([
    [
      [2, 3, 7, 5],
      [3, 2],
    ],
    [
      [1, 1, 4, 3],
      [4, 3],
    ],
    [
      [1, 2, 3, 2],
      [5, 7],
    ],
    [
      [1, 67, 11, 13],
      [1, 1],
    ],
    [
      [0, 2, 3, 3],
      [2, 2],
    ],
  ] as const)('adaptive and global windows of %j: %j', (shape, size) =>
    scope(async () => {
      const x = make(shape);
      const t = toDevice(ctx.device, x);
      await same(ops.adaptiveMaxPool2d(t, size), adaptivePoolNd(x, size, 'max'), 'max');
      await same(ops.adaptiveAvgPool2d(t, size), adaptivePoolNd(x, size, 'mean'), 'mean');
      await same(t.globalAvgPool(), adaptivePoolNd(x, [1, 1], 'mean'), 'global mean');
      await same(t.globalMaxPool(), adaptivePoolNd(x, [1, 1], 'max'), 'global max');
    }),
  );

  it('adaptive windows of sequences, of views and in f16', async ({ skip }) => {
    await scope(async () => {
      const x = make([9, 3, 2]);
      const turned = toDevice(ctx.device, x).permute([2, 1, 0]);
      await same(turned.adaptiveAvgPool1d(4), adaptivePoolNd(permuteRef(x, [2, 1, 0]), [4], 'mean'), 'mean');
      await same(turned.adaptiveMaxPool1d(4), adaptivePoolNd(permuteRef(x, [2, 1, 0]), [4], 'max'), 'max');
    });
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    await scope(async () => {
      const x = random([1, 2, 5, 5], 2, { round: 'f16' });
      const found = ops.adaptiveAvgPool2d(toDevice(ctx.device, x, 'f16'), 2);
      expectClose(await found.data(), adaptivePoolNd(x, [2, 2], 'mean'), { rel: 2e-3, abs: 1e-3 });
    });
  });

  it('tells where the largest values lie', () =>
    scope(async () => {
      const x = toDevice(ctx.device, {
        shape: [1, 2, 2, 4],
        data: Float64Array.of(1, 5, 5, 0, 2, 3, 9, 9, -1, -1, 0, NaN, -1, -2, 1, 2),
      });
      const { values, indices } = x.maxPool2dWithIndices(2);
      expect([Array.from(await values.data()), Array.from(await indices.data())]).toEqual([
        [5, 9, -1, NaN],
        [1, 6, 0, 3],
      ]);
    }));

  it('refuse what cannot be', () =>
    scope(() => {
      const x = ops.zeros([1, 1, 2, 2], { device: ctx.device });
      // Rows -1 and 2 of an image with rows 0 and 1.
      expect(() => ops.maxPool2d(x, 2, { padding: 1, dilation: 3 })).toThrow(
        /a window of dilation \[3, 3\] lies in the padding alone/,
      );
      expect(() => ops.maxPool2d(x, 2, { padding: [0, 0, 2, 0] })).toThrow(
        /padding \[0, 0, 2, 0\] is more than half of the window/,
      );
      expect(() => ops.maxPool1d(x, 2)).toThrow(/^maxPool1d: x has shape \[1, 1, 2, 2\]. Give \[sequences/);
      expect(() => ops.avgPool3d(x, 2)).toThrow(/^avgPool3d: x has shape/);
      expect(() => ops.adaptiveAvgPool2d(x, 0)).toThrow(/^adaptiveAvgPool2d: size is 0/);
      expect(() => ops.adaptiveMaxPool2d(ops.zeros([1, 1, 0, 2], { device: ctx.device }), 1)).toThrow(/the image is \[0, 2\]/);
      expect(() => ops.globalAvgPool(x.reshape([2, 2]))).toThrow(/^globalAvgPool: x has shape \[2, 2\]/);
      expect(() => ops.maxPool2d(x, 2, { countsPadding: true } as never)).toThrow(/there is no option "countsPadding"/);
    }));
});
