import { Device } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { byKernel, firstStep } from './first-step.ts';

/** Each takes up to half a second to compile when it first runs, and a new user waits for all of them: 28 when this was written. */
const MOST_PIPELINES = 32;

it('pnpm train compiles few pipelines until its first step, on lavapipe', async ({ skip }) => {
  const device = await Device.open({ tuning: 'none' });
  try {
    if (device.adapter.kind !== 'lavapipe') skip('other adapters have other plans');
    const { pipelines, done } = await firstStep(device);
    expect(done.ready).toBeLessThan(done.step);
    expect(pipelines.length, byKernel(pipelines)).toBeLessThanOrEqual(MOST_PIPELINES);
  } finally {
    device.dispose();
  }
});
