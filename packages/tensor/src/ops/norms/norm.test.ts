import { expect, it } from 'vitest';
import { map, permute as permuteRef, type Ref, ref, reshape as reshapeRef } from '@mudpt/testing/reference/array';
import { expectClose, expectNormClose, tolerances } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import {
  l2Normalize as l2Ref,
  l2NormalizeVjp,
  layerNorm as layerNormRef,
  layerNormVjp,
  rmsNorm as rmsNormRef,
  rmsNormVjp,
} from '@mudpt/testing/reference/nn';
import { binary } from '@mudpt/testing/reference/pointwise';
import { eachDevice } from '@mudpt/testing/support';
import type { DType } from '../../dtype.ts';
import type { Tensor } from '../../tensor.ts';
import { tensor } from '../create/create.ts';
import { layerNormBackward, rmsNormBackward } from './norm-backward.ts';
import { addLayerNormForward, addLayerNorm, layerNorm, layerNormForward, rmsNorm, rmsNormForward } from './norm.ts';
import { l2Normalize, l2NormalizeBackward } from './normalize.ts';
import { add } from '../../pointwise/ops.ts';
import { select, slice } from '../views/slices.ts';
import { expand, permute } from '../views/views.ts';
import { ROW_VARIANTS } from '../../kernels/row-launch.ts';

const WIDTHS = [2, 3, 4, 7, 64, 65, 257, 768];

