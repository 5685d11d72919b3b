import { DeviceError } from '../errors.ts';
import type { Device } from '../device.ts';

const opened: Device[] = [];

/** Called by every device; the first that is not disposed is the default of creation functions. */
export function registerDevice(device: Device): void {
  opened.push(device);
}

export function unregisterDevice(device: Device): void {
  const index = opened.indexOf(device);
  if (index >= 0) opened.splice(index, 1);
}

/** The default device. @throws DeviceError when none is open */
export function currentDevice(op: string): Device {
  const [device] = opened;
  if (device) return device;
  throw new DeviceError(op, 'no device is open', 'call `const device = await Device.open()` first, or pass options.device');
}
