/** Norms around products that are split along k: in captured steps their kernels add up the partial sums, with the bits of an eager step. */
import { capture, cast, cat, linear, reshape, scope, type Tensor, tensor } from '@mudpt/tensor';
import { random, toF32 } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import { checkpoint, LayerNorm, parameter, Tape } from '../index.ts';

const [BATCH, PREFIX, WIDTH, INNER] = [2, 2, 32, 32];
/** Few: one dispatch forms all gradients of a norm; many: those of its weight have one of their own. */
const [FEW, MANY] = [5, 35];

eachDevice('norms around split products', (ctx) => {
  const upload = (shape: number[], seed: number): Tensor => tensor(toF32(random(shape, seed)), { shape, device: ctx.device });

  it.for([
    { name: 'frozen', by: 'row' },
    { name: 'after a prefix', by: 'workgroup', hasPrefix: true },
    { name: 'computed twice', by: 'row', isTwice: true },
    { name: 'learnt, of many rows', by: 'row', length: MANY, isLearnt: true },
    { name: 'narrower than its input', by: 'row', isHalf: true },
  ])('$name', ({ by, hasPrefix = false, isTwice = false, isLearnt = false, isHalf = false, length = FEW }, { skip }) =>
    scope(async () => {
      skip(isHalf && !ctx.device.hasF16, 'the adapter has no f16');
      using _ = ctx.device.tuner.force('gemm.split', '2');
      using __ = ctx.device.tuner.force('norm', by);
      using x = parameter(upload([BATCH, length, INNER], 1));
      using residual = parameter(upload([BATCH, length, WIDTH], 2));
      using prefix = parameter(upload([PREFIX, WIDTH], 3));
      const [weight, bias, next] = [upload([WIDTH, INNER], 4), upload([WIDTH], 5), upload([WIDTH, WIDTH], 6)] as const;
      using norm = new LayerNorm(WIDTH, { weight: upload([WIDTH], 7), bias: upload([WIDTH], 8) });
      if (isLearnt) for (const one of [norm.weight, norm.bias]) parameter(one);
      const grad = upload([(hasPrefix ? PREFIX : 0) + 2 * BATCH * length, WIDTH], 9);
      const normed = (middle: Tensor): Tensor => {
        const forked = hasPrefix ? norm.forkAfter(prefix, middle) : norm.fork(middle, isHalf ? 'f16' : 'f32');
        const rows = (one: Tensor): Tensor => reshape(one, [-1, WIDTH]);
        return cat([rows(linear(cast(forked.out, 'f32'), next)), rows(forked.skip)]);
      };
      const step = (): Tensor[] =>
        scope(() => {
          using tape = new Tape();
          const middle = linear(x, weight, bias, { residual });
          const out = (isTwice ? checkpoint(normed) : normed)(middle);
          const gradients = tape.backward(out, grad);
          const learnt = [x, residual, ...(hasPrefix ? [prefix] : []), ...(isLearnt ? [norm.weight, norm.bias] : [])];
          return [out, ...learnt.map((one) => gradients.of(one))];
        });
      const read = (tensors: readonly Tensor[]) => Promise.all(tensors.map((one) => one.data()));
      const eager = step();
      using captured = capture(step, { device: ctx.device });
      captured({});
      expect(await read(captured({}))).toEqual(await read(eager));

      const kernels = (captured.plans[0]?.steps ?? []).map((label) => label.replace(/\{.*/s, ''));
      const most = ctx.device.gpu.limits.maxStorageBuffersPerShaderStage;
      // What is left: of the product that is joined with others, of the gradient of x; where bindings are few, of those around the norm too.
      // Kept in f16, normalised rows take a binding more; and the cotangent of a result in f16 is cast first.
      const merged = (most >= (isHalf ? 10 : 9) ? 1 : 0) + (!isHalf && most >= (hasPrefix ? 9 : 8) ? 1 : 0);
      expect(kernels.filter((kernel) => kernel === 'gemm.reduce')).toHaveLength(4 - merged);
    }),
  );
});
