import { expect, it } from 'vitest';
import { permute, type Ref, ref } from '@mudpt/testing/reference/array';
import { expectClose, tolerances } from '@mudpt/testing/reference/compare';
import * as reference from '@mudpt/testing/reference/distance';
import { random } from '@mudpt/testing/reference/inputs';
import { batchPairs, matmulSizes } from '@mudpt/testing/shapes';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice } from '@mudpt/testing/views';
import { cdist, type Tensor, tensor, transpose } from '../../index.ts';

const read = async (t: Tensor): Promise<Ref> => ref(t.shape, await t.data());

eachDevice('cdist', (ctx) => {
  it('sizes 0, 1, primes and across tiles, twice with the same bits', async () => {
    for (const [m, d, n] of matmulSizes) {
      const [a, b] = [random([m, d], 1), random([n, d], 2)];
      using ta = toDevice(ctx.device, a);
      using tb = toDevice(ctx.device, b);
      using y = cdist(ta, tb);
      using again = cdist(ta, tb);
      expectClose(await read(y), reference.cdist(a, b), tolerances.f32, `[${m}, ${d}] and [${n}, ${d}]`);
      expect(await again.data()).toEqual(await y.data());
    }
  });

  it('batches broadcast, views of any stride', async () => {
    for (const [left, right] of batchPairs) {
      const [a, b] = [random([...left, 4, 5], 3), random([...right, 5, 3], 4)];
      using ta = toDevice(ctx.device, a);
      using tb = toDevice(ctx.device, b);
      using turned = transpose(tb);
      using y = cdist(ta, turned);
      const axes = b.shape.map((_, axis) => axis);
      const turnedRef = permute(b, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
      expectClose(await read(y), reference.cdist(a, turnedRef), tolerances.f32, `batches [${left}] and [${right}]`);
    }
  });

  it('keeps the digits of near rows far from the origin', async () => {
    using a = tensor([[4096, 4096]], { device: ctx.device });
    using b = tensor([[4096.0625, 4096]], { device: ctx.device });
    using y = cdist(a, b);
    expect(await y.item()).toBe(0.0625);
  });

  it('is right where squares leave f32', async () => {
    for (const unit of [1e25, 1e-25]) {
      using a = tensor([[3 * unit, 0]], { device: ctx.device });
      using b = tensor([[0, 4 * unit]], { device: ctx.device });
      using y = cdist(a, b);
      expect((await y.item()) / unit).toBeCloseTo(5, 5);
    }
  });

  it('f16 is computed in f32', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    const [a, b] = [random([7, 33], 5, { round: 'f16' }), random([5, 33], 6, { round: 'f16' })];
    using ta = toDevice(ctx.device, a, 'f16');
    using tb = toDevice(ctx.device, b, 'f16');
    using y = cdist(ta, tb);
    expect(y.dtype).toBe('f16');
    expectClose(await read(y), reference.cdist(a, b), tolerances.f16);
  });

  it('refuses what has no rows in common', () => {
    using a = tensor([[1, 2]], { device: ctx.device });
    using b = tensor([[1, 2, 3]], { device: ctx.device });
    using flat = tensor([1, 2], { device: ctx.device });
    using whole = tensor([[1, 2]], { dtype: 'i32', device: ctx.device });
    expect(() => cdist(a, b)).toThrow(/a of shape \[1, 2\] has rows of 2, b of shape \[1, 3\] rows of 3/);
    expect(() => cdist(a, flat)).toThrow(/b has shape \[2\]/);
    expect(() => cdist(whole, a)).toThrow(/a has dtype i32/);
  });
});
