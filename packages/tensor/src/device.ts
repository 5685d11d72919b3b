/** Devices: the user's view over the engine. */
import { openGpu, awaitGpu } from '#gpu';
import { otherCopies } from './copies.ts';
import { type AdapterInfo, type AdapterKind, describeAdapter, requestAdapterAndDevice } from './engine/adapter.ts';
import { Engine } from './engine/engine.ts';
import type { LeakDetector } from './engine/leaks.ts';
import type { Profile } from './engine/profiler.ts';
import { tracing } from './engine/tracing.ts';
import { loadTuning, Tuner, tuningMode, type TuningTable } from './engine/tuner.ts';
import { DeviceError } from './errors.ts';

/** What {@link Device.open} looks for. */
export type DeviceOptions = {
  /** Use this device instead of opening one; the caller keeps owning it. */
  readonly gpu?: GPUDevice;
  /** Refuse another kind of adapter. Which Vulkan driver is seen at all is decided before the process starts. */
  readonly adapter?: AdapterKind;
  /** 'default' requests no features, and only the limits that every WebGPU device has. */
  readonly limits?: 'adapter' | 'default';
  /** 'off' drops Dawn's validation and bounds checks: for benchmarks of proven kernels only. */
  readonly checks?: 'on' | 'off';
  /**
   * How variants of kernels are chosen. `stored`: as `mudpt-launch tune` measured on this machine, else as the package has it for adapters of this kind, else by
   * rule. `measure`: the same, and an adapter that neither knows is measured first, once, in seconds. `none`: by rule. Default: the environment
   * variable MUDPT_TUNING, else `measure` in Node and `stored` in pages. For a device of the caller (`gpu`) nothing is measured or read.
   */
  readonly tuning?: 'measure' | 'stored' | 'none';
  /** Slow checks that find mistakes: true for all of them. Without it nothing is recorded or compiled for them. */
  readonly debug?: boolean | DebugOptions;
  /**
   * Live tensors made outside of scopes, neither disposed nor kept, above which one warning names the line that made the last one. Default 1000; Infinity: none.
   */
  readonly unscopedWarning?: number;
};

/** Which slow checks a device makes. */
export type DebugOptions = {
  /** Records where each tensor was made, for {@link Device.leaks}; no tensor is collected as garbage then. */
  readonly leaks?: boolean;
  /** Sets {@link Device.checkIndices}. */
  readonly indices?: boolean;
  /** After each read, throws if an op gave values that are not finite out of finite ones, and names the first such op. */
  readonly finite?: boolean;
};

const DEBUG: Record<keyof Required<DebugOptions>, true> = { leaks: true, indices: true, finite: true };

/** Memory in use on a device. Bytes are of GPU memory. */
export type MemoryReport = {
  /** Tensors neither disposed nor collected; views count. */
  readonly liveTensors: number;
  /** Tensors that nobody disposed, released because they were collected as garbage, since the device was opened. */
  readonly collectedTensors: number;
  readonly liveBytes: number;
  readonly pooledBytes: number;
  readonly totalBytes: number;
  readonly peakBytes: number;
};

/**
 * The package's measured choices of kernels for known adapters, how others are measured, and how experimental kernels among the choices are checked.
 * Set by the main entry, so that small bundles carry none of it.
 */
export const firstUse: {
  tableOf?: (adapter: AdapterInfo) => TuningTable | undefined;
  measure?: (device: Device) => Promise<void>;
  prove?: (device: Device) => Promise<void>;
} = {};

/** Devices that are open, in the order of their opening. */
const opened: Device[] = [];

type Opening = {
  /** Whether disposing the device destroys the GPU device under it. */
  readonly owned: boolean;
  readonly debug: DebugOptions;
  readonly unscopedWarning: number | undefined;
};

/** One GPU (or software adapter) and everything the engine keeps on it. Open it once and share it. */
export class Device {
  /** Which variants of kernels run: as measured by {@link tune}, or forced. */
  readonly tuner = new Tuner();
  /** Live tensors and where they were created, with the option `debug`. */
  readonly leaks: LeakDetector | undefined;
  /** Whether ops look for indices outside their axis; the next read then throws. Off by default: it costs a kernel per op and a read. */
  checkIndices = false;
  /** Whether values that are not finite are traced to the op that made them; see {@link DebugOptions}. */
  readonly checksFinite: boolean;
  readonly limits: GPUSupportedLimits;
  readonly hasF16: boolean;
  /** Invocations per subgroup where that is one fixed number, else 0. */
  readonly subgroupSize: number;
  private readonly engine: Engine;
  private readonly owned: boolean;

  /** {@link Device.open} makes devices. */
  private constructor(
    readonly gpu: GPUDevice,
    readonly adapter: AdapterInfo,
    { owned, debug, unscopedWarning }: Opening,
  ) {
    this.owned = owned;
    this.limits = gpu.limits;
    this.hasF16 = gpu.features.has('shader-f16');
    this.subgroupSize = gpu.features.has('subgroups') ? adapter.subgroupSize : 0;
    const wait = adapter.kind === 'gpu' ? <T>(promise: Promise<T>): Promise<T> => promise : awaitGpu;
    this.engine = new Engine(gpu, adapter, wait, { leaks: debug.leaks, unscopedWarning });
    this.leaks = this.engine.leaks;
    this.checkIndices = debug.indices ?? false;
    this.checksFinite = debug.finite ?? false;
    if (this.checksFinite) traceAll();
    opened.push(this);
  }

