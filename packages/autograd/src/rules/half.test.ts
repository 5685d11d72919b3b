/** Every rule on f16 tensors (sums are f32) against the f64 oracles, where the adapter has shader-f16. */
import { describe, expect, it } from 'vitest';
import { cast, mul, scope, square, sum, type Tensor, tensor } from '@mudpt/tensor';
import { random, toF32 } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import { groups } from '../../test/cases/index.ts';
import { checkRule } from '../../test/rule-check.ts';
import { customOp, hessianVector, Tape } from '../index.ts';

eachDevice('f16 rules', (ctx) => {
  for (const [group, cases] of Object.entries(groups)) {
    describe(group, () => {
      for (const { half = ['f16'] as const, ...wanted } of cases) {
        it(wanted.name, async ({ skip }) => {
          skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
          skip(typeof half === 'string', String(half));
          await checkRule(ctx.device, wanted, typeof half === 'string' ? [] : half);
        });
      }
    });
  }

  // What is cast to f32 hands its gradient back in f32: most rules take it as it is, of the others (softmax) the tape casts it.
  const wide = [
    ...['gelu', 'add', 'softmax', 'layerNorm with a weight of another precision', 'addLayerNorm, both outputs used', 'rmsNorm'],
    ...['matmul Bᵀ, batch broadcast', 'linear with bias, activation and residual', 'feedForward'],
    ...['attention, causal', 'attentionQkv', 'attention with a shared prefix', 'packed attention with a shared prefix'],
    ...['rope, interleaved', 'reshape, permute', 'expand', 'slice with steps', 'split of which one piece is used', 'unbind'],
    ...['gather', 'indexSelect', 'gatherRows', 'cat, one tensor twice', 'stack'],
  ];
  it('takes gradients in f32 of results in f16', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    const cases = Object.values(groups)
      .flat()
      .filter(({ name }) => wide.includes(name));
    expect(cases.map(({ name }) => name).sort()).toEqual(wide.sort());
    for (const { half, ...wanted } of cases)
      await checkRule(
        ctx.device,
        { ...wanted, run: (...inputs) => scope(() => cast(wanted.run(...inputs), 'f32')) },
        typeof half === 'object' ? half : ['f16'],
      ).catch((error: unknown) => {
        throw new Error(`${wanted.name}: ${String(error)}`, { cause: error });
      });
  });

  it('keeps gradients of f16 that f16 cannot hold, until one of f16 is reported', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    const { device } = ctx;
    const least = 2 ** -40;
    const seen: string[] = [];
    const look = customOp({
      name: 'look',
      forward: (x: Tensor) => mul(x, 1),
      backward: (grad) => (seen.push(grad.dtype), [grad]),
    });
    using x = tensor([1, 2], { device });
    using short = tensor([3, 5], { device, dtype: 'f16' });
    const slopes = async (through: (y: Tensor) => Tensor): Promise<number[][]> => {
      using tape = new Tape();
      for (const one of [x, short]) tape.watch(one);
      using loss = scope(() => sum(mul(cast(through(mul(cast(x, 'f16'), short)), 'f32'), least)));
      using gradients = tape.backward(loss);
      expect([gradients.of(x).dtype, gradients.of(short).dtype]).toEqual(['f32', 'f16']);
      return Promise.all([x, short].map(async (one) => Array.from(await gradients.of(one).data())));
    };
    const unseen = [0, 0];
    expect(await slopes((y) => y)).toEqual([[3 * least, 5 * least], unseen]);
    // A rule that does not say that it takes them gets them in the dtype of its result.
    expect(await slopes(look)).toEqual([unseen, unseen]);
    expect(seen).toEqual(['f16']);
  });

  // The ops that a recorded backward is made of: fused rules, table rows, products, ops of indices.
  const twice = [
    'gelu',
    'layerNorm with a weight of another precision',
    'rmsNorm',
    'softmax',
    'crossEntropy, mean',
    'gather',
    'cdist, batch broadcast',
  ];
  it('second derivatives of f16 are those of f32, rounded', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    const cases = Object.values(groups)
      .flat()
      .filter(({ name }) => twice.includes(name));
    expect(cases.length).toBe(twice.length);
    for (const { name, shapes, run, half, domain } of cases) {
      const products = async (isHalf: boolean): Promise<number[]> =>
        scope(async () => {
          const inputs = shapes.map((shape, which) => {
            const [low, high] = domain?.[which] ?? domain?.[0] ?? [-1, 1];
            const values = toF32(
              random(shape, which + 3, {
                distribution: 'uniform',
                low: Math.max(low, -2),
                high: Math.min(high, 2),
                round: 'f16',
              }),
            );
            const dtype = typeof half === 'object' ? (half[which] ?? 'f32') : 'f16';
            return tensor(values, { shape, dtype: isHalf ? dtype : 'f32', device: ctx.device });
          });
          const loss = (...given: Tensor[]): Tensor => sum(square(run(...given)));
          const found = hessianVector(loss, inputs, inputs).products as readonly Tensor[];
          expect(found.map(({ dtype }) => dtype)).toEqual(inputs.map(({ dtype }) => dtype));
          return (await Promise.all(found.map((product) => product.data()))).flatMap((values) => Array.from(values));
        });
      const [exact, rounded] = [await products(false), await products(true)];
      const gap = Math.hypot(...exact.map((value, i) => value - (rounded[i] as number)));
      expect(gap / Math.hypot(...exact), name).toBeLessThan(2e-2);
    }
  });
});
