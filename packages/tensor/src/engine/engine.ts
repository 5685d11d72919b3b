/** The engine of one device: its memory, the commands recorded for it, its pipelines and readings. Ops and kernels use this interface. */
import { type DType, expectDTypeName } from '../dtype.ts';
import { DeviceError, DTypeError } from '../errors.ts';
import type { AwaitGpu } from '../platform/platform.ts';
import type { AdapterInfo } from './adapter.ts';
import type { Capture } from './capture.ts';
import type { Command, Grid } from './commands.ts';
import { LeakDetector } from './leaks.ts';
import type { Params } from './params.ts';
import { type PipelineEntry, Pipelines } from './pipelines.ts';
import { Pool, type PoolBuffer } from './pool.ts';
import type { Profile } from './profiler.ts';
import { profiling } from './profiling.ts';
import { Readback } from './readback.ts';
import { Recorder } from './recorder.ts';
import { Storage } from './storage.ts';
import { UNSCOPED_WARNING, Unscoped } from './unscoped.ts';

/** Memory of an engine; bytes are of GPU memory. */
type Stats = { liveTensors: number; liveBytes: number; peakLiveBytes: number };

/** Diagnostics of an engine. */
export type EngineOptions = {
  /** Whether to record where each tensor was made. */
  readonly leaks?: boolean;
  /** How many live tensors outside of scopes print a warning. */
  readonly unscopedWarning?: number;
};

export class Engine {
  readonly pipelines: Pipelines;
  readonly recorder: Recorder;
  readonly pool: Pool;
  /** Live tensors and bytes; tensors count themselves. */
  readonly stats: Stats = { liveTensors: 0, liveBytes: 0, peakLiveBytes: 0 };
  readonly leaks: LeakDetector | undefined;
  readonly unscoped: Unscoped;
  /** Run after every read; for checks whose outcome is computed on the GPU. */
  readonly afterRead = new Set<() => Promise<void>>();
  private readonly readback: Readback;
  /** The capture that takes recorded work, while a function is being captured. */
  capturing: Capture | undefined;

  /** @param wait awaits promises of the GPU; on CPU adapters without taking a core from them */
  constructor(
    readonly gpu: GPUDevice,
    private readonly adapter: AdapterInfo,
    private readonly wait: AwaitGpu,
    options: EngineOptions = {},
  ) {
    this.leaks = options.leaks ? new LeakDetector() : undefined;
    this.unscoped = new Unscoped(options.unscopedWarning ?? UNSCOPED_WARNING);
    this.pipelines = new Pipelines(gpu, wait);
    this.recorder = new Recorder(gpu, wait);
    const most = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
    this.pool = new Pool(
      gpu,
      Math.floor(most / 16) * 16,
      () => this.recorder.submitted,
      (id) => this.recorder.groups.evict(id),
    );
    this.readback = new Readback(gpu, this.recorder, wait);
    gpu.addEventListener('uncapturederror', ({ error }) => {
      const fix = /memory/i.test(error.message)
        ? 'dispose tensors, call device.trim(), or use smaller batches'
        : 'check the kernel or buffer named in the message';
      this.recorder.fail(new DeviceError('device', error.message, fix));
    });
    void gpu.lost.then((info) => {
      const why = info.message || info.reason;
      this.recorder.fail(
        new DeviceError(
          'device',
          `the device was lost: ${why}`,
          'open a new one with Device.open() and create tensors and weights again',
          { code: 'device.lost' },
        ),
      );
    });
  }

  /** Submits recorded work and waits until the device accepted it. @throws DeviceError for whatever went wrong */
  async settle(): Promise<void> {
    this.expectNoCapture('settle');
    await this.recorder.settle();
  }

  /** Waits until all recorded work is done. @throws DeviceError for whatever went wrong */
  async synchronize(): Promise<void> {
    await this.settle();
    await this.wait(this.gpu.queue.onSubmittedWorkDone());
    await this.recorder.settle();
  }

  /** Gives unused pooled memory back to the driver. */
  trim(): void {
    this.recorder.flush();
    this.pool.trim();
  }

