/** Work per thread of elementwise kernels. */
import type { Device } from '../device.ts';

/** How much a thread does: little, for GPUs, or a long run, for CPU adapters. */
export type WorkVariant = 'short' | 'long';

/** Sizes of a launch that follow from the variant. */
export type WorkPerThread = {
  /** Threads of a workgroup. */
  readonly group: number;
  /** Vectors of 4 elements that a thread takes of dense tensors. */
  readonly vectors: number;
  /** Neighbours along the last dimension that a thread takes of strided tensors. */
  readonly run: number;
};

const VARIANTS: Readonly<Record<WorkVariant, WorkPerThread>> = {
  short: { group: 64, vectors: 4, run: 4 },
  long: { group: 8, vectors: 64, run: 64 },
};

/**
 * On GPUs many short threads hide the latency of memory; on CPU adapters every thread and every workgroup costs, so few long ones read
 * up to three times as many bytes a second. The results have the same bits.
 */
export function workPerThread(device: Device, family: string, key: string): WorkPerThread {
  return VARIANTS[device.tuner.choose(family, workCandidates(device), key)];
}

/** Both variants, the presumably better one first. */
export function workCandidates(device: Device): readonly WorkVariant[] {
  return device.adapter.kind === 'gpu' ? ['short', 'long'] : ['long', 'short'];
}
