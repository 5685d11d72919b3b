/** Mixed precision: what ops store in f16 is summed in f32, and gradients in f32 of f16 tensors keep what f16 would lose. */
import { describe, expect, it } from 'vitest';
import { map, ref, type Ref, transpose } from '@mudpt/testing/reference/array';
import { attention as attentionRef, attentionBackward as attentionVjp } from '@mudpt/testing/reference/attention';
import { expectClose, expectNormClose } from '@mudpt/testing/reference/compare';
import { random, roundF16, roundTo, toF32 } from '@mudpt/testing/reference/inputs';
import * as oracle from '@mudpt/testing/reference/matmul';
import { layerNorm as layerNormRef, layerNormVjp } from '@mudpt/testing/reference/nn';
import { binary, unaryDerivatives } from '@mudpt/testing/reference/pointwise';
import { eachDevice } from '@mudpt/testing/support';
import { fusedVariants } from '../kernels/attention/plan.ts';
import type { DType } from '../dtype.ts';
import type { Tensor } from '../tensor.ts';
import { attentionBackward, attentionForward } from './attention/attention.ts';
import { tensor } from './create/create.ts';
import { layerNormBackward } from './norms/norm-backward.ts';
import { layerNorm, layerNormForward, layerNormNormalised } from './norms/norm.ts';
import { normalisedBackward } from './norms/norm-normalised.ts';
import { prefixedLayerNormForward } from './norms/norm-prefixed.ts';
import { linear, linearBackwardInput } from './products/linear.ts';
import { slice } from './views/slices.ts';

/** Smaller than the least number of f16, 6e-8. */
const TINY = 2 ** -40;
/** One rounding to f16, and what f32 loses before it. */
const ROUNDED = { rel: 1.01 * 2 ** -11, abs: 1e-6 };

