/**
 * Records a step without running it: memory is virtual while commands are collected, then real buffers are planned by liveness and
 * the commands get their bind groups once. Replaying costs no op code, no allocation and one submit.
 */
import { CaptureError } from '../errors.ts';
import type { Storage } from '../storage.ts';
import { type Command, type DispatchCommand, PAGE_BYTES } from './commands.ts';
import type { Params } from './params.ts';
import type { PipelineEntry } from './pipelines.ts';
import { nextId, type PoolBuffer } from './pool.ts';
import { ParamPages } from './recorder.ts';

type Lifetime = { readonly buffer: PoolBuffer; first: number; last: number };
/** A real buffer shared by virtual ones whose lifetimes do not meet. */
type Slot = { readonly buffer: PoolBuffer; readonly lifetimes: Lifetime[] };

/** What a capture needs of its device. */
export type CaptureHost = {
  acquire(bytes: number): PoolBuffer;
  group(command: DispatchCommand, page: GPUBuffer | undefined): GPUBindGroup;
  uniform(bytes: number, words: Uint32Array<ArrayBuffer>): GPUBuffer;
};

export type PlanMemory = {
  readonly commands: readonly Command[];
  readonly pages: readonly GPUBuffer[];
  /** Buffers that belong to the plan. */
  readonly owned: readonly PoolBuffer[];
  /** Virtual buffers; they share the memory of owned ones. */
  readonly virtual: readonly PoolBuffer[];
  /** Buffers of tensors that live outside. */
  readonly external: readonly PoolBuffer[];
  /** Bytes if every virtual buffer had memory of its own. */
  readonly virtualBytes: number;
  readonly plannedBytes: number;
};

export class Capture {
  private readonly commands: Command[] = [];
  private readonly params = new ParamPages();
  private readonly virtual = new Map<PoolBuffer, Storage | undefined>();
  private readonly constants: PoolBuffer[] = [];

  addParams(entry: PipelineEntry, params: Params): number {
    return this.params.add(entry, params);
  }

  allocate(bytes: number): PoolBuffer {
    const buffer: PoolBuffer = { id: nextId(), bytes, gpu: undefined, lastUse: 0, pins: 0 };
    this.virtual.set(buffer, undefined);
    return buffer;
  }

  /** Tells which storage a virtual buffer backs: one that is still referenced at the end keeps its memory for itself. */
  bind(buffer: PoolBuffer, storage: Storage): void {
    if (this.virtual.has(buffer)) this.virtual.set(buffer, storage);
    else this.constants.push(buffer);
  }

  isConstant(buffer: PoolBuffer): boolean {
    return this.constants.includes(buffer);
  }

  record(command: Command): void {
    if (command.kind === 'replay')
      throw new CaptureError('capture', 'a captured function was called inside another one', 'capture the outer function only');
    this.commands.push(command);
  }

  /** Plans memory and makes the commands replayable. */
  finish(host: CaptureHost): PlanMemory {
    const { lifetimes, external } = this.lifetimes();
    const slots: Slot[] = [];
    for (const lifetime of [...lifetimes.values()].sort((a, b) => b.buffer.bytes - a.buffer.bytes)) {
      let slot = slots.findLast(({ lifetimes: taken }) =>
        taken.every((other) => other.first > lifetime.last || lifetime.first > other.last),
      );
      if (!slot) {
        slot = { buffer: host.acquire(lifetime.buffer.bytes), lifetimes: [] };
        slots.push(slot);
      }
      slot.lifetimes.push(lifetime);
      lifetime.buffer.gpu = slot.buffer.gpu;
    }
    const pages = this.params.pages.map((page, index) => host.uniform(PAGE_BYTES, page.u32.subarray(0, this.params.used(index))));
    for (const command of this.commands) {
      if (command.kind === 'dispatch')
        command.group = host.group(command, command.slot < 0 ? undefined : pages[Math.floor(command.slot / (PAGE_BYTES / 256))]);
    }
    const planned = slots.reduce((sum, { buffer }) => sum + buffer.bytes, 0);
    return {
      commands: this.commands,
      pages,
      owned: [...slots.map(({ buffer }) => buffer), ...this.constants],
      virtual: [...this.virtual.keys()],
      external: [...external],
      virtualBytes: [...lifetimes.keys()].reduce((sum, buffer) => sum + buffer.bytes, 0),
      plannedBytes: planned,
    };
  }

  /** First and last command that touches each virtual buffer; one still referenced lives to the end. */
  private lifetimes(): { lifetimes: Map<PoolBuffer, Lifetime>; external: Set<PoolBuffer> } {
    const lifetimes = new Map<PoolBuffer, Lifetime>();
    const external = new Set<PoolBuffer>();
    const touch = (buffer: PoolBuffer, at: number): void => {
      if (!this.virtual.has(buffer)) {
        if (!this.constants.includes(buffer)) external.add(buffer);
        return;
      }
      const known = lifetimes.get(buffer);
      if (known) known.last = at;
      else lifetimes.set(buffer, { buffer, first: at, last: at });
    };
    this.commands.forEach((command, at) => {
      if (command.kind === 'dispatch') for (const buffer of command.buffers) touch(buffer, at);
      if (command.kind === 'copy') {
        if ('lastUse' in command.source) touch(command.source, at);
        if ('lastUse' in command.target) touch(command.target, at);
      }
    });
    for (const [buffer, storage] of this.virtual) {
      if (!storage?.isReferenced) continue;
      const known = lifetimes.get(buffer);
      if (known) known.last = Number.POSITIVE_INFINITY;
      else lifetimes.set(buffer, { buffer, first: 0, last: Number.POSITIVE_INFINITY });
    }
    return { lifetimes, external };
  }
}
