import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { smoke } from './smoke.ts';

eachDevice('pretraining', (ctx) => {
  it('makes the loss fall, and resumes bit by bit', async () => {
    const { losses, isBitEqual } = await smoke(ctx.device);
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) - 0.1);
    expect(isBitEqual).toBe(true);
  }, 300_000);
});