eachDevice('mixed precision', (ctx) => {
  const upload = (x: Ref, dtype: DType = 'f32'): Tensor => tensor(toF32(x), { shape: x.shape, dtype, device: ctx.device });
  const half = (shape: readonly number[], seed: number, scale = 1): Ref => random(shape, seed, { round: 'f16', scale });
  const small = (shape: readonly number[], seed: number): Ref => random(shape, seed, { scale: TINY });
  const read = async (x: Tensor): Promise<Ref> => ref(x.shape, await x.data());
  const its = (name: string, body: () => Promise<void>): void =>
    it(name, async ({ skip }) => {
      skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
      await body();
    });

  describe('layer norm', () => {
    its('of f32 rows in f16 is that in f32, rounded once, with the same statistics', async () => {
      for (const width of [7, 68]) {
        const [x, prefix] = [random([9, width], 1), random([2, width], 5)];
        const [weight, bias] = [random([width], 3), random([width], 4)];
        using t = upload(x);
        using first = upload(prefix);
        using w = upload(weight);
        using b = upload(bias);
        using plain = layerNorm(t, w, b);
        using short = layerNorm(t, w, b, undefined, 'f16');
        expect(short.dtype).toBe('f16');
        expectClose(await short.data(), roundTo(await read(plain), 'f16'), { rel: 2 ** -10, abs: 0 });
        const [wide, narrow] = [layerNormForward(t, w, b), layerNormForward(t, w, b, 1e-5, 'f16')];
        for (const name of ['moments', 'rstd'] as const) expect(await narrow[name].data()).toEqual(await wide[name].data());
        const joined = prefixedLayerNormForward({ x: t, prefix: first, weight: w }, b, 1e-5, 'f16');
        expect([joined.out.dtype, joined.stats.dtype]).toEqual(['f16', 'f32']);
        expect((await joined.out.data()).slice(2 * width)).toEqual(await short.data());
        for (const { out, moments, rstd } of [wide, narrow]) for (const one of [out, moments, rstd]) one.dispose();
        for (const one of [joined.out, joined.stats]) one.dispose();
      }
    });

    its('of f16 rows whose sum and squares f16 cannot hold', async () => {
      const x = roundTo(
        map(random([4, 64], 1), (value) => 3000 + 900 * value),
        'f16',
      );
      using t = upload(x, 'f16');
      using y = layerNorm(t);
      expectClose(await y.data(), layerNormRef(x, {}).out, { rel: 2 ** -10, abs: 2e-4 });
    });

    its('gives gradients of f16 rows in the dtype of the cotangents', async () => {
      const [x, grad, skip, weight] = [half([9, 68], 1), small([9, 68], 2), small([9, 68], 6), random([68], 3)];
      using t = upload(x, 'f16');
      using g = upload(grad);
      using s = upload(skip);
      using w = upload(weight);
      const { out, moments, rstd } = layerNormForward(t, w);
      const needs = { x: true, weight: true, bias: true };
      const found = layerNormBackward({ x: t, weight: w, moments, rstd, grad: g, sumGrad: s, needs });
      const wanted = layerNormVjp(x, grad, { weight });
      expect(found.x?.dtype).toBe('f32');
      expectNormClose(await found.x!.data(), binary('add', wanted.x, skip), 1e-5);
      expectNormClose(await found.weight!.data(), wanted.weight, 1e-5);
      expectNormClose(await found.bias!.data(), wanted.bias, 1e-5);
      // Of unlike cotangents the wider dtype counts.
      const ones = map(grad, () => 1);
      using narrow = upload(ones, 'f16');
      const mixed = layerNormBackward({ x: t, weight: w, moments, rstd, grad: narrow, sumGrad: s, needs: { x: true } });
      expectNormClose(await mixed.x!.data(), binary('add', layerNormVjp(x, ones, { weight }).x, skip), 1e-4);
      for (const one of [out, moments, rstd, ...Object.values(found), ...Object.values(mixed)]) one.dispose();
    });

    its('gives the gradients of rows that were kept normalised in f16, with and without a prefix', async () => {
      for (const width of [68, 7]) {
        const [x, prefix, weight, bias] = [random([9, width], 1), random([2, width], 5), random([width], 3), random([width], 4)];
        const [grad, skip] = [small([11, width], 2), small([9, width], 6)];
        using t = upload(x);
        using first = upload(prefix);
        using w = upload(weight);
        using b = upload(bias);
        using g = upload(grad);
        using s = upload(skip);
        const wanted = layerNormVjp(ref([11, width], [...prefix.data, ...x.data]), grad, { weight }).x.data;
        const [ofPrefix, ofX] = [ref([2, width], wanted.slice(0, 2 * width)), ref([9, width], wanted.slice(2 * width))];
        const joined = prefixedLayerNormForward({ x: t, prefix: first, weight: w }, b, 1e-5, 'f16', true);
        const rows = { normalised: joined.normalised!, weight: w, rstd: joined.stats };
        const both = normalisedBackward({ ...rows, grad: g, sumGrad: s }, { x: [9, width], prefix: [2, width] });
        expectNormClose(await both.prefix!.data(), ofPrefix, 1e-3);
        expectNormClose(await both.x.data(), binary('add', ofX, skip), 1e-3);
        const alone = layerNormNormalised(t, w, b, 1e-5, 'f16');
        expect(await alone.normalised.data()).toEqual((await joined.normalised!.data()).slice(2 * width));
        using rest = slice(g, [{ start: 2 }]);
        const one = normalisedBackward(
          { normalised: alone.normalised, weight: w, rstd: alone.rstd, grad: rest },
          { x: [9, width] },
        );
        expectNormClose(await one.x.data(), ofX, 1e-3);
        const made = [joined, alone, both, one].flatMap((results): Tensor[] => Object.values(results));
        for (const result of made) result.dispose();
      }
    });

    its('refuses a dtype that is not floating', async () => {
      using t = upload(random([2, 4], 1));
      expect(() => layerNorm(t, undefined, undefined, undefined, 'i32' as 'f32')).toThrow(/the result has dtype i32/);
      await Promise.resolve();
    });
  });

  describe('linear', () => {
    its('adds products of f16 in f32 to a residual in f32, beyond what f16 holds', async () => {
      const [x, weight] = [half([6, 512], 1, 45), half([8, 512], 2, 45)];
      const residual = random([6, 8], 3, { scale: 1e-3 });
      using input = upload(x, 'f16');
      using w = upload(weight, 'f16');
      using r = upload(residual);
      using y = linear(input, w, undefined, { residual: r, dtype: 'f32' });
      const wanted = oracle.matmul(x, transpose(weight));
      expect(y.dtype).toBe('f32');
      expect(Math.max(...wanted.data.map(Math.abs))).toBeGreaterThan(65504);
      expectNormClose(await y.data(), binary('add', wanted, residual), 1e-6);
      using bare = linear(input, w, undefined, { residual: r });
      expect(bare.dtype).toBe('f16');
    });

    its('gives f16 of f32 operands, rounded once after the activation', async () => {
      const [x, weight, residual] = [random([6, 16], 4), random([8, 16], 5), random([6, 8], 6, { round: 'f16' })];
      using input = upload(x);
      using w = upload(weight);
      using r = upload(residual, 'f16');
      using y = linear(input, w, undefined, { activation: 'relu', residual: r, dtype: 'f16' });
      const active = map(oracle.matmul(x, transpose(weight)), (value) => Math.max(value, 0));
      expectClose(await y.data(), binary('add', active, residual), ROUNDED);
      expect(() => linear(input, w, undefined, { dtype: 'bool' as 'f32' })).toThrow(/the result has dtype bool/);
    });

    its('multiplies gradients in f32 by the slope at values kept in f16', async () => {
      for (const split of ['1', '3']) {
        using _ = ctx.device.tuner.force('gemm.split', split);
        const [grad, weight, pre] = [small([6, 64], 7), half([64, 8], 8), half([6, 8], 9)];
        using dY = upload(grad);
        using w = upload(weight, 'f16');
        using p = upload(pre, 'f16');
        using dX = linearBackwardInput(dY, w, { pre: p, activation: 'quickGelu' });
        expect(dX.dtype).toBe('f32');
        const slope = map(pre, unaryDerivatives.quickGelu);
        expectNormClose(await dX.data(), binary('mul', oracle.matmul(grad, weight), slope), 1e-5);
      }
    });
  });

  describe('attention', () => {
    const shape = [2, 20, 2, 16] as const;
    its('of f16 with scores that f16 cannot hold', async () => {
      const [q, k, v] = [half(shape, 1, 300), half(shape, 2, 300), half(shape, 3)];
      using tq = upload(q, 'f16');
      using tk = upload(k, 'f16');
      using tv = upload(v, 'f16');
      const { out, lse } = attentionForward({ q: tq, k: tk, v: tv }, { causal: true });
      expect(Math.max(...(await lse.data()))).toBeGreaterThan(65504);
      expectNormClose(await out.data(), attentionRef(q, k, v, { causal: true }).out, 1e-3);
      for (const one of [out, lse]) one.dispose();
    });

    its('gives gradients in f32 where the cotangent is', async () => {
      const [q, k, v, grad] = [half(shape, 1), half(shape, 2), half(shape, 3), small(shape, 4)];
      const wanted = attentionVjp(q, k, v, grad, { causal: true });
      const { device } = ctx;
      const variants = fusedVariants(device, { depth: 16, queries: 20, packed: false }, 'dkv');
      // A pipeline takes CPU adapters seconds to compile.
      for (const variant of device.adapter.kind === 'gpu' ? variants : variants.slice(0, 1)) {
        using _ = device.tuner.force('attention', variant);
        using tq = upload(q, 'f16');
        using tk = upload(k, 'f16');
        using tv = upload(v, 'f16');
        using tg = upload(grad);
        const { out, lse } = attentionForward({ q: tq, k: tk, v: tv }, { causal: true });
        const needs = { q: true, k: true, v: true };
        const found = attentionBackward({ q: tq, k: tk, v: tv, out, lse, grad: tg, needs }, { causal: true });
        for (const name of ['q', 'k', 'v'] as const) {
          expect(found[name]?.dtype).toBe('f32');
          expectNormClose(await found[name]!.data(), wanted[name]!, 2e-3, `${variant}, ${name}`);
        }
        for (const one of [out, lse, ...Object.values(found)]) one.dispose();
      }
    });

    its('refuses a cotangent narrower than its result', async () => {
      using x = upload(half(shape, 1));
      using g = upload(half(shape, 2), 'f16');
      const { out, lse } = attentionForward({ q: x, k: x, v: x });
      const call = () => attentionBackward({ q: x, k: x, v: x, out, lse, grad: g, needs: { q: true } });
      expect(call).toThrow(/grad has dtype f16 but q has f32/);
      for (const one of [out, lse]) one.dispose();
      await Promise.resolve();
    });
  });

  it('a number rounds to f16 as the oracle says', () => expect(roundF16(TINY)).toBe(0));
});
