/** Vector norms of any order: powers of small and large elements do not leave f32, and f16 is f32 inside. */
import { expect, it } from 'vitest';
import { norm, ones, tensor } from '@mudpt/tensor';
import { ref } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import { Tape } from '../index.ts';

const ORDERS = [0.5, 1, 1.5, 2, 3, 7, 20, Infinity];

function exact(x: readonly number[], p: number): { value: number; gradient: number[] } {
  const most = Math.max(...x.map(Math.abs));
  if (p === Infinity) return { value: most, gradient: x.map((v) => (Math.abs(v) === most ? Math.sign(v) : 0)) };
  const value = most * x.reduce((sum, v) => sum + (Math.abs(v) / most) ** p, 0) ** (1 / p);
  return { value, gradient: x.map((v) => Math.sign(v) * (Math.abs(v) / value) ** (p - 1)) };
}

eachDevice('norms of any order', (ctx) => {
  for (const dtype of ['f32', 'f16'] as const) {
    for (const scale of dtype === 'f32' ? [1e-4, 1, 1e4] : [1e-2, 1, 300]) {
      it(`${dtype}, elements of ${scale}`, async ({ skip }) => {
        skip(dtype === 'f16' && !ctx.device.hasF16, 'the adapter has no shader-f16');
        const x = random([33], 3, { scale, round: dtype });
        const close = dtype === 'f32' ? { rel: 1e-5, abs: 1e-6 } : { rel: 1e-3, abs: 1e-6 };
        for (const p of ORDERS) {
          const wanted = exact(Array.from(x.data), p);
          using t = tensor(Float32Array.from(x.data), { dtype, device: ctx.device });
          using tape = new Tape();
          tape.watch(t);
          using length = norm(t, undefined, { p });
          using one = ones([], { dtype, device: ctx.device });
          using gradients = tape.backward(length, one);
          expect(length.dtype).toBe(dtype);
          if (dtype === 'f32' || wanted.value < 65504)
            expectClose(await length.data(), ref([1], [wanted.value]), close, `p = ${p}`);
          const gradient = ref([33], wanted.gradient);
          expectClose(
            await gradients.of(t).data(),
            gradient,
            { ...close, abs: dtype === 'f16' ? 1e-4 : 1e-6 },
            `gradient, p = ${p}`,
          );
        }
      });
    }
  }
});
