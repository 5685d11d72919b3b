/** Norms around products that are split along k: in captured steps their kernels add up the partial sums, with the bits of an eager step. */
import { capture, cat, linear, reshape, scope, type Tensor, tensor } from '@mudpt/tensor';
import { random, toF32 } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import { checkpoint, LayerNorm, parameter, Tape } from '../index.ts';

const [BATCH, ROWS, PREFIX, WIDTH, INNER] = [2, 5, 2, 32, 32];

eachDevice('norms around split products', (ctx) => {
  const upload = (shape: number[], seed: number): Tensor => tensor(toF32(random(shape, seed)), { shape, device: ctx.device });

  it.for([
    { by: 'row', hasPrefix: false, isTwice: false },
    { by: 'workgroup', hasPrefix: true, isTwice: false },
    { by: 'row', hasPrefix: false, isTwice: true },
  ])('by $by, after a prefix: $hasPrefix, computed twice: $isTwice', ({ by, hasPrefix, isTwice }) =>
    scope(async () => {
      using _ = ctx.device.tuner.force('gemm.split', '2');
      using __ = ctx.device.tuner.force('norm', by);
      using x = parameter(upload([BATCH, ROWS, INNER], 1));
      using residual = parameter(upload([BATCH, ROWS, WIDTH], 2));
      using prefix = parameter(upload([PREFIX, WIDTH], 3));
      const [weight, bias, next] = [upload([WIDTH, INNER], 4), upload([WIDTH], 5), upload([WIDTH, WIDTH], 6)] as const;
      using norm = new LayerNorm(WIDTH, { weight: upload([WIDTH], 7), bias: upload([WIDTH], 8) });
      const grad = upload([(hasPrefix ? PREFIX : 0) + 2 * BATCH * ROWS, WIDTH], 9);
      const normed = (middle: Tensor): Tensor => {
        const { skip, out } = hasPrefix ? norm.forkAfter(prefix, middle) : norm.fork(middle);
        const rows = (one: Tensor): Tensor => reshape(one, [-1, WIDTH]);
        return cat([rows(linear(out, next)), rows(skip)]);
      };
      const step = (): Tensor[] =>
        scope(() => {
          using tape = new Tape();
          const middle = linear(x, weight, bias, { residual });
          const out = (isTwice ? checkpoint(normed) : normed)(middle);
          const gradients = tape.backward(out, grad);
          return [out, ...[x, residual, ...(hasPrefix ? [prefix] : [])].map((one) => gradients.of(one))];
        });
      const read = (tensors: readonly Tensor[]) => Promise.all(tensors.map((one) => one.data()));
      const eager = step();
      using captured = capture(step, { device: ctx.device });
      captured({});
      expect(await read(captured({}))).toEqual(await read(eager));

      const kernels = (captured.plans[0]?.steps ?? []).map((label) => label.replace(/\{.*/s, ''));
      const most = ctx.device.gpu.limits.maxStorageBuffersPerShaderStage;
      // What is left: of the product that is joined with others, of the gradient of x; where bindings are few, of those around the norm too.
      const merged = (most >= 9 ? 1 : 0) + (most >= (hasPrefix ? 9 : 8) ? 1 : 0);
      expect(kernels.filter((kernel) => kernel === 'gemm.reduce')).toHaveLength(4 - merged);
    }),
  );
});
