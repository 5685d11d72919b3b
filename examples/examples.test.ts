/** Every example runs with few steps and reaches something that holds. In Node and in a page. */
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
    const { loss, accuracy } = await mlp(ctx.device, { steps: 120 });
    expect(loss).toBeLessThan(0.4);
    expect(accuracy).toBeGreaterThan(0.85);
  });

  it('k-means: finds the centres', async () => {
    const { error, spread } = await kMeans(ctx.device, { steps: 6 });
    expect(error).toBeLessThan(0.12);
    expect(Math.abs(spread - 0.6)).toBeLessThan(0.03);
  });

  it('digits: reads digits that it has not seen', async () => {
    const { losses, accuracy } = await digits(ctx.device, { steps: 40 });
    expect(losses[1]).toBeLessThan(0.5 * losses[0]!);
    expect(accuracy).toBeGreaterThan(0.8);
  });

  it('diffusion: samples lie on both moons', async () => {
    const { upper, lower } = await diffusion(ctx.device, { steps: 400 });
    expect(Math.min(upper, lower)).toBeGreaterThan(0.15);
    expect(upper + lower).toBeGreaterThan(0.4);
  });

  it('double-pendulum: frequencies and energy are right', async () => {
    const { error, drift, moved } = await doublePendulum(ctx.device, { steps: 40 });
    expect(error).toBeLessThan(1e-3);
    expect(moved).toBeGreaterThan(0.05);
    expect(drift).toBeLessThan(1e-3);
  });

  it('lora: teaches the frozen tower new drawings', async () => {
    const { before, after } = await lora(ctx.device, { steps: 10 });
    expect(after).toBeGreaterThan(before + 0.1);
  });

  it('char-gpt: learns the poem', async () => {
    const { losses, text } = await charGpt(ctx.device, { steps: 60 });
    expect(losses.at(-1)).toBeLessThan(0.75 * losses[0]!);
    expect(text).toHaveLength(64);
  });
});
