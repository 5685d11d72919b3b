/** How profilers are made: set by the entry with methods, so that small bundles carry none. */
import type { AwaitGpu } from '../platform/platform.ts';
import type { Profiler } from './profiler.ts';

export const profiling: { start?: (gpu: GPUDevice, wait: AwaitGpu) => Profiler } = {};
