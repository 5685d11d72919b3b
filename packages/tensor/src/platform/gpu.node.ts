/** WebGPU in Node: Dawn, from the optional peer dependency `webgpu`. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DeviceError } from '../errors.ts';
import { writeAtomic } from './atomic.ts';
import { fileSystem } from './disk.node.ts';
import type { AsyncContextFactory, LoadTuningText, OpenGpu, SaveTuningText, Tuning } from './platform.ts';

/**
 * Every object that Dawn's `create()` returned, by its checks. One that is garbage collected takes the whole process down, so
 * they live as long as the process; on globalThis, because a module can be evaluated more than once in one process.
 */
const KEPT = Symbol.for('mudpt.dawn');
const kept: Map<string, GPU> = ((globalThis as { [KEPT]?: Map<string, GPU> })[KEPT] ??= new Map());

/**
 * Always: f16 on NVIDIA's Vulkan driver, subgroup matrices (an unsafe, that is unfinished, API), exact timestamps instead of
 * steps of 65,536 ns.
 */
function dawnOptions(checks: 'on' | 'off'): string[] {
  const enable = ['vulkan_enable_f16_on_nvidia', 'allow_unsafe_apis'];
  const disable = ['timestamp_quantization'];
  if (checks === 'off') {
    enable.push('disable_robustness', 'skip_validation');
    disable.push('lazy_clear_resource_on_first_use');
  }
  return [`enable-dawn-features=${enable.join(',')}`, `disable-dawn-features=${disable.join(',')}`];
}

/** Opens Dawn, or the runtime's own WebGPU where it has one (Deno). Calls with equal checks share one instance. */
export const openGpu: OpenGpu = async (checks) => {
  const native = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (native) return native;
  const known = kept.get(checks);
  if (known) return known;
  const { create, globals } = await loadDawn();
  for (const [name, value] of Object.entries(globals)) {
    // A GPUBufferUsage that the program defined itself stays.
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  }
  const gpu = create(dawnOptions(checks));
  kept.set(checks, gpu);
  return gpu;
};

async function loadDawn(): Promise<typeof import('webgpu')> {
  try {
    return await import('webgpu');
  } catch (cause) {
    const missing = (cause as { code?: string }).code === 'ERR_MODULE_NOT_FOUND';
    throw new DeviceError(
      'Device.open',
      missing
        ? "the package 'webgpu' (Dawn, WebGPU for Node) is not installed"
        : `the package 'webgpu' does not load on ${process.platform} ${process.arch}`,
      missing
        ? 'run `npm install webgpu` in your project'
        : 'use Linux, macOS or Windows on x64 or arm64, or pass your own GPUDevice',
      { cause },
    );
  }
}

/** What to do where Dawn runs but finds no adapter. */
export function noAdapterFix(): string {
  if (process.platform === 'darwin') return 'run outside of a virtual machine: Dawn needs Metal';
  if (process.platform === 'win32') return 'update the graphics driver: Dawn needs Direct3D 12';
  return [
    "install a Vulkan driver and loader (a GPU's own; or for the CPU Mesa 24 or later: Debian 12 `apt-get install -t bookworm-backports",
    'mesa-vulkan-drivers libvulkan1`, Debian 13 and Ubuntu 24.04 the same without -t, Fedora `dnf install mesa-vulkan-drivers',
    'vulkan-loader`, Arch `pacman -S vulkan-swrast`), or, on x64 without root, `npm install @sparticuz/chromium` (it carries',
    'SwiftShader) and start through `npx mudpt-launch COMMAND`, which sets the environment for it',
  ].join(' ');
}

/** What to do where the adapter is of another kind than `wanted`. */
export function otherKindFix(wanted: string): string {
  return `start the program through \`npx mudpt-launch --adapter ${wanted} COMMAND\`: the driver must be chosen before Dawn opens`;
}

/** An environment variable; an empty one counts as unset. */
export function readEnvironment(name: string): string | undefined {
  return process.env[name] || undefined;
}

/** AsyncLocalStorage: the value follows awaits, timers and callbacks. */
export const createAsyncContext: AsyncContextFactory = <T>() => {
  const storage = new AsyncLocalStorage<T>();
  return {
    run: <R>(value: T, fn: () => R) => storage.run(value, fn),
    get: () => storage.getStore(),
    enter: (value: T) => storage.enterWith(value),
  };
};

export { awaitGpu } from './await-gpu.node.ts';

/** Measuring takes seconds, once on a machine. */
export const usualTuning: Tuning = 'measure';

/** One JSON file for each adapter. */
export const loadTuningText: LoadTuningText = async (name) => {
  try {
    return await readFile(tuningFile(name), 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
};

/** Replaces the file atomically. */
export const saveTuningText: SaveTuningText = async (name, text) => {
  const file = tuningFile(name);
  await mkdir(join(file, '..'), { recursive: true });
  await writeAtomic('tune', file, textChunks(text), fileSystem);
  return file;
};

async function* textChunks(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

function tuningFile(name: string): string {
  const cache = readEnvironment('XDG_CACHE_HOME') ?? join(homedir(), '.cache');
  return join(readEnvironment('MUDPT_TUNING_DIR') ?? join(cache, 'mudpt', 'tuning'), `${name}.json`);
}
