/** Shared set-up of GPU tests: one device for all files of a process, and a check that no test leaks a tensor. */
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { Device } from '@mudpt/tensor';
import { ranOn } from './adapter-meta.ts';

/** Whether this is the run with WebGPU's default limits and no features, which repeats what limits change. */
export const hasDefaultLimits = globalThis.process?.env?.['TENSOR_LIMITS'] === 'default';

/** Devices by limits; opening one takes a good part of a second. */
const devices = new Map<string, Promise<Device>>();

function open(limits: 'adapter' | 'default'): Promise<Device> {
  const known = devices.get(limits);
  if (known) return known;
  const device = Device.open({ debug: { leaks: true }, limits, tuning: 'none' });
  devices.set(limits, device);
  return device;
}

export type DeviceContext = { readonly device: Device };

/**
 * Runs a suite on the adapter this process sees, tagged `device`. `TENSOR_LIMITS=default` opens it with WebGPU's default limits and no features.
 * After every test: nothing leaked (the leak's source line is printed) and the device reports no error.
 */
export function eachDevice(name: string, body: (context: DeviceContext) => void): void {
  describe(name, { tags: ['device'] }, () => {
    let device: Device | undefined;
    let before: ReadonlySet<unknown> = new Set();
    beforeEach(async ({ task }) => {
      device = await open(hasDefaultLimits ? 'default' : 'adapter');
      ranOn(task, device.adapter);
      before = device.leaks?.mark() ?? new Set();
    });
    afterEach(async () => {
      try {
        await device?.settle();
      } catch (error) {
        device?.clearError(); // one broken kernel fails its own test only
        throw error;
      }
      const leaks = device?.leaks?.since(before as never) ?? [];
      expect(leaks, 'leaked tensors').toEqual([]);
    });
    body({
      get device(): Device {
        if (!device) throw new Error('use ctx.device inside a test');
        return device;
      },
    });
  });
}
