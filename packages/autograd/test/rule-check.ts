/** Checks a function of tensors against central differences of its f64 form. */
import { type Device, type Tensor, tensor } from '@mudpt/tensor';
import { gradcheck } from '@mudpt/autograd';
import type { Ref } from '../../tensor/test/reference/array.ts';
import { random, toF32 } from '../../tensor/test/reference/inputs.ts';

export type Case = {
  readonly shapes: readonly (readonly number[])[];
  readonly run: (...inputs: Tensor[]) => Tensor;
  readonly reference: (...inputs: Ref[]) => Ref;
  /** Ranges of the inputs; the first serves where there is none. Default -1 to 1. */
  readonly domain?: readonly (readonly [low: number, high: number])[];
};

/** Runs a case with random inputs. @throws Error when a gradient differs */
export async function checkRule(device: Device, { shapes, run, reference, domain }: Case): Promise<void> {
  const inputs = shapes.map((shape, which) => {
    const [low, high] = domain?.[which] ?? domain?.[0] ?? [-1, 1];
    return tensor(toF32(random(shape, which + 3, { distribution: 'uniform', low, high })), { shape, device });
  });
  try {
    await gradcheck(run, inputs, { reference: (...values) => reference(...(values as unknown as Ref[])) });
  } finally {
    for (const input of inputs) input.dispose();
  }
}
