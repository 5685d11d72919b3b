/**
 * Recording of a step that does not run: memory is virtual while commands are collected, then those that nobody reads are dropped, real buffers are
 * planned by liveness and the commands get their bind groups once. Replaying costs no op code, no allocation and one submit.
 */
import { CaptureError } from '../errors.ts';
import type { Storage } from './storage.ts';
import { type Command, type DispatchCommand, PAGE_BYTES } from './commands.ts';
import type { Params } from './params.ts';
import type { PipelineEntry } from './pipelines.ts';
import { nextId, type PoolBuffer } from './pool.ts';
import { ParamPages } from './recorder.ts';
import { nth } from '../values.ts';

type Lifetime = { readonly buffer: PoolBuffer; first: number; last: number };
/** Memory shared by virtual buffers whose lifetimes do not overlap, listed in order of time. */
type Slot = { readonly bytes: number; readonly lifetimes: Lifetime[] };

/** The parts of a device that a capture uses. */
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
  /** Virtual buffers, each in the memory of one of the plan's buffers. */
  readonly virtual: readonly PoolBuffer[];
  /** Buffers of tensors that live outside. */
  readonly external: readonly PoolBuffer[];
  /** What lives outside and is written. */
  readonly written: readonly Storage[];
  /** Bytes if every virtual buffer had memory of its own. */
  readonly virtualBytes: number;
  readonly plannedBytes: number;
};

/** Memory that a captured step would take. */
export type PlanCost = {
  /** Device memory that exists as long as the plan does. */
  readonly bytes: number;
  readonly flops: number;
  readonly dispatches: number;
};

export class Capture {
  private commands: readonly Command[] = [];
  private readonly recorded: Command[] = [];
  private readonly params = new ParamPages();
  private readonly virtual = new Map<PoolBuffer, Storage | undefined>();
  private readonly constants = new Set<PoolBuffer>();
  private readonly written = new Set<Storage>();

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
    else this.constants.add(buffer);
  }

  /** @throws CaptureError for a write of host data, which would not be repeated by a replay, into anything but a constant */
  expectConstant(buffer: PoolBuffer): void {
    if (this.constants.has(buffer)) return;
    throw new CaptureError(
      'write',
      'a captured function cannot write host data into a tensor',
      'make it an input of the captured function',
    );
  }

  /** @throws CaptureError always */
  refuseRead(op: string): never {
    throw new CaptureError(
      op,
      'a captured function cannot read from the GPU: its commands have not run yet',
      'return the tensor and read it after the call',
    );
  }

  noteWrite(storage: Storage): void {
    this.written.add(storage);
  }

  record(command: Command): void {
    if (command.kind === 'replay')
      throw new CaptureError('capture', 'a captured function was called inside another one', 'capture the outer function only');
    this.recorded.push(command);
  }

  /** Commands so far. */
  get length(): number {
    return this.recorded.length;
  }

  /** Forgets the last command, whose work the next one does. */
  takeBack(): void {
    this.recorded.pop();
  }

  /** Releases what was allocated. */
  abandon(release: (buffer: PoolBuffer) => void): void {
    for (const buffer of this.constants) release(buffer);
    this.constants.clear();
  }

  /** What {@link finish} would plan. Nothing is allocated; constants were, and go back through `release`. */
  measure(release: (buffer: PoolBuffer) => void): PlanCost {
    const { slots } = this.arrange();
    const constants = [...this.constants];
    this.abandon(release);
    const dispatches = this.commands.filter((command) => command.kind === 'dispatch');
    return {
      bytes: [...slots, ...constants].reduce((sum, { bytes }) => sum + bytes, 0),
      flops: dispatches.reduce((sum, { flops }) => sum + flops, 0),
      dispatches: dispatches.length,
    };
  }

  /** Plans memory and makes the commands replayable. */
  finish(host: CaptureHost): PlanMemory {
    const { slots, lifetimes, external } = this.arrange();
    const shared = slots.map((slot) => {
      const buffer = host.acquire(slot.bytes);
      for (const lifetime of slot.lifetimes) lifetime.buffer.gpu = buffer.gpu;
      return buffer;
    });
    const pages = this.params.pages.map((page, index) => host.uniform(PAGE_BYTES, page.u32.subarray(0, this.params.used(index))));
    for (const command of this.commands) {
      if (command.kind === 'dispatch')
        command.group = host.group(command, command.slot < 0 ? undefined : pages[Math.floor(command.slot / (PAGE_BYTES / 256))]);
    }
    return {
      commands: this.commands,
      pages,
      owned: [...shared, ...this.constants],
      virtual: [...this.virtual.keys()],
      external: [...external],
      written: [...this.written].filter(({ buffer }) => external.has(buffer)),
      virtualBytes: lifetimes.reduce((sum, { buffer }) => sum + buffer.bytes, 0),
      plannedBytes: slots.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  /**
   * The commands whose results are read. When a backward computes a block a second time, it needs the block's intermediate values but not its result, and
   * an op cannot know at that moment whether its result will be read.
   */
  private live(): readonly Command[] {
    const read = new Set<PoolBuffer>();
    const isRead = (buffer: PoolBuffer | GPUBuffer): boolean => {
      if (!('lastUse' in buffer) || !this.virtual.has(buffer)) return true;
      return read.has(buffer) || this.virtual.get(buffer)?.isReferenced === true;
    };
    const isLive = (command: Command): boolean => {
      if (command.kind === 'replay') return true;
      if (command.kind === 'copy') {
        if (!isRead(command.target)) return false;
        if ('lastUse' in command.source) read.add(command.source);
        return true;
      }
      const { entry, buffers } = command;
      if (!buffers.some((buffer, at) => entry.bindings[at]?.access === 'read_write' && isRead(buffer))) return false;
      // Written buffers count as read, because a command may write only a part or add to what is there.
      for (const buffer of buffers) read.add(buffer);
      return true;
    };
    return this.recorded.toReversed().filter(isLive).reverse();
  }

  /** Gives every virtual buffer the smallest slot that is free while it lives; larger buffers choose first. */
  private arrange(): { slots: Slot[]; lifetimes: readonly Lifetime[]; external: Set<PoolBuffer> } {
    this.commands = this.live();
    const { lifetimes, external } = this.lifetimes();
    const slots: Slot[] = [];
    const all = [...lifetimes.values()].sort((a, b) => b.buffer.bytes - a.buffer.bytes);
    for (const lifetime of all) {
      const isIn = slots.findLast(({ lifetimes: taken }) => insert(taken, lifetime));
      if (!isIn) slots.push({ bytes: lifetime.buffer.bytes, lifetimes: [lifetime] });
    }
    return { slots, lifetimes: all, external };
  }

  /** First and last command that touches each virtual buffer; one still referenced lives to the end. */
  private lifetimes(): { lifetimes: Map<PoolBuffer, Lifetime>; external: Set<PoolBuffer> } {
    const lifetimes = new Map<PoolBuffer, Lifetime>();
    const external = new Set<PoolBuffer>();
    const touch = (buffer: PoolBuffer, at: number): void => {
      if (!this.virtual.has(buffer)) {
        if (!this.constants.has(buffer)) external.add(buffer);
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

/** Adds a lifetime to a slot, in order of time, unless it overlaps one of those there. */
function insert(taken: Lifetime[], lifetime: Lifetime): boolean {
  let low = 0;
  let high = taken.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (nth(taken, middle).first < lifetime.first) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [taken[low - 1], taken[low]];
  if ((before && before.last >= lifetime.first) || (after && after.first <= lifetime.last)) return false;
  taken.splice(low, 0, lifetime);
  return true;
}
