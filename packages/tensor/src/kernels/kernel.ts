/**
 * Kernels: WGSL templates with a name. Dispatching one picks the variant by `defines`, checks its buffers and parameters against
 * the bindings and `struct Params` declared in the WGSL, and records the work. The engine's own ops and users' kernels go the same way.
 */
import { type Defines, preprocess, type Shader } from '@mudpt/shaders';
import type { Grid } from '../engine/commands.ts';
import { type Device, engineOf } from '../device.ts';
import type { ParamValue } from '../engine/params.ts';
import type { Access, PipelineEntry } from '../engine/pipelines.ts';
import type { PoolBuffer } from '../engine/pool.ts';
import { DeviceError, LimitError, TensorError } from '../errors.ts';
import { noteWork } from '../definition/op.ts';
import { Storage } from '../engine/storage.ts';
import type { Tensor } from '../tensor.ts';

type ParamType = 'u32' | 'i32' | 'f32';
/** Names and types of a user kernel's parameters. */
export type ParamTypes = Readonly<Record<string, ParamType>>;

/** What {@link kernel} makes a kernel of. P: the parameters it declares, or undefined when the WGSL declares its own. */
export type KernelOptions<P extends ParamTypes | undefined> = {
  /** Appears in errors and profiles. */
  readonly name: string;
  /** WGSL, with the preprocessor's directives (docs/how-to-write-a-kernel.md). Declares its storage bindings in group 0 and an entry point `main`. */
  readonly source: Shader;
  /** When given, `struct Params` and its uniform binding `params` are declared for you, and dispatches are typed. */
  readonly params?: P;
  /**
   * The kernel takes any view and gets its offset and strides as parameters. Default false: tensors must lie in row-major order from the start
   * of their memory.
   */
  readonly strided?: boolean;
  /** Preprocessor values of every variant. */
  readonly constants?: Defines;
  /** Files of functions that are appended to the source. */
  readonly library?: readonly Shader[];
};

/** Checks the arguments of a dispatch before anything is recorded. */
export type ArgumentCheck = (entry: PipelineEntry, buffers: Readonly<Record<string, Tensor | Storage>>) => void;

/** What one dispatch binds, and how large it is. */
export type DispatchOptions<P extends ParamTypes | undefined> = {
  /**
   * A tensor for every storage binding, by its name in the WGSL. Whole buffers are bound: a kernel made with `strided` gets offsets and strides
   * as parameters. Of a `tensor.storage`, raw memory, nothing is checked.
   */
  readonly buffers: Readonly<Record<string, Tensor | Storage>>;
  readonly params?: P extends ParamTypes ? Readonly<{ [K in keyof P]: number }> : Readonly<Record<string, ParamValue>>;
  /** Workgroups in x, y, z; nothing is recorded if one is 0. */
  readonly grid: readonly number[];
  /** Values for the preprocessor. `SG` and `F16` are always defined. */
  readonly defines?: Defines;
  /** Work done, for the profiler: floating-point operations and bytes moved. */
  readonly flops?: number;
  readonly bytes?: number;
};

/** A kernel with all its variants. */
export type Kernel<P extends ParamTypes | undefined = undefined> = {
  readonly name: string;
  /** Records one dispatch. @throws TensorError, LimitError or DeviceError before anything is recorded */
  dispatch(device: Device, options: DispatchOptions<P>): void;
  /** The expanded WGSL of a variant, for tests and the curious. */
  expand(device: Device, defines?: Defines): string;
};

function declareParams(params: ParamTypes): string {
  const fields = Object.entries(params).map(([name, type]) => `  ${name}: ${type},`);
  return `struct Params {\n${fields.join('\n')}\n}\n@group(0) @binding(31) var<uniform> params: Params;`;
}

/** The source followed by its parameters and library. WGSL allows declarations in any order, and line numbers stay right this way. */
function wholeSource({ source, params, library = [] }: KernelOptions<ParamTypes | undefined>): Shader {
  const includes = library.map(({ file }) => `#include "${file}"`);
  const text = [source.text, ...(params ? [declareParams(params)] : []), ...includes].join('\n');
  return { file: source.file, text, includes: [...source.includes, ...library] };
}

