import { openGpu, patiently } from '#gpu';
import { type DType, expectDTypeName } from './dtype.ts';
import { CaptureError, DeviceError, DTypeError } from './errors.ts';
import type { Patiently } from './platform/platform.ts';
import { Storage } from './engine/storage.ts';
import { type AdapterInfo, type AdapterKind, dawnOptions, describeAdapter, requestAdapterAndDevice } from './engine/adapter.ts';
import { registerDevice, unregisterDevice } from './engine/current.ts';
import { Capture, type PlanCost } from './engine/capture.ts';
import type { Command, Grid } from './engine/commands.ts';
import { LeakDetector } from './engine/leaks.ts';
import type { Params } from './engine/params.ts';
import { Plan } from './engine/plan.ts';
import { type PipelineEntry, Pipelines } from './engine/pipelines.ts';
import { nextId, Pool, type PoolBuffer } from './engine/pool.ts';
import { type Profile, Profiler } from './engine/profiler.ts';
import { Readback } from './engine/readback.ts';
import { Recorder } from './engine/recorder.ts';
import { loadTuning, Tuner } from './kernels/tuning/tuner.ts';

/** What {@link Device.open} looks for. */
export type DeviceOptions = {
  /** Use this device instead of opening one; the caller keeps owning it. */
  readonly gpu?: GPUDevice;
  /** Refuse another kind of adapter. Which Vulkan driver is seen at all is decided before the process starts. */
  readonly adapter?: AdapterKind;
  /** 'default' asks for no feature and no limit beyond what every WebGPU device has. */
  readonly limits?: 'adapter' | 'default';
  /** 'off' drops Dawn's validation and bounds checks: for benchmarks of proven kernels only. */
  readonly checks?: 'on' | 'off';
  /** 'none' ignores what {@link tune} stored for this adapter; kernels are then chosen by rule. */
  readonly tuning?: 'stored' | 'none';
  /** Record where each tensor was created, for {@link Device.leaks}. Slow; for tests. */
  readonly debug?: boolean;
};

/** What a device holds. Bytes are of GPU memory. */
export type MemoryReport = {
  readonly liveTensors: number;
  readonly liveBytes: number;
  readonly pooledBytes: number;
  readonly totalBytes: number;
  readonly peakBytes: number;
};

/** One GPU (or software adapter) and everything the engine keeps on it. Open it once and share it. */
export class Device {
  readonly pipelines: Pipelines;
  readonly tuner = new Tuner();
  readonly stats = { liveTensors: 0, liveBytes: 0, peakLiveBytes: 0 };
  readonly leaks: LeakDetector | undefined;
  /** Whether ops look for indices outside their axis; the next read then throws. Off by default: it costs a kernel per op and a read. */
  checkIndices = false;
  /** Runs after every read; for checks whose outcome only the GPU knows. */
  afterRead: (() => Promise<void>) | undefined;
  readonly limits: GPUSupportedLimits;
  readonly hasF16: boolean;
  /** Invocations per subgroup where that is one fixed number, else 0. */
  readonly subgroupSize: number;
  private readonly pool: Pool;
  private readonly recorder: Recorder;
  private readonly readback: Readback;
  /** Awaits promises of the GPU; on CPU adapters without taking a core from them. */
  private readonly wait: Patiently;
  private capturing: Capture | undefined;

  /** Wraps a device; {@link Device.open} finds one. */
  constructor(
    readonly gpu: GPUDevice,
    readonly adapter: AdapterInfo,
    private readonly owned: boolean,
    debug = false,
  ) {
    this.limits = gpu.limits;
    this.hasF16 = gpu.features.has('shader-f16');
    this.subgroupSize = gpu.features.has('subgroups') ? adapter.subgroupSize : 0;
    this.leaks = debug ? new LeakDetector() : undefined;
    this.wait = adapter.kind === 'gpu' ? (promise) => promise : patiently;
    this.pipelines = new Pipelines(gpu, this.wait);
    this.recorder = new Recorder(gpu, this.wait);
    const most = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
    this.pool = new Pool(
      gpu,
      Math.floor(most / 16) * 16,
      () => this.recorder.submitted,
      (id) => this.recorder.groups.evict(id),
    );
    this.readback = new Readback(gpu, this.recorder, this.wait);
    gpu.addEventListener('uncapturederror', ({ error }) => {
      const fix = /memory/i.test(error.message)
        ? 'dispose tensors, call device.trim(), or use smaller batches'
        : 'check the kernel or buffer named in the message';
      this.recorder.fail(new DeviceError('device', error.message, fix));
    });
    registerDevice(this);
    void gpu.lost.then((info) => {
      const why = info.message || info.reason;
      this.recorder.fail(
        new DeviceError(
          'device',
          `the device was lost: ${why}`,
          'open a new one with Device.open() and create tensors and weights again',
        ),
      );
    });
  }

  /**
   * Opens the best adapter there is: a real GPU, else a software one (`pnpm doctor` tells which and why).
   * @throws DeviceError when there is none, with what to install
   */
  static async open(options: DeviceOptions = {}): Promise<Device> {
    const { gpu, debug } = options;
    if (gpu) return new Device(gpu, describeAdapter(gpu.adapterInfo, gpu.features), false, debug);
    const { device, info } = await requestAdapterAndDevice({ ...options, gpu: await openGpu(dawnOptions(options.checks)) });
    const opened = new Device(device, info, true, debug);
    if (options.tuning !== 'none') await loadTuning(opened.tuner, info.key);
    return opened;
  }

  /** Live and pooled memory; `peakBytes` is the most ever held at once. */
  memory(): MemoryReport {
    const { pooledBytes, totalBytes, peakBytes } = this.pool;
    return { liveTensors: this.stats.liveTensors, liveBytes: this.stats.liveBytes, pooledBytes, totalBytes, peakBytes };
  }

