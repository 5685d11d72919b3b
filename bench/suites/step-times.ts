/** Times of training steps as the trainer runs them, on images of noise. */
import type { Stepper } from 'mudpt';
import type { Device } from '@mudpt/tensor';
import { type Effort, wake } from '../harness.ts';
import { values } from '../inputs.ts';

export interface StepsToTime {
  /** Images a step, and their side in pixels. */
  readonly count: number;
  readonly size: number;
  readonly classes: number;
  /** 2: the method takes a second view of each image. */
  readonly views?: 2 | undefined;
  readonly lr: number;
  /** Most milliseconds of all samples together. */
  readonly most: number;
}

/** Milliseconds of single steps after a first one, which compiles. @throws NotFiniteError where the loss is not finite */
export async function stepTimes(
  device: Device,
  stepper: Stepper,
  { count, size, classes, views, lr, most }: StepsToTime,
  { least, samples }: Effort,
): Promise<number[]> {
  const pixels = (seed: number): Float32Array => values(count * 3 * size * size, seed);
  const batch = {
    images: pixels(1),
    ...(views === 2 && { images2: pixels(2) }),
    shape: [count, 3, size, size] as const,
    labels: Int32Array.from({ length: count }, (_, at) => at % classes),
    items: Array.from({ length: count }, () => ITEM),
  };
  const step = async (): Promise<number> => {
    const begin = performance.now();
    stepper.step([batch], lr);
    await device.synchronize();
    return performance.now() - begin;
  };
  await step();
  await wake(device, step);
  const times: number[] = [];
  const begin = performance.now();
  while (times.length < least || (times.length < samples && performance.now() - begin < most)) times.push(await step());
  await stepper.read();
  return times;
}

/** The stepper counts images, it does not look at them. */
const ITEM = { id: 'noise', image: new Uint8Array(), label: 0 };
