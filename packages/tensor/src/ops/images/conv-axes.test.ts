/** Convolutions over one, two and three axes and transposed ones: paddings of every kind, groups, views, edge shapes. */
import { expect, it } from 'vitest';
import { map, permute as permuteRef, type Ref } from '@mudpt/testing/reference/array';
import { expectNormClose } from '@mudpt/testing/reference/compare';
import { convNd, type ConvNdOptions, convTransposeNd } from '@mudpt/testing/reference/conv-nd';
import { random } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice } from '@mudpt/testing/views';
import * as ops from '../../index.ts';
import { scope, type Tensor } from '../../index.ts';

type Shapes = readonly [x: readonly number[], weight: readonly number[]];
type Case<O> = readonly [...Shapes, options: O, wanted: ConvNdOptions];

const SEQUENCES: readonly Case<ops.Conv1dOptions>[] = [
  [[2, 4, 11], [6, 2, 3], { stride: 2, padding: 1, groups: 2 }, { stride: [2], before: [1], after: [1], groups: 2 }],
  [[1, 3, 7], [5, 3, 2], { padding: [3, 1], dilation: 2 }, { before: [3], after: [1], dilation: [2] }],
  [[2, 3, 10], [2, 3, 4], { padding: 'same', stride: 3 }, { before: [1], after: [2], stride: [3] }],
  [[1, 1, 5], [1, 1, 2], { padding: 'same' }, { after: [1] }],
  [[1, 1, 1], [1, 1, 1], { padding: 'valid' }, {}],
  [[0, 2, 4], [3, 2, 2], {}, {}],
];
const IMAGES: readonly Case<ops.Conv2dOptions>[] = [
  [[2, 3, 6, 7], [4, 3, 3, 2], { padding: [0, 2, 1, 3] }, { before: [0, 2], after: [1, 3] }],
  [[1, 2, 5, 8], [3, 2, 2, 4], { padding: 'same', stride: [1, 2] }, { before: [0, 1], after: [1, 1], stride: [1, 2] }],
  [
    [1, 4, 5, 5],
    [4, 1, 3, 3],
    { padding: 'same', dilation: 2, groups: 4 },
    { before: [2, 2], after: [2, 2], dilation: [2, 2], groups: 4 },
  ],
];
const VOLUMES: readonly Case<ops.Conv3dOptions>[] = [
  [
    [2, 4, 4, 5, 3],
    [2, 2, 2, 3, 2],
    { groups: 2, padding: 1, stride: [2, 1, 2] },
    { groups: 2, before: [1, 1, 1], after: [1, 1, 1], stride: [2, 1, 2] },
  ],
  [
    [1, 2, 5, 4, 3],
    [3, 2, 3, 2, 2],
    { padding: [0, 1, 0, 2, 0, 1], dilation: [2, 1, 1] },
    { before: [0, 1, 0], after: [2, 0, 1], dilation: [2, 1, 1] },
  ],
  [[1, 1, 2, 3, 3], [1, 1, 2, 3, 3], { padding: 'same' }, { before: [0, 1, 1], after: [1, 1, 1] }],
];
const BACK: readonly Case<ops.ConvTranspose2dOptions>[] = [
  [
    [2, 4, 3, 5],
    [4, 3, 3, 2],
    { stride: [2, 3], padding: [1, 0], outputPadding: [1, 2] },
    { stride: [2, 3], before: [1, 0], after: [1, 0], outputPadding: [1, 2] },
  ],
  [
    [1, 4, 3, 4],
    [4, 2, 2, 3],
    { groups: 2, dilation: [2, 1], padding: [0, 1, 1, 2] },
    { groups: 2, dilation: [2, 1], before: [0, 1], after: [1, 2] },
  ],
  [[1, 1, 1, 1], [1, 1, 1, 1], {}, {}],
];
const BACK_SEQUENCES: readonly Case<ops.ConvTranspose1dOptions>[] = [
  [
    [2, 4, 5],
    [4, 3, 3],
    { stride: 2, padding: [1, 0], outputPadding: 1 },
    { stride: [2], before: [1], after: [0], outputPadding: [1] },
  ],
  [[1, 4, 4], [4, 1, 2], { groups: 2, dilation: 3 }, { groups: 2, dilation: [3] }],
];

