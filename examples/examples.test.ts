/** Every example runs with few steps and reaches something that holds; those that are short on a CPU on every adapter, and in a page. */
import { expect, it, vi } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import charGpt from './char-gpt.ts';
import diffusion from './diffusion.ts';
import digits from './digits.ts';
import doublePendulum from './double-pendulum.ts';
import kMeans from './k-means.ts';
import lora from './lora.ts';
import mlp from './mlp.ts';

eachDevice('examples', (ctx) => {
  vi.spyOn(console, 'log').mockImplementation(() => undefined);

  it('mlp: tells the spirals apart', async () => {
    const { loss, accuracy } = await mlp(ctx.device, { steps: 60 });
    expect(loss).toBeLessThan(0.5);
    expect(accuracy).toBeGreaterThan(0.75);
  });

  it('k-means: finds the centres', async () => {
    const { error, spread } = await kMeans(ctx.device, { steps: 6 });
    expect(error).toBeLessThan(0.12);
    expect(Math.abs(spread - 0.6)).toBeLessThan(0.03);
  });

  it('double-pendulum: frequencies and energy are right', async () => {
    const { error, drift, moved } = await doublePendulum(ctx.device, { steps: 40 });
    expect(error).toBeLessThan(1e-3);
    expect(moved).toBeGreaterThan(0.05);
    expect(drift).toBeLessThan(1e-3);
  });

  // Long on adapters without a GPU, and the same everywhere.
  const isFirst = globalThis.process?.env?.['TEST_ANOTHER_ADAPTER'] === undefined && !('document' in globalThis);

  it.runIf(isFirst)('diffusion: more samples lie on each moon than without learning', async () => {
    const none = await diffusion(ctx.device, { steps: 0 });
    const { upper, lower } = await diffusion(ctx.device, { steps: 150 });
    expect(upper).toBeGreaterThan(1.3 * none.upper);
    expect(lower).toBeGreaterThan(1.3 * none.lower);
  });

  it.runIf(isFirst)('digits: reads digits that it has not seen', async () => {
    const { accuracy } = await digits(ctx.device, { steps: 20 });
    expect(accuracy).toBeGreaterThan(0.5);
  });

  it.runIf(isFirst)('lora: teaches the frozen tower new drawings', async () => {
    const { before, after } = await lora(ctx.device, { steps: 8 });
    expect(after).toBeGreaterThan(before + 0.1);
  });

  it.runIf(isFirst)('char-gpt: learns the poem', async () => {
    const { losses, text } = await charGpt(ctx.device, { steps: 20 });
    expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!);
    expect(text).toMatch(/^Tyger Tyger[^]{53}$/);
  });
});
