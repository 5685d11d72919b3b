/** Memory budgets: the device memory that a run may take, from the configuration or as a share of the machine's. */
import { freemem } from 'node:os';
import type { Device } from '@mudpt/tensor';
import { type Budget, heldBytes } from './choice.ts';

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Bytes of a size such as `2GiB`, `800 MB` or `1500000000`; undefined for anything else. */
export function bytesOfSize(text: string): number | undefined {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const factor = unit === '' ? 1 : UNITS[unit.toLowerCase()];
  const bytes = Number(number) * (factor ?? Number.NaN);
  return bytes > 0 && Number.isFinite(bytes) ? Math.floor(bytes) : undefined;
}

/**
 * The budget that a configuration's `memory` means on this device. WebGPU does not report how much memory an adapter has, so `auto` is: on an adapter
 * that computes on the processor, the memory in use by the device and half of the machine's free memory; on a GPU, the largest single buffer
 * its driver gives (`maxBufferSize`).
 */
export function budgetOf(memory: string, device: Device): Budget {
  const asked = bytesOfSize(memory);
  if (asked !== undefined) return { bytes: asked, isAsked: true };
  if (device.adapter.kind === 'gpu') return { bytes: device.limits.maxBufferSize, isAsked: false };
  // Node reports the memory limit of a container, from version 20.13 on.
  const { availableMemory } = process as { availableMemory?: () => number };
  const free = availableMemory ? availableMemory.call(process) : freemem();
  return { bytes: heldBytes(device) + free / 2, isAsked: false };
}
