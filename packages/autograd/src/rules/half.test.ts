/** Every rule on f16 tensors (sums are f32) against the f64 oracles, where the adapter has shader-f16. */
import { describe, expect, it } from 'vitest';
import { scope, square, sum, type Tensor, tensor } from '@mudpt/tensor';
import { random, toF32 } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import { groups } from '../../test/cases/index.ts';
import { checkRule } from '../../test/rule-check.ts';
import { hessianVector } from '../index.ts';

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
