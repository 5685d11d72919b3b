import { expect, it } from 'vitest';
import { transpose } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import * as oracle from '@mudpt/testing/reference/matmul';
import { binary } from '@mudpt/testing/reference/pointwise';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice } from '@mudpt/testing/views';
import { type Device, linear, matmul } from '../../../index.ts';
import { gemmTuning, tune } from '../../../internal.ts';
import { GEMM_VARIANTS } from './index.ts';

const close = { rel: 1e-5, abs: 2e-5 };

/** Makes ops choose and compile as on a GPU: other candidates, unrolled loops. Results must be the same on the current adapter. */
function asGpu(device: Device): Disposable {
  const { kind } = device.adapter;
  const pretend = (value: string): void => void Object.defineProperty(device.adapter, 'kind', { value, configurable: true });
  pretend('gpu');
  return { [Symbol.dispose]: () => pretend(kind) };
}

eachDevice('gemm.block', (ctx) => {
  it('agrees with the oracle as GPUs choose, split and compile it', async () => {
    const { device } = ctx;
    using _ = asGpu(device);
    for (const { m, k, n, transposeA, transposeB, variant } of [
      { m: 132, k: 68, n: 196, transposeA: false, transposeB: true, variant: 'block64x128' },
      { m: 66, k: 68, n: 68, transposeA: true, transposeB: false, variant: 'block32x32' },
      { m: 37, k: 35, n: 33, transposeA: false, transposeB: false, variant: 'block16x64' },
      { m: 40, k: 256, n: 64, transposeA: false, transposeB: true, variant: undefined },
    ]) {
      using _forced = variant === undefined ? undefined : device.tuner.force('gemm', variant);
      const [a, b] = [random([m, k], 6), random([k, n], 7)];
      using x = toDevice(device, transposeA ? transpose(a) : a);
      using y = toDevice(device, transposeB ? transpose(b) : b);
      const before = device.counters().dispatches;
      using product = matmul(x, y, { transposeA, transposeB });
      // Few tiles and a long k: partial sums, then their sum.
      if (variant === undefined) expect(device.counters().dispatches - before).toBe(2);
      const label = `${variant} ${m}x${k}x${n}`;
      expectClose({ shape: product.shape, data: await product.data() }, oracle.matmul(a, b), close, label);
    }
  });

  it('is measured by timestamps as GPUs measure it', async () => {
    const { device } = ctx;
    using _ = asGpu(device);
    const problem = gemmTuning(device).find(({ key }) => key === 'kk/tall/t4/k128');
    if (!problem) throw new Error('no problem of 68 rows');
    const candidates = problem.candidates.slice(0, 2);
    const [result] = await tune(device, [{ ...problem, key: 'a test', candidates }]);
    expect(candidates.every((name) => GEMM_VARIANTS.some((variant) => variant.name === name && variant.madeFor === 'gpu'))).toBe(
      true,
    );
    expect(Object.values(result?.ms ?? {}).every((ms) => ms !== undefined && ms >= 0 && ms < 1000)).toBe(true);
    expect(candidates).toContain(result?.chosen);
  });

  it('finishes with a bias and an activation, and reads f16 where there is f16', async () => {
    const { device } = ctx;
    using _ = device.tuner.force('gemm', 'block64x128');
    const half = device.hasF16 ? 'f16' : 'f32';
    const [x, weight, bias] = [
      random([70, 36], 3, { round: 'f16' }),
      random([140, 36], 4, { round: 'f16' }),
      random([140], 5, { round: 'f16' }),
    ];
    const expected = binary('add', oracle.matmul(x, transpose(weight)), bias);
    using input = toDevice(device, x);
    using w = toDevice(device, weight, half);
    using b = toDevice(device, bias, half);
    using y = linear(input, w, b, { activation: 'relu' });
    const data = expected.data.map((value) => Math.max(0, value));
    expectClose({ shape: y.shape, data: await y.data() }, { ...expected, data }, close);
  });
});
