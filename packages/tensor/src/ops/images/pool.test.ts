import { expect, it } from 'vitest';
import { permute as permuteRef, type Ref, ref } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { avgPool2d as avgRef, maxPool2d as maxRef } from '@mudpt/testing/reference/conv';
import { random } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import type { DType } from '../../dtype.ts';
import type { Tensor } from '../../tensor.ts';
import { tensor } from '../create/create.ts';
import { permute } from '../views/views.ts';
import type { Pair } from '../../kernels/conv/geometry.ts';
import { type AvgPoolOptions, avgPool2d, avgPool2dBackward, maxPool2d, maxPool2dBackward, maxPool2dForward } from './pool.ts';

type Case = {
  shape: number[];
  kernel: Pair;
  options: Omit<AvgPoolOptions, 'padding' | 'dilation' | 'ceilMode'> & { padding?: Pair };
};
const CASES: Case[] = [
  { shape: [2, 3, 8, 8], kernel: 2, options: {} },
  { shape: [1, 5, 7, 11], kernel: [3, 2], options: { stride: [1, 3] } },
  { shape: [2, 2, 9, 6], kernel: 3, options: { stride: 2, padding: 1 } },
  { shape: [2, 2, 9, 6], kernel: 3, options: { stride: 2, padding: 1, countsPadding: false } },
  { shape: [1, 1, 1, 1], kernel: 1, options: {} },
  { shape: [3, 1, 5, 5], kernel: 5, options: {} },
  { shape: [1, 67, 4, 3], kernel: [2, 3], options: { stride: 1, padding: [1, 0] } },
  { shape: [0, 2, 5, 5], kernel: 2, options: {} },
];

eachDevice('pooling', (ctx) => {
  const upload = (x: Ref, dtype: DType = 'f32'): Tensor =>
    tensor(new Float32Array(x.data), { shape: x.shape, dtype, device: ctx.device });
  const read = async (t: Tensor) => ({ shape: t.shape, data: await t.data() });

  it.each(CASES)('windows of $kernel over $shape, $options, and their gradients', async ({ shape, kernel, options }) => {
    for (const dtype of ctx.device.hasF16 ? (['f32', 'f16'] as const) : (['f32'] as const)) {
      const limit = dtype === 'f16' ? { rel: 2e-3, abs: 1e-3 } : { rel: 1e-6, abs: 1e-6 };
      const x = random(shape, 1, { round: dtype });
      const grad = random(maxRef(x, kernel, options).out.shape, 2, { round: dtype });
      const [largest, mean] = [maxRef(x, kernel, options, grad), avgRef(x, kernel, options, grad)];
      using t = upload(x, dtype);
      using g = upload(grad, dtype);
      const { out, places } = maxPool2dForward(t, kernel, options);
      using dxMax = maxPool2dBackward(g, places, shape, kernel, options);
      using average = avgPool2d(t, kernel, options);
      using dxMean = avgPool2dBackward(g, shape, kernel, options);
      expectClose(await read(out), largest.out, { rel: 0, abs: 0 }, 'max');
      expectClose(await read(dxMax), largest.grad, limit, 'max, gradient');
      expectClose(await read(average), mean.out, limit, 'mean');
      expectClose(await read(dxMean), mean.grad, limit, 'mean, gradient');
      out.dispose();
      places.dispose();
    }
  });

  it('the first of equals takes the gradient, NaN wins, dilated windows skip', async () => {
    const x = ref([1, 1, 3, 4], [2, 2, -1, -1, 2, 1, -1, -1, NaN, 5, -Infinity, -Infinity]);
    using t = upload(x);
    const { out, places } = maxPool2dForward(t, 2, { stride: [1, 2] });
    expect([...(await out.data())]).toEqual([2, -1, NaN, -1]);
    expect([...(await places.data())]).toEqual([0, 2, 8, 6]);
    using dilated = maxPool2d(t, 2, { dilation: [2, 3], stride: 1 });
    expect([...(await dilated.data())]).toEqual([NaN]);
    using lowest = maxPool2d(t, [1, 2], { stride: [2, 2] });
    expect([...(await lowest.data())]).toEqual([2, -1, NaN, -Infinity]);
    out.dispose();
    places.dispose();
  });

  it('reads views and gives the same bits twice', async () => {
    const x = random([2, 6, 5, 3], 3);
    using t = upload(x);
    using turned = permute(t, [0, 3, 1, 2]);
    const wanted = permuteRef(x, [0, 3, 1, 2]);
    using largest = maxPool2d(turned, 2);
    using mean = turned.avgPool2d(3, { stride: 2, padding: 1 });
    using again = turned.avgPool2d(3, { stride: 2, padding: 1 });
    expectClose(await read(largest), maxRef(wanted, 2).out, { rel: 0, abs: 0 });
    expectClose(await read(mean), avgRef(wanted, 3, { stride: 2, padding: 1 }).out, { rel: 1e-6, abs: 1e-6 });
    expect(await again.data()).toEqual(await mean.data());
  });

  it('refuses what cannot be', () => {
    using x = tensor([1, 2, 3, 4], { shape: [1, 1, 2, 2], device: ctx.device });
    using flat = tensor([1, 2, 3, 4], { device: ctx.device });
    using whole = tensor([1, 2, 3, 4], { shape: [1, 1, 2, 2], dtype: 'i32', device: ctx.device });
    expect(() => maxPool2d(x, 3)).toThrow(/do not fit an image/);
    expect(() => maxPool2d(x, 2, { padding: 2 })).toThrow(/more than half of the window/);
    expect(() => avgPool2d(flat, 2)).toThrow(/x has shape \[4\]/);
    expect(() => avgPool2d(whole, 2)).toThrow(/i32/);
    expect(() => avgPool2d(x, 0)).toThrow(/kernel is 0/);
    expect(() => avgPool2dBackward(x, [1, 1, 2, 2], 2)).toThrow(/output of this pooling is \[1, 1, 1, 1\]/);
  });
});
