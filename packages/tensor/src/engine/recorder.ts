/**
 * The recorder: collects commands and submits them in batches, one encoder, one submit. Nothing runs until a read, a full batch or {@link Recorder.flush}.
 * Pipelines compile concurrently meanwhile; a batch that needs one still compiling waits for it, and later batches wait for both.
 */
import { DeviceError, TensorError } from '../errors.ts';
import type { AwaitGpu } from '../platform/platform.ts';
import { type Command, PAGE_BYTES, PAGE_SLOTS } from './commands.ts';
import { BindGroups, encode } from './encode.ts';
import { packParams, type Params, ParamTarget, SLOT_WORDS } from './params.ts';
import type { PipelineEntry } from './pipelines.ts';
import type { PoolBuffer } from './pool.ts';
import type { Profiler } from './profiler.ts';

/** Dispatches after which a batch is submitted without being asked, so that the GPU starts while the host still records. */
const MAX_BATCH = 512;

/** Packs parameters into pages of slots. */
export class ParamPages {
  readonly pages: ParamTarget[] = [];
  slots = 0;

  /** @returns the slot the parameters were written to, -1 when the kernel has none */
  add(entry: PipelineEntry, params: Params): number {
    if (entry.paramsIndex === undefined) return -1;
    const slot = this.slots;
    const page = Math.floor(slot / PAGE_SLOTS);
    const target = (this.pages[page] ??= new ParamTarget(PAGE_SLOTS * SLOT_WORDS));
    packParams(entry.label, entry.params, params, target, (slot % PAGE_SLOTS) * SLOT_WORDS);
    this.slots += 1;
    return slot;
  }

  /** Words used of page `index`. */
  used(index: number): number {
    return Math.min(PAGE_SLOTS, this.slots - index * PAGE_SLOTS) * SLOT_WORDS;
  }
}

type Batch = {
  readonly serial: number;
  readonly commands: Command[];
  readonly params: ParamPages;
  readonly temporary: GPUBuffer[];
};

export class Recorder {
  readonly groups: BindGroups;
  submitted = 0;
  submits = 0;
  dispatches = 0;
  profiler: Profiler | undefined;
  private batch: Batch = emptyBatch(1);
  private spare: ParamPages[] = [];
  private readonly pages: GPUBuffer[] = [];
  private waiting = 0;
  private tail: Promise<void> = Promise.resolve();
  private checks: Promise<void>[] = [];
  private failure: TensorError | undefined;

  constructor(
    private readonly gpu: GPUDevice,
    private readonly wait: AwaitGpu,
  ) {
    this.groups = new BindGroups(gpu);
  }

  /** Writes parameters for a dispatch of the open batch. */
  addParams(entry: PipelineEntry, params: Params): number {
    return this.batch.params.add(entry, params);
  }

  record(command: Command): void {
    const { serial, commands } = this.batch;
    if (command.kind === 'dispatch') {
      this.dispatches += 1;
      for (const buffer of command.buffers) buffer.lastUse = serial;
    } else if (command.kind === 'copy') {
      touch(command.source, serial);
      touch(command.target, serial);
    }
    commands.push(command);
    if (commands.length >= MAX_BATCH) this.flush();
  }

  /** Marks a buffer as used by the open batch (captured plans do so for the buffers they replay on). */
  use(buffer: PoolBuffer): void {
    buffer.lastUse = this.batch.serial;
  }

