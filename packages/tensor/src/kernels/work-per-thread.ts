/** How much of an elementwise problem one thread takes. */
import type { Device } from '../device.ts';

export type SpanVariant = 'short' | 'long';

export type Span = {
  /** Threads of a workgroup. */
  readonly group: number;
  /** Vectors of 4 elements that a thread takes of dense tensors. */
  readonly vectors: number;
  /** Neighbours along the last dimension that a thread takes of strided tensors. */
  readonly run: number;
};

const SPANS: Readonly<Record<SpanVariant, Span>> = {
  short: { group: 64, vectors: 4, run: 4 },
  long: { group: 8, vectors: 64, run: 64 },
};

/**
 * GPUs hide the latency of memory behind many short threads; on CPU adapters every thread and every workgroup costs, so few long ones read
 * up to three times as many bytes a second. The results have the same bits.
 */
export function chooseSpan(device: Device, family: string, key: string): Span {
  return SPANS[device.tuner.choose(family, spanCandidates(device), key)];
}

/** Both, the presumably better one first. */
export function spanCandidates(device: Device): readonly SpanVariant[] {
  return device.adapter.kind === 'gpu' ? ['short', 'long'] : ['long', 'short'];
}
