/**
 * The platform: what differs between Node and the browser. `#gpu` resolves to gpu.node.ts or gpu.browser.ts; both export `openGpu`,
 * `noAdapterFix`, `otherKindFix`, `readEnvironment`, `createAsyncContext`, `usualTuning`, `loadTuningText`, `saveTuningText` and `awaitGpu` with the types given here.
 */

/** A value that follows a chain of awaits, as scopes need it. */
export interface AsyncContext<T> {
  /** Calls `fn`; inside it, and in everything it awaits, `get()` returns `value`. */
  run<R>(value: T, fn: () => R): R;
  /** The innermost value, or undefined outside of any `run`. */
  get(): T | undefined;
  /** Sets the value for the rest of the present synchronous execution and what follows from it. */
  enter(value: T): void;
}

/** Makes an {@link AsyncContext}; returns undefined where the platform cannot follow a value through await. */
export type AsyncContextFactory = <T>() => AsyncContext<T> | undefined;

/**
 * Opens the platform's WebGPU entry point.
 *
 * @param checks `on`: validation and bounds checks, for everybody. `off`: neither, and fresh buffers are not zeroed; only for benchmarks of kernels that
 *   tests have proven, since a wrong index then corrupts memory. Zeroing showed no cost on CPU adapters. Browsers ignore it.
 * @throws DeviceError when the platform has no WebGPU, naming what to install or enable
 */
export type OpenGpu = (checks: 'on' | 'off') => Promise<GPU>;

/**
 * Awaits work of a CPU adapter without taking a core from it.
 *
 * @returns what `promise` gives; a rejection comes through unchanged
 */
export type AwaitGpu = <T>(promise: Promise<T>) => Promise<T>;

/** What a device does about kernel variants unless told otherwise: see `tuning` of `Device.open`. */
export type Tuning = 'measure' | 'stored' | 'none';

/**
 * Text kept between runs under a file-safe `name`: measured kernel choices. Node: a file in `MUDPT_TUNING_DIR`, else
 * `~/.cache/mudpt/tuning`; browsers: localStorage, where there is one.
 */
export type LoadTuningText = (name: string) => Promise<string | undefined>;

/** Keeps such a text. @returns where it was kept, for people to find */
export type SaveTuningText = (name: string, text: string) => Promise<string>;