  /** Copies `bytes` into `target` in the order of commands, or at once when no recorded command uses it. */
  write(target: PoolBuffer, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.byteLength === 0) return;
    if (target.lastUse <= this.submitted && target.gpu) {
      this.gpu.queue.writeBuffer(target.gpu, offset, bytes);
      return;
    }
    const staging = this.gpu.createBuffer({ size: Math.ceil(bytes.byteLength / 4) * 4, usage: 0x04, mappedAtCreation: true });
    new Uint8Array(staging.getMappedRange()).set(bytes);
    staging.unmap();
    this.batch.temporary.push(staging);
    this.record({ kind: 'copy', source: staging, sourceOffset: 0, target, targetOffset: offset, bytes: staging.size });
  }

  /** Submits what was recorded, now or as soon as its pipelines are compiled. Errors surface at {@link settle}. */
  flush(): void {
    const { batch } = this;
    if (batch.commands.length === 0) return;
    this.batch = emptyBatch(batch.serial + 1, this.spare.pop());
    const compiling = uncompiled(batch.commands);
    if (this.waiting === 0 && compiling.size === 0) {
      this.submit(batch);
      return;
    }
    this.waiting += 1;
    this.tail = this.tail.then(async () => {
      try {
        await Promise.all([...compiling].map((entry) => entry.ready));
        this.submit(batch);
      } catch (error) {
        this.submitted = batch.serial;
        this.fail(
          error instanceof TensorError ? error : new DeviceError('submit', String(error), 'see the cause', { cause: error }),
        );
      } finally {
        this.waiting -= 1;
      }
    });
  }

  /** Destroys buffers once all that was recorded so far is submitted: batches may still wait for their pipelines. */
  destroyAfterwards(buffers: readonly GPUBuffer[]): void {
    this.flush();
    const destroy = (): void => {
      for (const buffer of buffers) buffer.destroy();
    };
    if (this.waiting === 0) destroy();
    else this.tail = this.tail.then(destroy);
  }

  /** Waits until everything flushed so far was accepted by the device; throws the first error of the device's life. */
  async settle(): Promise<void> {
    this.flush();
    await this.tail;
    await this.wait(Promise.all(this.checks));
    this.check();
  }

  check(): void {
    if (this.failure) throw this.failure;
  }

  /** The first error wins: what follows is its consequence. */
  fail(error: TensorError): void {
    this.failure ??= error;
  }

  /** Forgets a reported error. For tests, and for callers that know which tensors it spoilt. */
  clearError(): void {
    this.failure = undefined;
  }

  private submit(batch: Batch): void {
    const { gpu } = this;
    gpu.pushErrorScope('out-of-memory');
    gpu.pushErrorScope('validation');
    batch.params.pages.forEach((page, index) => {
      const used = batch.params.used(index);
      if (used > 0) gpu.queue.writeBuffer(this.page(index), 0, page.u32, 0, used);
    });
    const encoder = gpu.createCommandEncoder();
    encode(encoder, batch.commands, this.pages, this.groups, this.profiler);
    gpu.queue.submit([encoder.finish()]);
    this.submitted = batch.serial;
    this.submits += 1;
    for (const buffer of batch.temporary) buffer.destroy();
    batch.params.slots = 0;
    this.spare.push(batch.params);
    const check = Promise.all([gpu.popErrorScope(), gpu.popErrorScope()]).then(
      ([validation, memory]) => {
        this.checks = this.checks.filter((other) => other !== check);
        if (memory)
          this.fail(
            new DeviceError(
              'submit',
              `out of memory: ${memory.message}`,
              'use smaller batches, or free tensors you no longer need',
              { code: 'device.memory' },
            ),
          );
        else if (validation) this.fail(new DeviceError('submit', validation.message, 'check the kernel named in the message'));
      },
      () => undefined, // a lost device rejects its error scopes; the loss itself is reported by Device
    );
    this.checks.push(check);
  }

  private page(index: number): GPUBuffer {
    return (this.pages[index] ??= this.gpu.createBuffer({ size: PAGE_BYTES, usage: 0x40 | 0x08 })); // UNIFORM | COPY_DST
  }
}

function emptyBatch(serial: number, params = new ParamPages()): Batch {
  return { serial, commands: [], params, temporary: [] };
}

function touch(buffer: PoolBuffer | GPUBuffer, serial: number): void {
  if ('lastUse' in buffer) buffer.lastUse = serial;
}

function uncompiled(commands: readonly Command[], found = new Set<PipelineEntry>()): Set<PipelineEntry> {
  for (const command of commands) {
    if (command.kind === 'dispatch' && !command.entry.pipeline) found.add(command.entry);
    if (command.kind === 'replay') uncompiled(command.commands, found);
  }
  return found;
}