  /**
   * Opens the best adapter there is: a real GPU, else a software one (`mudpt-launch doctor` tells which and why).
   * @throws DeviceError when there is none, with what to install
   */
  static async open(options: DeviceOptions = {}): Promise<Device> {
    const { gpu, unscopedWarning } = options;
    const debug = options.debug === true ? DEBUG : options.debug || {};
    const tuning = tuningMode(options.tuning);
    if (gpu) {
      const given = new Device(gpu, describeAdapter(gpu.adapterInfo, gpu.features), { owned: false, debug, unscopedWarning });
      if (tuning !== 'none') {
        given.loadKnown();
        await given.prove();
      }
      return given;
    }
    const { device, info } = await requestAdapterAndDevice({ ...options, gpu: await openGpu(options.checks ?? 'on') });
    const found = new Device(device, info, { owned: true, debug, unscopedWarning });
    try {
      if (tuning !== 'none') {
        await found.loadTuning(tuning, options.tuning === 'measure');
        await found.prove();
      }
    } catch (error) {
      found.dispose();
      throw error;
    }
    return found;
  }

  /** Takes over the package's choices for adapters of this kind. @returns whether there are any */
  private loadKnown(): boolean {
    const table = firstUse.tableOf?.(this.adapter);
    if (table) this.tuner.load(table);
    return table !== undefined;
  }

  /** Checks the kernels for matrix units that measured choices name; one that fails, or was not checked, is no candidate. */
  private async prove(): Promise<void> {
    if (this.adapter.subgroupMatrix.length > 0) await firstUse.prove?.(this);
  }

  private async loadTuning(tuning: 'measure' | 'stored', isAsked: boolean): Promise<void> {
    const isKnown = this.loadKnown();
    const isStored = await loadTuning(this.tuner, this.adapter.key);
    if (tuning === 'stored' || isKnown || isStored) return;
    if (!firstUse.measure && isAsked)
      throw new DeviceError(
        'Device.open',
        "tuning: 'measure' needs what @mudpt/tensor/functions leaves out",
        "import '@mudpt/tensor' where you open the device",
      );
    await firstUse.measure?.(this);
  }

  /** Live and pooled memory; `peakBytes` is the most ever held at once. */
  memory(): MemoryReport {
    const { stats, pool, unscoped } = this.engine;
    const { pooledBytes, totalBytes, peakBytes } = pool;
    const { liveTensors, liveBytes } = stats;
    return { liveTensors, collectedTensors: unscoped.collected, liveBytes, pooledBytes, totalBytes, peakBytes };
  }

  /** Submits and dispatches since the device was opened. */
  counters(): { readonly submits: number; readonly dispatches: number; readonly bindGroups: number; readonly pipelines: number } {
    const { recorder, pipelines } = this.engine;
    const { submits, dispatches, groups } = recorder;
    return { submits, dispatches, bindGroups: groups.size, pipelines: pipelines.compiled.length };
  }

  /** Submits recorded work without waiting for it. */
  flush(): void {
    this.engine.recorder.flush();
  }

  /** Submits recorded work and waits until the device accepted it. @throws DeviceError for whatever went wrong */
  async settle(): Promise<void> {
    await this.engine.settle();
  }

  /** Waits until all recorded work is done. @throws DeviceError for whatever went wrong */
  async synchronize(): Promise<void> {
    await this.engine.synchronize();
  }

  /** Gives unused pooled memory back to the driver. */
  trim(): void {
    this.engine.trim();
  }

  /** Forgets a reported error; tensors computed meanwhile hold no meaningful values. */
  clearError(): void {
    this.engine.recorder.clearError();
  }

  /** Runs `body` with every dispatch timed. */
  async profile(body: () => Promise<void> | void): Promise<Profile> {
    return await this.engine.profile(body);
  }

  /** Releases everything. A device passed in by its owner stays open. */
  dispose(): void {
    const index = opened.indexOf(this);
    if (index >= 0) opened.splice(index, 1);
    this.engine.pool.trim();
    if (this.owned) this.gpu.destroy();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** @throws DeviceError where the program has no tracer */
function traceAll(): void {
  if (!tracing.trace)
    throw new DeviceError(
      'open',
      'debug: { finite: true } needs a tracer, which @mudpt/tensor/functions leaves out',
      "import '@mudpt/tensor' where you debug",
    );
  tracing.isOn = true;
}

/** The engine under a device, for ops, kernels and tests; users of a device do not need it. */
export function engineOf(device: Device): Engine {
  // oxlint-disable-next-line typescript/dot-notation -- private to users of the class, not to the engine
  return device['engine'];
}

/** The default device: the first that was opened and is not disposed. @throws DeviceError when none is open */
export function currentDevice(op: string): Device {
  const [device] = opened;
  if (device) return device;
  throw new DeviceError(
    op,
    `no device is open${otherCopies()}`,
    'call `const device = await Device.open()` first, or pass options.device',
  );
}