  /** Runs `body` with every dispatch timed. */
  async profile(body: () => Promise<void> | void): Promise<Profile> {
    await this.settle();
    const { start } = profiling;
    if (!start)
      throw new DeviceError(
        'profile',
        'the profiler is not in this bundle: @mudpt/tensor/functions leaves it out',
        "import '@mudpt/tensor' where you profile",
      );
    const profiler = start(this.gpu, this.wait);
    this.recorder.profiler = profiler;
    try {
      await body();
      await this.settle();
    } finally {
      this.recorder.profiler = undefined;
    }
    return await profiler.finish();
  }

  /** New memory; the storage starts with one reference. @param options.hostWrite the host writes it before any command does. Default false */
  allocate(bytes: number, { hostWrite = false } = {}): Storage {
    this.recorder.check();
    const rounded = Math.max(16, Math.ceil(bytes / 16) * 16);
    const { capturing } = this;
    const buffer =
      capturing && !hostWrite ? capturing.allocate(this.pool.plannedBytes(rounded)) : this.pool.acquire(rounded, hostWrite);
    const storage = this.storageOf(buffer, bytes, capturing ? undefined : (freed) => this.pool.release(freed));
    capturing?.bind(buffer, storage);
    return storage;
  }

  /** Storage of `bytes` bytes on `buffer`, counted as live until its last reference is released, which calls `free`. */
  storageOf(buffer: PoolBuffer, bytes: number, free: ((buffer: PoolBuffer) => void) | undefined): Storage {
    const { stats } = this;
    stats.liveBytes += bytes;
    stats.peakLiveBytes = Math.max(stats.peakLiveBytes, stats.liveBytes);
    return new Storage(this, buffer, bytes, () => {
      stats.liveBytes -= bytes;
      free?.(buffer);
    });
  }

  /** Writes `bytes` in the order of recorded commands. */
  writeBytes(buffer: PoolBuffer, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.capturing?.expectConstant(buffer);
    this.recorder.write(buffer, offset, bytes);
  }

  /** Bytes of a buffer after all recorded commands; offset and size are multiples of 4. */
  async readBytes(buffer: PoolBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    this.expectNoCapture('data');
    const copy = await this.readback.read(buffer, offset, bytes);
    // All of them report, so that none is left for the next read; the first error is thrown, later ones may be its consequence.
    const reports = await Promise.allSettled([...this.afterRead].map((check) => check()));
    const failed = reports.find((report) => report.status === 'rejected');
    if (failed) throw failed.reason;
    return copy;
  }

  /** The outcome of a check, for those that run after a read. */
  async readFlags(buffer: PoolBuffer, bytes: number): Promise<ArrayBuffer> {
    return await this.readback.read(buffer, 0, bytes);
  }

  /** Records a dispatch; the caller has checked the kernel's arguments. */
  dispatch(entry: PipelineEntry, buffers: readonly PoolBuffer[], params: Params, grid: Grid, flops: number, bytes: number): void {
    const slot = (this.capturing ?? this.recorder).addParams(entry, params);
    this.record({ kind: 'dispatch', entry, buffers, slot, grid, flops, bytes });
  }

  /** Counts a write of a recorded dispatch; of a captured one, every replay writes again. */
  noteWrite(storage: Storage): void {
    storage.version += 1;
    this.capturing?.noteWrite(storage);
  }

  /** Records a command: to be submitted, or into the capture in progress. */
  record(command: Command): void {
    (this.capturing ?? this.recorder).record(command);
  }

  /** @throws DTypeError where the device cannot have tensors of `dtype` */
  expectDType(op: string, dtype: DType): void {
    expectDTypeName(op, dtype);
    if (dtype === 'f16' && !this.gpu.features.has('shader-f16')) {
      throw new DTypeError(
        op,
        `adapter "${this.adapter.name}" has no shader-f16, so f16 tensors cannot be used`,
        "use dtype 'f32', or another adapter",
      );
    }
  }

  get isCapturing(): boolean {
    return this.capturing !== undefined;
  }

  /** @throws CaptureError while a function is being captured */
  expectNoCapture(op: string): void {
    this.capturing?.refuseRead(op);
  }
}