  /** Submits and dispatches since the device was opened. */
  counters(): { readonly submits: number; readonly dispatches: number; readonly bindGroups: number; readonly pipelines: number } {
    const { submits, dispatches, groups } = this.recorder;
    return { submits, dispatches, bindGroups: groups.size, pipelines: this.pipelines.compiled.length };
  }

  /** Submits recorded work without waiting for it. */
  flush(): void {
    this.recorder.flush();
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

  /** Forgets a reported error; tensors computed meanwhile hold no meaningful values. */
  clearError(): void {
    this.recorder.clearError();
  }

  /** Runs `body` with every dispatch timed. */
  async profile(body: () => Promise<void> | void): Promise<Profile> {
    await this.settle();
    const profiler = new Profiler(this.gpu, this.wait);
    this.recorder.profiler = profiler;
    try {
      await body();
      await this.settle();
    } finally {
      this.recorder.profiler = undefined;
    }
    return await profiler.finish();
  }

  /** Releases everything. A device passed in by its owner stays open. */
  dispose(): void {
    unregisterDevice(this);
    this.pool.trim();
    if (this.owned) this.gpu.destroy();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  // What follows serves ops and kernels.

  /** New memory; the storage starts with one reference. @param hostWrite the host writes it before any command does */
  allocate(bytes: number, hostWrite = false): Storage {
    this.recorder.check();
    const rounded = Math.max(16, Math.ceil(bytes / 16) * 16);
    const { capturing } = this;
    const buffer =
      capturing && !hostWrite ? capturing.allocate(this.pool.classOf(rounded)) : this.pool.acquire(rounded, hostWrite);
    this.stats.liveBytes += bytes;
    this.stats.peakLiveBytes = Math.max(this.stats.peakLiveBytes, this.stats.liveBytes);
    const storage = new Storage(this, buffer, bytes, capturing ? undefined : (freed) => this.pool.release(freed));
    capturing?.bind(buffer, storage);
    return storage;
  }

  /** Storage on a buffer of the caller; releasing it forgets the buffer but does not destroy it. */
  wrapBuffer(gpu: GPUBuffer, bytes: number): Storage {
    this.stats.liveBytes += bytes;
    const buffer: PoolBuffer = { id: nextId(), bytes: gpu.size, gpu, lastUse: 0, pins: 0 };
    return new Storage(this, buffer, bytes, (freed) => this.recorder.groups.evict(freed.id));
  }

  /** Records what `body` does without running it, and plans its memory. {@link capture} is the friendly form. */
  recordPlan<T>(body: () => T): { readonly result: T; readonly plan: Plan } {
    const { result, capturing } = this.collect(body);
    const memory = capturing.finish({
      acquire: (bytes) => this.pool.acquire(bytes, false),
      group: (command, page) => this.recorder.groups.get(command, page, 0, false),
      uniform: (bytes, words) => {
        const page = this.gpu.createBuffer({ size: bytes, usage: 0x40 | 0x08 }); // UNIFORM | COPY_DST
        this.gpu.queue.writeBuffer(page, 0, words);
        return page;
      },
    });
    return { result, plan: new Plan(memory, this.recorder, this.pool) };
  }

  /** What {@link recordPlan} would take: `body` is recorded, and forgotten. The caller disposes the result, which has no memory. */
  measurePlan<T>(body: () => T): { readonly result: T; readonly cost: PlanCost } {
    const { result, capturing } = this.collect(body);
    return { result, cost: capturing.measure((buffer) => this.pool.release(buffer)) };
  }

  private collect<T>(body: () => T): { readonly result: T; readonly capturing: Capture } {
    this.expectNoCapture('capture');
    this.recorder.flush();
    const capturing = new Capture();
    this.capturing = capturing;
    try {
      return { result: body(), capturing };
    } catch (error) {
      capturing.abandon((buffer) => this.pool.release(buffer));
      throw error;
    } finally {
      this.capturing = undefined;
    }
  }

  /** Writes `bytes` in the order of recorded commands. */
  writeBytes(buffer: PoolBuffer, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    if (this.capturing && !this.capturing.isConstant(buffer)) {
      throw new CaptureError(
        'write',
        'a captured function cannot write host data into a tensor',
        'make it an input of the captured function',
      );
    }
    this.recorder.write(buffer, offset, bytes);
  }

  /** Bytes of a buffer after all recorded commands; offset and size are multiples of 4. */
  async readBytes(buffer: PoolBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    this.expectNoCapture('data');
    const copy = await this.readback.read(buffer, offset, bytes);
    await this.afterRead?.();
    return copy;
  }

  /** Records a copy between buffers. */
  copyBytes(source: PoolBuffer, sourceOffset: number, target: PoolBuffer, targetOffset: number, bytes: number): void {
    this.record({ kind: 'copy', source, sourceOffset, target, targetOffset, bytes });
  }

  dispatch(entry: PipelineEntry, buffers: readonly PoolBuffer[], params: Params, grid: Grid, flops: number, bytes: number): void {
    const slot = (this.capturing ?? this.recorder).addParams(entry, params);
    this.record({ kind: 'dispatch', entry, buffers, slot, grid, flops, bytes });
  }

  record(command: Command): void {
    (this.capturing ?? this.recorder).record(command);
  }

  expectDType(op: string, dtype: DType): void {
    expectDTypeName(op, dtype);
    if (dtype === 'f16' && !this.hasF16) {
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
    if (this.capturing)
      throw new CaptureError(
        op,
        'a captured function cannot read from the GPU: its commands have not run yet',
        'return the tensor and read it after the call',
      );
  }
}
