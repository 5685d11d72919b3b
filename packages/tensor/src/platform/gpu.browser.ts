/** WebGPU in a browser: `navigator.gpu`, in pages and in workers. */
import { DeviceError } from '../errors.ts';
import type { AsyncContextFactory, OpenGpu, AwaitGpu, LoadTuningText, SaveTuningText, Tuning } from './platform.ts';

/** The browser's entry point. Its checks are always on. */
export const openGpu: OpenGpu = async () => {
  const gpu = globalThis.navigator?.gpu;
  if (gpu) return gpu;
  if (!globalThis.isSecureContext) {
    throw new DeviceError(
      'Device.open',
      'WebGPU is hidden from pages that are not secure',
      'serve the page by https or from localhost',
      { code: 'device.insecure' },
    );
  }
  throw new DeviceError('Device.open', 'this browser has no WebGPU', 'use Chrome or Edge 113, Safari 26, Firefox 141 or later', {
    code: 'device.noWebGpu',
  });
};

/** What to do where the browser has WebGPU but offers no adapter. */
export function noAdapterFix(): string {
  return [
    'turn on hardware acceleration in the browser and see chrome://gpu for what blocks it; on Linux start Chrome with',
    '--enable-unsafe-webgpu --enable-features=Vulkan, and add --use-webgpu-adapter=swiftshader to run on the CPU',
  ].join(' ');
}

/** What to do where the adapter is of another kind: a page cannot choose its driver. */
export function otherKindFix(_wanted: string): string {
  return 'leave out the option adapter, or start the browser on another driver';
}

/** Pages have no environment. */
export function readEnvironment(_name: string): string | undefined {
  return undefined;
}

/** Browsers cannot follow a value through await yet (AsyncContext is a proposal): the context is a synchronous stack there. */
export const createAsyncContext: AsyncContextFactory = () => undefined;

/** The GPU works in a process of its own and the browser waits for it. */
export const awaitGpu: AwaitGpu = (promise) => promise;

/**
 * A page measures only when it asks. Measuring compiles some twenty pipelines and takes seconds on the GPU that also draws the page, at every visitor's
 * first visit, and a worker cannot store the outcome.
 */
export const usualTuning: Tuning = 'stored';

/** Stored choices come from localStorage, which workers lack. */
export const loadTuningText: LoadTuningText = async (name) => globalThis.localStorage?.getItem(storageKey(name)) ?? undefined;

/** @throws DeviceError in a worker */
export const saveTuningText: SaveTuningText = async (name, text) => {
  if (!globalThis.localStorage) {
    throw new DeviceError(
      'tune',
      'this context has no localStorage to keep measurements in',
      'tune on the page, or hand the table to device.tuner.load()',
    );
  }
  globalThis.localStorage.setItem(storageKey(name), text);
  return `localStorage["${storageKey(name)}"]`;
};

function storageKey(name: string): string {
  return `mudpt.tuning.${name}`;
}