eachDevice('convolutions by axes', (ctx) => {
  const make = (shape: readonly number[], seed: number): Ref => random(shape, seed, { round: 'f32' });
  const same = async (found: Tensor, wanted: Ref, what: string): Promise<void> => {
    expectNormClose({ shape: found.shape, data: await found.data() }, wanted, 2e-6, what);
  };

  const check = <O>(
    name: string,
    cases: readonly Case<O>[],
    op: (x: Tensor, weight: Tensor, bias?: Tensor, options?: O) => Tensor,
    definition: (x: Ref, weight: Ref, options: ConvNdOptions) => Ref,
  ) =>
    it.each(cases.map((wanted) => [wanted] as const))(`${name} %j`, ([shape, weightShape, options, wanted]) =>
      scope(async () => {
        const [x, weight] = [make(shape, 1), make(weightShape, 2)];
        const plain = definition(x, weight, wanted);
        const bias = make([plain.shape[1]!], 3);
        const [t, w, b] = [x, weight, bias].map((values) => toDevice(ctx.device, values)) as [Tensor, Tensor, Tensor];
        await same(op(t, w, undefined, options), plain, 'without bias');
        await same(op(t, w, b, options), definition(x, weight, { ...wanted, bias }), 'with bias');
      }),
    );
  check('conv1d', SEQUENCES, ops.conv1d, convNd);
  check('conv2d', IMAGES, ops.conv2d, convNd);
  check('conv3d', VOLUMES, ops.conv3d, convNd);
  check('convTranspose2d', BACK, ops.convTranspose2d, convTransposeNd);
  check('convTranspose1d', BACK_SEQUENCES, ops.convTranspose1d, convTransposeNd);

  it('read views, repeat their bits, and are methods', () =>
    scope(async () => {
      const [x, weight] = [make([5, 3, 2], 1), make([3, 2, 2], 2)];
      const [t, w] = [toDevice(ctx.device, x), toDevice(ctx.device, weight)];
      const turned = t.permute([2, 1, 0]);
      await same(turned.conv1d(w.permute([2, 0, 1])), convNd(permuteRef(x, [2, 1, 0]), permuteRef(weight, [2, 0, 1])), 'conv1d');
      const back = turned.convTranspose1d(w);
      await same(back, convTransposeNd(permuteRef(x, [2, 1, 0]), weight), 'convTranspose1d');
      expect(await turned.convTranspose1d(w).data()).toEqual(await back.data());
    }));

  it('convTranspose2d by both variants, and in f16', async ({ skip }) => {
    const [shape, weightShape, options, wanted] = BACK[0]!;
    const [x, weight] = [make(shape, 1), make(weightShape, 2)].map((values) => map(values, (v) => Math.round(8 * v) / 8)) as [
      Ref,
      Ref,
    ];
    for (const variant of ['gemm', 'direct']) {
      using _ = ctx.device.tuner.force('conv2d', variant);
      using t = toDevice(ctx.device, x);
      using w = toDevice(ctx.device, weight);
      using out = ops.convTranspose2d(t, w, undefined, options);
      await same(out, convTransposeNd(x, weight, wanted), variant);
    }
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    using _ = ctx.device.tuner.force('conv2d', 'direct');
    using t = toDevice(ctx.device, x, 'f16');
    using w = toDevice(ctx.device, weight, 'f16');
    using out = ops.convTranspose2d(t, w, undefined, options);
    expectNormClose({ shape: out.shape, data: await out.data() }, convTransposeNd(x, weight, wanted), 1e-3, 'f16');
  });

  it('say what does not fit', () =>
    scope(() => {
      const [x1, x2, x3] = [
        [1, 4, 5],
        [1, 4, 5, 5],
        [1, 4, 5, 5, 5],
      ].map((shape) => ops.zeros(shape, { device: ctx.device })) as [Tensor, Tensor, Tensor];
      const weight = ops.zeros([4, 2, 3, 3], { device: ctx.device });
      expect(() => ops.conv1d(x2, weight)).toThrow(/^conv1d: x has shape \[1, 4, 5, 5\]. Give \[sequences, channels, length\]/);
      expect(() => ops.conv1d(x1, ops.zeros([1, 4, 6], { device: ctx.device }))).toThrow(
        /^conv1d: windows of \[6\] .* a sequence of \[5\]/,
      );
      expect(() => ops.conv1d(x1, weight)).toThrow(/^conv1d: weight of shape \[4, 2, 3, 3\] does not fit/);
      expect(() => ops.conv3d(x3, x3, undefined, { padding: [1, 2] as never })).toThrow(
        /^conv3d: padding is 1,2. Give .*\[front, top/,
      );
      expect(() => ops.conv2d(x2, weight, undefined, { groups: 2, padding: 'full' as never })).toThrow(
        /padding is "full"\. .*'same' or 'valid'/,
      );
      expect(() => ops.conv2d(x2, weight, undefined, { groups: 2, padding: -1 })).toThrow(/padding is -1/);
      expect(() => ops.convTranspose2d(x2, weight, undefined, { outputPadding: 1 })).toThrow(
        /outputPadding \[1, 1\] is not less than the stride/,
      );
      expect(() => ops.convTranspose2d(x2, weight, undefined, { padding: 'same' as never })).toThrow(
        /padding is "same"\. Give numbers/,
      );
      expect(() => ops.convTranspose2d(x2, weight, undefined, { padding: 4 })).toThrow(/gives \[7, 7\] cells/);
      expect(() => ops.convTranspose2d(x2, weight, x1)).toThrow(/bias has shape/);
      expect(() => ops.convTranspose1d(x1, weight)).toThrow(/^convTranspose1d: weight of shape/);
    }));
});