/** Makes a kernel of `source`, for the engine's ops, which pass offsets and strides to all their kernels. Users get the checking form of user-kernel.ts. */
/* @__NO_SIDE_EFFECTS__ */
export function kernel<const P extends ParamTypes | undefined = undefined>(
  options: KernelOptions<P>,
  check?: ArgumentCheck,
): Kernel<P> {
  const { name, constants } = options;
  const source = wholeSource(options);

  const expand = (device: Device, defines: Defines = {}, places?: string[]): string =>
    preprocess(source, { SG: device.subgroupSize, F16: device.hasF16 ? 1 : 0, ...constants, ...defines }, places);
  /** The file and line that a line of an expanded variant comes from. */
  const placeOf = (device: Device, defines: Defines | undefined, line: number): string | undefined => {
    const places: string[] = [];
    expand(device, defines, places);
    return places[line - 1];
  };

  const variants = new WeakMap<Device, Map<string, PipelineEntry>>();
  const variant = (device: Device, defines: Defines | undefined): PipelineEntry => {
    let key = '';
    for (const define in defines) key += `${define}=${defines[define]};`;
    let known = variants.get(device);
    if (!known) variants.set(device, (known = new Map()));
    let entry = known.get(key);
    if (!entry) {
      const label = key === '' ? name : `${name}{${key.slice(0, -1).replaceAll(';', ' ')}}`;
      entry = engineOf(device).pipelines.create(`${name}|${key}|${variantSerial++}`, label, expand(device, defines), (line) =>
        placeOf(device, defines, line),
      );
      known.set(key, entry);
    }
    return entry;
  };

  return {
    name,
    expand: (device, defines) => expand(device, defines),
    dispatch(device, { buffers, params, grid, defines, flops = 0, bytes = 0 }) {
      const entry = variant(device, defines);
      const bound = entry.bindings.map((binding) => bufferOf(entry.label, binding.name, buffers, device));
      if (bound.length !== Object.keys(buffers).length) {
        throw new TensorError(
          `kernel ${entry.label}`,
          `buffers given are ${Object.keys(buffers).join(', ')}`,
          `its bindings are ${entry.bindings.map((binding) => binding.name).join(', ')}`,
        );
      }
      check?.(entry, buffers);
      expectNoAlias(entry, bound);
      const [x = 1, y = 1, z = 1] = grid;
      if (x === 0 || y === 0 || z === 0) return;
      expectGrid(entry.label, [x, y, z], device);
      noteWork(`kernel ${name}`, () => tensorsOf(entry, buffers));
      for (const { name: binding, access } of entry.bindings) {
        const written = access === 'read_write' ? buffers[binding] : undefined;
        if (written) engineOf(device).noteWrite(written instanceof Storage ? written : written.storage);
      }
      engineOf(device).dispatch(entry, bound, (params ?? {}) as Readonly<Record<string, ParamValue>>, [x, y, z], flops, bytes);
    },
  };
}

let variantSerial = 0;

function bufferOf(label: string, name: string, buffers: Readonly<Record<string, Tensor | Storage>>, device: Device): PoolBuffer {
  const given = buffers[name];
  if (!given)
    throw new TensorError(`kernel ${label}`, `no tensor is given for binding "${name}"`, 'pass one under that name in buffers');
  if (!(given instanceof Storage)) given.expectLive(`kernel ${label}`);
  const { buffer, engine } = given instanceof Storage ? given : given.storage;
  if (engine !== engineOf(device))
    throw new DeviceError(
      `kernel ${label.replace(/\{.*/, '')}`,
      `"${name}" lives on another device`,
      'read it there and create it here: tensor(await x.data(), { shape: x.shape, device })',
    );
  return buffer;
}

/** The tensors that a dispatch reads, and those it writes. */
function tensorsOf(
  { bindings }: PipelineEntry,
  buffers: Readonly<Record<string, Tensor | Storage>>,
): { readonly reads: readonly Tensor[]; readonly writes: readonly Tensor[] } {
  const of = (access: Access): Tensor[] =>
    bindings.flatMap((binding) => {
      const given = buffers[binding.name];
      return binding.access === access && given && !(given instanceof Storage) ? [given] : [];
    });
  return { reads: of('read'), writes: of('read_write') };
}

/** WebGPU refuses a buffer that is written and bound a second time in one dispatch; say so by name and before recording. */
function expectNoAlias(entry: PipelineEntry, buffers: readonly PoolBuffer[]): void {
  for (let i = 0; i < buffers.length; i += 1) {
    if (entry.bindings[i]?.access !== 'read_write') continue;
    for (let j = 0; j < buffers.length; j += 1) {
      if (i === j || buffers[i] !== buffers[j]) continue;
      throw new TensorError(
        `kernel ${entry.label}`,
        `"${entry.bindings[i]?.name}" is written but shares its memory with "${entry.bindings[j]?.name}"`,
        'write to another tensor, or use an in-place variant of the kernel',
      );
    }
  }
}

function expectGrid(label: string, grid: Grid, device: Device): void {
  const most = device.limits.maxComputeWorkgroupsPerDimension;
  if (grid.every((size) => Number.isInteger(size) && size > 0 && size <= most)) return;
  throw new LimitError(
    `kernel ${label}`,
    `grid [${grid.join(', ')}] has a size outside 0..${most}`,
    'fold large grids with grid1d',
  );
}

/** A grid of at least `count / perWorkgroup` workgroups, folded into y beyond 65535: index = wid.x + wid.y * num_workgroups.x. */
export function grid1d(count: number, perWorkgroup: number): [number, number] {
  const groups = Math.ceil(count / perWorkgroup);
  if (groups <= 65535) return [groups, 1];
  const rows = Math.ceil(groups / 65535);
  return [Math.ceil(groups / rows), rows];
}
