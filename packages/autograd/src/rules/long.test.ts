/** Long sequences: attention and its gradient need memory for the tokens, not for their pairs. */
import { expect, it } from 'vitest';
import { attention, capture, randn, sum, type Tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { parameter, lossAndGradients } from '../index.ts';

const DEPTH = 8;

eachDevice('attention over many tokens', (ctx) => {
  /** Bytes that a captured forward and backward pass plans. */
  const planned = async (tokens: number): Promise<number> => {
    const input = (key: number): Tensor => parameter(randn([1, tokens, 1, DEPTH], { key, device: ctx.device }));
    const [q, k, v] = [input(1), input(2), input(3)];
    using step = capture(() => lossAndGradients(() => sum(attention(q, k, v))), { device: ctx.device });
    const { value, gradients } = step({});
    // Rows of softmax sum to 1, so the gradient by v is the column sums of the scores: `tokens` of them for each of DEPTH channels.
    using gradient = gradients.of(v);
    using total = sum(gradient);
    expect((await total.item()) / (tokens * DEPTH)).toBeCloseTo(1, 3);
    value.dispose();
    gradients.dispose();
    for (const one of [q, k, v]) one.dispose();
    return step.plans[0]!.bytes.planned;
  };

  it('T = 4096 needs twice the memory of T = 2048, and less than one T x T buffer', async () => {
    const [half, whole] = [await planned(2048), await planned(4096)];
    expect(half).toBeGreaterThan(4 * 2048 * DEPTH);
    expect(whole / half).toBeLessThan(2.1);
    expect(whole).toBeLessThan(4 * 4096 ** 2 * 0.1);
  });
});
