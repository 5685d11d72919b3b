/** Commands: the recorded form of GPU work in the recorder and in captured plans. */
import type { PipelineEntry } from './pipelines.ts';
import { SLOT_BYTES } from './params.ts';
import type { PoolBuffer } from './pool.ts';

export type Grid = readonly [number, number, number];

export type DispatchCommand = {
  readonly kind: 'dispatch';
  readonly entry: PipelineEntry;
  /** Storage buffers in the order of `entry.bindings`. */
  readonly buffers: readonly PoolBuffer[];
  /** Parameter slot, or -1 when the kernel takes none. */
  readonly slot: number;
  readonly grid: Grid;
  /** Work done, for the profiler. */
  readonly flops: number;
  readonly bytes: number;
  /** Filled in when the command is first encoded; a replayed one has them from then on. */
  group?: GPUBindGroup;
  offsets?: readonly number[];
};

export type CopyCommand = {
  readonly kind: 'copy';
  readonly source: PoolBuffer | GPUBuffer;
  readonly sourceOffset: number;
  readonly target: PoolBuffer | GPUBuffer;
  readonly targetOffset: number;
  readonly bytes: number;
};

/** One replay of a captured plan. */
export type ReplayCommand = {
  readonly kind: 'replay';
  readonly commands: readonly Command[];
  readonly pages: readonly GPUBuffer[];
};

export type Command = DispatchCommand | CopyCommand | ReplayCommand;

/** Parameter slots in one page; a page is one uniform buffer addressed by dynamic offsets. */
export const PAGE_SLOTS = 256;
export const PAGE_BYTES = PAGE_SLOTS * SLOT_BYTES;