eachDevice('norms', (ctx) => {
  const upload = (x: Ref, dtype: DType = 'f32'): Tensor =>
    tensor(new Float32Array(x.data), { shape: x.shape, dtype, device: ctx.device });
  const check = async (actual: Tensor, expected: Ref, dtype: 'f32' | 'f16' = 'f32'): Promise<void> => {
    const tolerance = dtype === 'f16' ? tolerances.f16 : { rel: 1e-5, abs: 5e-6 };
    expectClose({ shape: actual.shape, data: await actual.data() }, expected, tolerance);
    actual.dispose();
  };
  it.for(ROW_VARIANTS)('layer norm, forward and gradients, by %s', async (variant, { skip }) => {
    skip(variant === 'subgroup' && ctx.device.subgroupSize === 0, 'the adapter has no subgroups');
    using _ = ctx.device.tuner.force('norm', variant);
    for (const width of WIDTHS) {
      const [x, grad] = [random([3, 7, width], 1), random([3, 7, width], 2)];
      const [weight, bias] = [random([width], 3), random([width], 4)];
      using t = upload(x);
      using g = upload(grad);
      using w = upload(weight);
      using b = upload(bias);
      const expected = layerNormRef(x, { weight, bias });
      const { out, moments, rstd } = layerNormForward(t, w, b);
      await check(out, expected.out);
      const wanted = layerNormVjp(x, grad, { weight, bias });
      const needs = { x: true, weight: true, bias: true };
      const found = layerNormBackward({ x: t, weight: w, moments, rstd, grad: g, needs });
      for (const name of ['x', 'weight', 'bias'] as const) {
        const tensor = found[name]!;
        expectNormClose({ shape: tensor.shape, data: await tensor.data() }, wanted[name], 1e-5, `${width} ${name}`);
        tensor.dispose();
      }
      await check(select(moments, 0, 0), expected.mean);
      moments.dispose();
      await check(rstd, expected.rstd);
    }
  });

  it.for(ROW_VARIANTS)('fused residual addition, RMS norm and l2 by %s', async (variant, { skip }) => {
    skip(variant === 'subgroup' && ctx.device.subgroupSize === 0, 'the adapter has no subgroups');
    using _ = ctx.device.tuner.force('norm', variant);
    using _2 = ctx.device.tuner.force('l2_normalize', variant);
    for (const width of [3, 64, 129]) {
      const [x, residual, grad] = [random([37, width], 1), random([37, width], 2), random([37, width], 3)];
      const [weight, bias, sumGrad] = [random([width], 4), random([width], 5), random([37, width], 6)];
      using t = upload(x);
      using r = upload(residual);
      using g = upload(grad);
      using w = upload(weight);
      using b = upload(bias);
      using sg = upload(sumGrad);
      const total = map(binary('add', x, residual), Math.fround);
      const fused = addLayerNormForward(t, r, w, b);
      await check(fused.out, layerNormRef(total, { weight, bias }).out);
      const needs = { x: true };
      const back = layerNormBackward({
        x: fused.sum,
        weight: w,
        moments: fused.moments,
        rstd: fused.rstd,
        grad: g,
        sumGrad: sg,
        needs,
      });
      expect(Object.keys(back)).toEqual(['x']);
      await check(back.x!, binary('add', layerNormVjp(total, grad, { weight, bias }).x, sumGrad));
      await check(fused.sum, total);
      for (const rest of [fused.moments, fused.rstd]) rest.dispose();

      const rms = rmsNormForward(t, w);
      await check(rms.out, rmsNormRef(x, { weight }).out);
      const rmsBack = rmsNormBackward({ x: t, weight: w, rstd: rms.rstd, grad: g, needs: { x: true, weight: true } });
      await check(rmsBack.x!, rmsNormVjp(x, grad, { weight }).x);
      await check(rmsBack.weight!, rmsNormVjp(x, grad, { weight }).weight);
      rms.rstd.dispose();

      await check(l2Normalize(t), l2Ref(x));
      await check(l2NormalizeBackward(t, g), l2NormalizeVjp(x, grad));
      // Squares of these leave f32.
      for (const scale of [2 ** 80, 2 ** -80]) {
        using far = upload(map(x, (v) => scale * v));
        await check(l2Normalize(far, -1, 0), l2Ref(x));
        using dx = l2NormalizeBackward(far, g, -1, 0);
        expectNormClose(
          map(ref(dx.shape, await dx.data()), (v) => v * scale),
          l2NormalizeVjp(x, grad),
          1e-5,
        );
      }
    }
  });

  it('keeps its digits where the mean is large', async () => {
    const x = map(random([4, 100], 1), (value) => Math.fround(value + 1000));
    using t = upload(x);
    using out = layerNorm(t);
    // Rounded to f32 the mean would be off by 6e-5; sums of squares minus a squared mean would be off by 0.1.
    expectClose({ shape: out.shape, data: await out.data() }, layerNormRef(x).out, { rel: 0, abs: 5e-6 });
  });

  it('takes strided rows, edge shapes and missing weights', async () => {
    const base = random([4, 6, 10], 1);
    using t = upload(base);
    using turned = permute(t, [2, 0, 1]);
    await check(layerNorm(turned), layerNormRef(permuteRef(base, [2, 0, 1])).out);
    using part = slice(t, [null, { start: 1, stop: 2 }, { start: 2 }]);
    const partRef = reshapeRef(
      map(random([4, 1, 8], 0), () => 0),
      [4, 1, 8],
    );
    for (let i = 0; i < 4; i += 1) for (let c = 0; c < 8; c += 1) partRef.data[i * 8 + c] = base.data[i * 60 + 10 + 2 + c]!;
    await check(layerNorm(part), layerNormRef(partRef).out);
    await check(l2Normalize(turned, 1), l2Ref(permuteRef(base, [2, 0, 1]), 1));
    await check(
      l2NormalizeBackward(turned, turned, 0),
      l2NormalizeVjp(permuteRef(base, [2, 0, 1]), permuteRef(base, [2, 0, 1]), 0),
    );
    using row = slice(t, [{ stop: 1 }, { stop: 1 }]);
    using wide = expand(row, [5, 3, 10]);
    using weight = upload(random([10], 2));
    using out = rmsNorm(wide, weight);
    const first = (await out.data()).slice(0, 10);
    expect((await out.data()).slice(140)).toEqual(first);
    for (const shape of [[0, 4], [1], [5, 1]]) {
      const x = random(shape, 3);
      using small = upload(x);
      await check(layerNorm(small), layerNormRef(x).out);
      await check(rmsNorm(small), rmsNormRef(x).out);
    }
    const zero = map(random([2, 5], 1), () => 0);
    using z = upload(zero);
    using ones = upload(map(zero, () => 1e-13));
    await check(l2Normalize(z), zero);
    await check(
      l2NormalizeBackward(z, ones),
      map(zero, () => 0.1),
    );
  });

  it('sums parameter gradients of many rows in a fixed order', async () => {
    const [x, grad] = [random([6007, 5], 1), random([6007, 5], 2)];
    using t = upload(x);
    using g = upload(grad);
    const { out, moments, rstd } = layerNormForward(t);
    const problem = { x: t, moments, rstd, grad: g, needs: { weight: true, bias: true } };
    const [first, second] = [layerNormBackward(problem), layerNormBackward(problem)];
    expect(first.x).toBeUndefined();
    const wanted = layerNormVjp(x, grad);
    for (const name of ['weight', 'bias'] as const) {
      expectNormClose({ shape: first[name]!.shape, data: await first[name]!.data() }, wanted[name], 1e-5);
      expect(await second[name]!.data()).toEqual(await first[name]!.data());
      first[name]!.dispose();
      second[name]!.dispose();
    }
    for (const tensor of [out, moments, rstd]) tensor.dispose();
  });

  it('f16: the statistics of addLayerNorm are those of the sum it stores', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    const device = ctx.device;
    // Sums of two f16 that need rounding: ties, subnormal, next to the largest, infinite.
    const pairs = [
      [1.7001953125, 0.60009765625],
      [1024, 0.5],
      [1025, 0.5],
      [2 ** -24, 2 ** -24],
      [2 ** -14, -(2 ** -24)],
      [60000, 5504],
      [65504, 65504],
      [-3, 3],
    ] as const;
    const make = (at: 0 | 1) =>
      tensor(
        pairs.map((pair) => pair[at]!),
        { shape: [pairs.length, 1], dtype: 'f16', device },
      );
    using x = make(0);
    using y = make(1);
    using plain = add(x, y);
    const { out, sum, moments, rstd } = addLayerNormForward(x, y);
    const stored = await plain.data();
    expect(await sum.data()).toEqual(stored);
    expect([...(await moments.data())].slice(0, 6)).toEqual([...stored].slice(0, 6));
    for (const t of [out, sum, moments, rstd]) t.dispose();
    const [a, b] = [random([40, 8], 1, { round: 'f16' }), random([40, 8], 2, { round: 'f16' })];
    using left = upload(a, 'f16');
    using right = upload(b, 'f16');
    using both = add(left, right);
    using apart = layerNorm(both);
    const fused = addLayerNorm(left, right);
    expect(await fused.out.data()).toEqual(await apart.data());
    fused.out.dispose();
    fused.sum.dispose();
  });

  it('stores f16 and computes in f32, with f16 or f32 weights', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    const [x, grad] = [random([9, 68], 1, { round: 'f16' }), random([9, 68], 2, { round: 'f16' })];
    const [weight, bias] = [random([68], 3, { round: 'f16' }), random([68], 4, { round: 'f16' })];
    using t = upload(x, 'f16');
    using g = upload(grad, 'f16');
    for (const dtype of ['f16', 'f32'] as const) {
      using w = upload(weight, dtype);
      using b = upload(bias, dtype);
      const { out, moments, rstd } = layerNormForward(t, w, b);
      expect(out.dtype).toBe('f16');
      await check(out, layerNormRef(x, { weight, bias }).out, 'f16');
      const back = layerNormBackward({ x: t, weight: w, moments, rstd, grad: g, needs: { x: true, weight: true, bias: true } });
      const wanted = layerNormVjp(x, grad, { weight, bias });
      await check(back.x!, wanted.x, 'f16');
      expect(back.weight!.dtype).toBe(dtype);
      await check(back.weight!, wanted.weight, 'f16');
      await check(back.bias!, wanted.bias, 'f16');
      moments.dispose();
      rstd.dispose();
    }
    await check(l2Normalize(t), l2Ref(x), 'f16');
  });

  it('says what does not fit', () => {
    using x = upload(random([2, 4], 1));
    using narrow = upload(random([3], 1));
    using whole = upload(map(random([2, 4], 1), Math.round), 'i32');
    using scalar = upload(random([], 1));
    expect(() => layerNorm(x, narrow)).toThrow(/weight has shape \[3\].*Give weight \[4\]/);
    expect(() => layerNorm(whole)).toThrow(/x has dtype i32/);
    expect(() => layerNorm(scalar)).toThrow(/at least one axis/);
    expect(() => addLayerNorm(x, narrow)).toThrow(/residual has shape/);
  });
});
