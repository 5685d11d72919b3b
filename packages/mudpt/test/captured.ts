/** A captured step of a method against a plain one. */
import { capture, type Device, type Tensor } from '@mudpt/tensor';
import { expect } from 'vitest';
import type { PromptMethod } from '../src/methods/index.ts';
import { type Numbers, stepTensors } from './uneven.ts';

/** Captures a step on the batch and expects of each of two replays the loss and gradients of `plain`, bit for bit. */
export async function expectCapturedAs(
  plain: Numbers,
  method: PromptMethod,
  { images, labels }: { readonly images: Tensor; readonly labels: Tensor },
  device: Device,
): Promise<void> {
  using step = capture(({ x, y }: { x: Tensor; y: Tensor }) => stepTensors(method, x, y), { device });
  for (let replay = 0; replay < 2; replay += 1) {
    const { loss, gradients } = step({ x: images, y: labels });
    expect(await loss.data()).toEqual(plain.get('loss'));
    for (const [key, gradient] of Object.entries(gradients)) expect(await gradient.data(), key).toEqual(plain.get(`grad ${key}`));
  }
}
