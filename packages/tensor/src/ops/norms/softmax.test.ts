import { expect, it } from 'vitest';
import { map, permute as permuteRef, type Ref, ref } from '@mudpt/testing/reference/array';
import { expectClose, expectNormClose, tolerances } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import { logSoftmax as logRef, logSoftmaxVjp, softmax as softmaxRef, softmaxVjp } from '@mudpt/testing/reference/nn';
import { eachDevice } from '@mudpt/testing/support';
import type { DType } from '../../dtype.ts';
import type { Tensor } from '../../tensor.ts';
import { tensor } from '../create/create.ts';
import { logSoftmax, logSoftmaxBackward, softmax, softmaxBackward } from './softmax.ts';
import { permute } from '../views/views.ts';
import { ROW_VARIANTS } from '../../kernels/row-launch.ts';

eachDevice('softmax', (ctx) => {
  const upload = (x: Ref, dtype: DType = 'f32'): Tensor =>
    tensor(new Float32Array(x.data), { shape: x.shape, dtype, device: ctx.device });
  const values = async (t: Tensor) => ({ shape: t.shape, data: await t.data() });
  const check = async (actual: Tensor, expected: Ref, dtype: 'f32' | 'f16' = 'f32'): Promise<void> => {
    expectClose(await values(actual), expected, dtype === 'f16' ? tolerances.f16 : { rel: 1e-5, abs: 2e-6 });
    actual.dispose();
  };

  it.for(ROW_VARIANTS)('forward and gradient by %s', async (variant, { skip }) => {
    skip(variant === 'subgroup' && ctx.device.subgroupSize === 0, 'the adapter has no subgroups');
    using _ = ctx.device.tuner.force('softmax', variant);
    for (const width of [1, 3, 4, 17, 64, 77, 199, 1000]) {
      const [x, grad] = [random([5, 7, width], 1, { scale: 3 }), random([5, 7, width], 2)];
      using t = upload(x);
      using g = upload(grad);
      using y = softmax(t);
      using log = logSoftmax(t);
      expectClose(await values(y), softmaxRef(x), { rel: 2e-5, abs: 1e-7 });
      expectClose(await values(log), logRef(x), { rel: 1e-5, abs: 5e-6 });
      using dx = softmaxBackward(y, g);
      using dlog = logSoftmaxBackward(log, g);
      if (width > 1) expectNormClose(await values(dx), softmaxVjp(x, grad), 1e-5);
      expectClose(await values(dlog), logSoftmaxVjp(x, grad), { rel: 1e-4, abs: 2e-5 });
      using again = softmax(t);
      expect(await again.data()).toEqual(await y.data());
    }
  });

  it.for(ROW_VARIANTS)('masked, huge and broken rows by %s', async (variant, { skip }) => {
    skip(variant === 'subgroup' && ctx.device.subgroupSize === 0, 'the adapter has no subgroups');
    using _ = ctx.device.tuner.force('softmax', variant);
    const [inf, nan] = [Infinity, NaN];
    const rows = [
      [1, -inf, 2, -inf, 0],
      [-inf, -inf, 7, -inf, -inf],
      [1e4, -1e4, 1e4, 0, 9999],
      [3e38, -3e38, 0, 3e38, 1],
      [-3e38, -3e38, -3e38, -3e38, -3e38],
      [-inf, -inf, -inf, -inf, -inf],
      [1, nan, 2, 3, -inf],
      [1, inf, 2, 3, -inf],
    ];
    for (const width of [5, 4]) {
      const x = ref(
        [8, width],
        rows.flatMap((row) => row.slice(0, width).map(Math.fround)),
      );
      using t = upload(x);
      using y = softmax(t);
      expectClose(await values(y), softmaxRef(x));
      const expected = logRef(x);
      // f64 overflows where f32 does not have to: the ends of the f32 range.
      using log = logSoftmax(t);
      expectClose((await log.data()).slice(0, 3 * width), ref([3, width], expected.data.slice(0, 3 * width)));
      for (const row of [5, 6, 7])
        expect((await log.data()).slice(row * width, (row + 1) * width).every(Number.isNaN)).toBe(true);
      const grad = random([8, width], 1);
      using g = upload(grad);
      using dx = softmaxBackward(y, g);
      const wanted = softmaxVjp(x, grad);
      expectClose((await dx.data()).slice(0, 5 * width), ref([5, width], wanted.data.slice(0, 5 * width)));
    }
  });

  it('works along any axis, on strided views and edge shapes', async () => {
    const [x, grad] = [random([4, 5, 6], 1), random([4, 5, 6], 2)];
    using t = upload(x);
    using g = upload(grad);
    for (const axis of [0, 1, -1]) {
      await check(softmax(t, axis), softmaxRef(x, axis));
      await check(logSoftmax(t, axis), logRef(x, axis));
      using y = softmax(t, axis);
      await check(softmaxBackward(y, g, axis), softmaxVjp(x, grad, axis));
      using log = logSoftmax(t, axis);
      await check(logSoftmaxBackward(log, g, axis), logSoftmaxVjp(x, grad, axis));
    }
    using turned = permute(t, [2, 0, 1]);
    await check(softmax(turned, 0), softmaxRef(permuteRef(x, [2, 0, 1]), 0));
    for (const shape of [[0, 3], [3, 0], [1], [1, 1]]) {
      const edge = random(shape, 3);
      using e = upload(edge);
      await check(softmax(e), shape.includes(0) ? edge : map(edge, () => 1));
    }
    expect(() => softmax(t, 3)).toThrow(/axis 3/);
  });

  it('takes f16', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    const [half, halfGrad] = [random([9, 68], 4, { round: 'f16' }), random([9, 68], 5, { round: 'f16' })];
    using h = upload(half, 'f16');
    using hg = upload(halfGrad, 'f16');
    using y = softmax(h);
    expectClose(await values(y), softmaxRef(half), tolerances.f16);
    await check(softmaxBackward(y, hg), softmaxVjp(half, halfGrad), 'f16');
  });
});
