import { expect, it } from 'vitest';
import { build, get, map, permute as permuteRef, type Ref, reshape as reshapeRef } from '@mudpt/testing/reference/array';
import { expectClose, expectNormClose } from '@mudpt/testing/reference/compare';
import { conv2d as convRef, conv2dVjp, unfold as unfoldRef } from '@mudpt/testing/reference/conv';
import { random } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import type { DType } from '../../dtype.ts';
import type { Pair } from '../../kernels/conv/geometry.ts';
import type { Tensor } from '../../tensor.ts';
import { full, tensor } from '../create/create.ts';
import { permute } from '../views/views.ts';
import {
  CONV_VARIANTS,
  conv2d,
  conv2dBackwardBias,
  conv2dBackwardInput,
  conv2dBackwardWeight,
  type Conv2dOptions,
} from './conv2d.ts';
import { fold, unfold } from './unfold.ts';

type Case = { x: number[]; weight: number[]; options: Omit<Conv2dOptions, 'dilation' | 'padding'> & { padding?: Pair } };
const CASES: Case[] = [
  { x: [2, 3, 16, 16], weight: [5, 3, 4, 4], options: { stride: 4 } },
  { x: [1, 3, 19, 27], weight: [6, 3, 8, 8], options: { stride: 8 } },
  { x: [2, 4, 7, 5], weight: [3, 4, 3, 3], options: { padding: 1 } },
  { x: [1, 1, 1, 1], weight: [1, 1, 1, 1], options: {} },
  { x: [2, 6, 6, 9], weight: [4, 3, 3, 2], options: { groups: 2, stride: [2, 1], padding: [0, 1] } },
  { x: [1, 5, 6, 6], weight: [5, 1, 3, 3], options: { groups: 5, padding: 2, stride: 3 } },
  { x: [3, 67, 3, 3], weight: [13, 67, 1, 1], options: {} },
  { x: [0, 2, 5, 5], weight: [3, 2, 3, 3], options: {} },
];

