/** Drives a run: with reads from the device in between, or without any. */
import { CaptureError, type Device } from '@mudpt/tensor';
import type { Reading } from '../node/operator.ts';

/** The result of `reading`; what it asks for is read from the device. */
export async function driveReading<R>(device: Device, reading: Reading<R>): Promise<R> {
  let step = reading.next();
  while (!step.done) {
    const value = step.value;
    try {
      value.remember(await value.tensor(device).data());
    } catch (error) {
      step = reading.throw(error);
      continue;
    }
    step = reading.next();
  }
  return step.value;
}

/** The result of `reading`, which must not ask for anything. @throws CaptureError where it does */
export function driveAtOnce<R>(reading: Reading<R>): R {
  let step = reading.next();
  while (!step.done) {
    const shape = `[${step.value.shape.join(', ')}]`;
    step = reading.throw(
      new CaptureError(
        'onnx',
        `shapes, or which graph runs, depend on numbers of a tensor of shape ${shape}, which are only on the device`,
        'use run, which reads them, or give the input that they come from as fixed numbers',
      ),
    );
  }
  return step.value;
}
