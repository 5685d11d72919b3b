/** The device of the page, opened again where it is lost. */
import { Device } from '@mudpt/tensor';
import type { AdapterFacts } from '../worker/protocol.ts';

export interface OpenDevice {
  readonly device: Device;
  readonly facts: AdapterFacts;
}

/** @param onLost called once, with the browser's reason, unless the page disposed the device itself */
export async function openDevice(onLost: (why: string) => void): Promise<OpenDevice> {
  const device = await Device.open();
  // For a person's console, and for the test that loses it.
  Object.assign(globalThis, { studioDevice: device });
  void device.gpu.lost.then(({ message, reason }) => onLost(message || reason || 'the browser gave no reason'));
  const { name, kind } = device.adapter;
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  return { device, facts: { name, kind, hasF16: device.hasF16, maxBufferSize, maxStorageBufferBindingSize } };
}