eachDevice('convolution', (ctx) => {
  const upload = (x: Ref, dtype: DType = 'f32'): Tensor =>
    tensor(new Float32Array(x.data), { shape: x.shape, dtype, device: ctx.device });
  const values = async (t: Tensor) => ({ shape: t.shape, data: await t.data() });
  const check = async (actual: Tensor, expected: Ref, limit: number, label: string): Promise<void> => {
    expectNormClose(await values(actual), expected, limit, label);
    actual.dispose();
  };

  it.each(CASES)('conv2d of $x by $weight, $options, and its gradients', async ({ x: shape, weight: weightShape, options }) => {
    // f16 products are tested with matmul; one case here keeps the number of pipelines down.
    const dtypes = ctx.device.hasF16 ? (['f32', 'f16'] as const) : (['f32'] as const);
    const runs = dtypes.flatMap((dtype) => CONV_VARIANTS.map((variant) => ({ dtype, variant })));
    for (const { dtype, variant } of runs) {
      if (variant === 'gemm' && (options.groups || (dtype === 'f16' && shape[2] !== 16))) continue;
      using _ = ctx.device.tuner.force('conv2d', variant);
      const make = (of: readonly number[], seed: number): Ref => random(of, seed, { round: dtype });
      const [x, weight, bias] = [make(shape, 1), make(weightShape, 2), make([weightShape[0]!], 3)];
      const expected = convRef(x, weight, { ...options, bias });
      const grad = make(expected.shape, 4);
      const wanted = conv2dVjp(x, weight, grad, options);
      const limit = dtype === 'f16' ? 1e-3 : 2e-6;
      using t = upload(x, dtype);
      using w = upload(weight, dtype);
      using b = upload(bias, dtype);
      using g = upload(grad, dtype);
      await check(conv2d(t, w, b, options), expected, limit, 'out');
      await check(conv2d(t, w, undefined, options), convRef(x, weight, options), limit, 'without bias');
      await check(conv2dBackwardInput(g, w, shape, options), wanted.x, limit, 'x');
      await check(conv2dBackwardWeight(g, t, weightShape, options), wanted.weight, limit, 'weight');
      await check(conv2dBackwardBias(g), wanted.bias, limit, 'bias');
    }
  });

  it('dilation is a window with holes', async () => {
    const [x, weight] = [random([2, 3, 9, 8], 1), random([4, 3, 2, 3], 2)];
    const holes = build([4, 3, 4, 5], ([o, c, i, j]) =>
      i! % 3 === 0 && j! % 2 === 0 ? get(weight, [o!, c!, i! / 3, j! / 2]) : 0,
    );
    const options = { dilation: [3, 2], padding: 1 } as const;
    const expected = convRef(x, holes, { padding: 1 });
    const grad = random(expected.shape, 3);
    const wanted = conv2dVjp(x, holes, grad, { padding: 1 });
    using t = upload(x);
    using w = upload(weight);
    using g = upload(grad);
    await check(conv2d(t, w, undefined, options), expected, 2e-6, 'out');
    await check(conv2dBackwardInput(g, w, x.shape, options), wanted.x, 2e-6, 'x');
    const kept = build([4, 3, 2, 3], ([o, c, i, j]) => get(wanted.weight, [o!, c!, i! * 3, j! * 2]));
    await check(conv2dBackwardWeight(g, t, weight.shape, options), kept, 2e-6, 'weight');
  });

  it('takes strided images and weights and repeats its bits', async () => {
    const [base, weightBase] = [random([2, 9, 8, 3], 1), random([3, 3, 3, 5], 2)]; // channels last
    const [x, weight] = [permuteRef(base, [0, 3, 1, 2]), permuteRef(weightBase, [3, 2, 0, 1])];
    using tBase = upload(base);
    using wBase = upload(weightBase);
    using t = permute(tBase, [0, 3, 1, 2]);
    using w = permute(wBase, [3, 2, 0, 1]);
    using out = conv2d(t, w);
    const expected = convRef(x, weight);
    expectNormClose(await values(out), expected, 2e-6);
    using grad = permute(out, [0, 1, 2, 3]);
    for (const run of [() => conv2dBackwardWeight(grad, t, weight.shape), () => conv2dBackwardInput(grad, w, x.shape)]) {
      using first = run();
      using second = run();
      expect(await second.data()).toEqual(await first.data());
    }
  });

  it('unfolds windows to columns and folds them back', async () => {
    const options = { stride: [2, 1], padding: [1, 0] } as const;
    const x = random([2, 3, 6, 5], 1);
    using t = upload(x);
    using columns = unfold(t, [3, 2], options);
    const expected = unfoldRef(x, [3, 2], options);
    expectClose(await values(columns), expected, { rel: 0, abs: 0 });
    // Folding ones counts how often a cell is seen; folding the windows themselves multiplies by that.
    using ones = upload(map(expected, () => 1));
    using counts = fold(ones, [6, 5], [3, 2], options);
    using folded = fold(columns, [6, 5], [3, 2], options);
    const seen = await counts.data();
    expectClose(
      await values(folded),
      map(x, (value, i) => value * seen[i]!),
      { rel: 1e-6, abs: 1e-6 },
    );
    expect(seen.slice(0, 5)).toEqual(Float32Array.of(1, 2, 2, 2, 1));
    using patches = unfold(t, 2, { stride: 2 });
    const wanted = reshapeRef(permuteRef(reshapeRef(sliceColumns(x), [2, 3, 3, 2, 2, 2]), [0, 1, 3, 5, 2, 4]), [2, 12, 6]);
    expectClose(await values(patches), wanted, { rel: 0, abs: 0 });
  });
  const sliceColumns = (x: Ref): Ref => build([2, 3, 6, 4], (index) => get(x, index));

  it('takes batches whose windows do not fit a binding', async () => {
    // 137 MB of windows, where WebGPU's default limit is 128 MiB.
    const shape = [19, 64, 56, 56];
    using x = full(shape, 1, { device: ctx.device });
    using weight = full([1, 64, 3, 3], 1, { device: ctx.device });
    using y = conv2d(x, weight, undefined, { padding: 1 });
    using most = y.max();
    expect([...(await y.data()).slice(0, 3), await most.item()]).toEqual([256, 384, 384, 576]);
    using grad = full([19, 1, 56, 56], 1, { device: ctx.device });
    using dW = conv2dBackwardWeight(grad, x, weight.shape, { padding: 1 });
    expect([...(await dW.data()).slice(0, 5)]).toEqual([19 * 55 * 55, 19 * 55 * 56, 19 * 55 * 55, 19 * 55 * 56, 19 * 56 * 56]);
    using dX = conv2dBackwardInput(grad, weight, shape, { padding: 1 });
    expect([...(await dX.data()).slice(0, 3)]).toEqual([4, 6, 6]);
  });

  it('says what does not fit', () => {
    using x = upload(random([1, 4, 5, 5], 1));
    using weight = upload(random([6, 4, 3, 3], 2));
    using flat = upload(random([6], 2));
    expect(() => conv2d(x, weight, undefined, { groups: 2 })).toThrow(/in 2 groups/);
    expect(() => conv2d(x, weight, undefined, { groups: 4 })).toThrow(/outputs divisible/);
    expect(() => conv2d(flat, weight)).toThrow(/images, channels, height, width/);
    expect(() => conv2d(x, flat)).toThrow(/weight of shape \[6\]/);
    expect(() => conv2d(x, weight, undefined, { stride: 0 })).toThrow(/stride is 0/);
    expect(() => conv2d(x, weight, undefined, { dilation: 3 })).toThrow(/do not fit/);
    expect(() => conv2d(x, weight, weight)).toThrow(/bias has shape/);
    expect(() => conv2dBackwardInput(x, weight, [1, 4, 5, 5])).toThrow(/output of this convolution is \[1, 6, 3, 3\]/);
    expect(() => fold(x, [5, 5], 3)).toThrow(/columns of shape/);
  });
});
