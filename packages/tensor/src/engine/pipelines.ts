/**
 * Compute pipelines, compiled through the async path only: the synchronous one does not report invalid WGSL.
 * A pipeline's bindings are read from its WGSL.
 */
import type { wgslType } from '../dtype.ts';
import { DeviceError, TensorError } from '../errors.ts';
import type { AwaitGpu } from '../platform/platform.ts';
import { parseParams, type ParamsLayout, SLOT_BYTES } from './params.ts';

export type Access = 'read' | 'read_write';
export type Binding = {
  readonly name: string;
  readonly index: number;
  readonly access: Access;
  /** Scalar type of its elements; undefined where the WGSL has a struct. */
  readonly element: ReturnType<typeof wgslType> | undefined;
};

/** A pipeline and what its WGSL declares, known before it is compiled. */
export type PipelineEntry = {
  readonly id: number;
  readonly label: string;
  readonly bindings: readonly Binding[];
  readonly params: ParamsLayout;
  /** Binding index of the uniform parameters, undefined when the kernel takes none. */
  readonly paramsIndex: number | undefined;
  readonly layout: GPUBindGroupLayout;
  /** Defined once compiled. */
  pipeline: GPUComputePipeline | undefined;
  /** Resolves when compiled; rejects with a DeviceError that quotes the compiler. */
  readonly ready: Promise<GPUComputePipeline>;
};

/** The file and line, `gemm/block.wgsl:12`, of a line of expanded WGSL; undefined where there is none. */
type PlaceOf = (line: number) => string | undefined;

const BINDING =
  /@group\(\s*(\d+)u?\s*\)\s*@binding\(\s*(\d+)u?\s*\)\s*var<\s*(storage|uniform)\s*(?:,\s*(read_write|read))?\s*>\s*(\w+)\s*:\s*([^;]*)/g;
const ALIAS = /\balias\s+(\w+)\s*=\s*([^;]*);/g;
const SCALARS = { f: 'f32', h: 'f16', i: 'i32', u: 'u32' } as const;

/** The scalar type inside arrays, vectors and atomics: `array<vec4<f32>>`, `array<vec4f>`. */
function elementOf(type: string, aliases: ReadonlyMap<string, string>): Binding['element'] {
  const inner = type.replace(/\b(?:array|atomic|vec[234])\s*</g, '').replace(/[\s>]|,[^>]*/g, '');
  const short = /^vec[234]([fhiu])$/.exec(inner)?.[1];
  if (short) return SCALARS[short as keyof typeof SCALARS];
  if (/^(f32|f16|i32|u32)$/.test(inner)) return inner as Binding['element'];
  const meant = aliases.get(inner);
  return meant === undefined ? undefined : elementOf(meant, aliases);
}

/** Storage and uniform bindings declared in `wgsl`. */
export function parseBindings(kernel: string, wgsl: string): { storage: Binding[]; uniform: number | undefined } {
  const storage: Binding[] = [];
  let uniform: number | undefined;
  const aliases = new Map([...wgsl.matchAll(ALIAS)].map(([, name = '', type = '']) => [name, type]));
  for (const [, group, index = '', space, access, name = '', type = ''] of wgsl.matchAll(BINDING)) {
    if (group !== '0')
      throw new TensorError(`kernel ${kernel}`, `binding "${name}" is in group ${group}`, 'put every binding in group 0');
    if (space === 'uniform') uniform = Number(index);
    else
      storage.push({
        name,
        index: Number(index),
        access: access === 'read_write' ? 'read_write' : 'read',
        element: elementOf(type, aliases),
      });
  }
  return { storage: storage.sort((a, b) => a.index - b.index), uniform };
}

const COMPUTE_STAGE = 4; // GPUShaderStage.COMPUTE

export class Pipelines {
  private readonly entries = new Map<string, PipelineEntry>();
  private readonly layouts = new Map<string, GPUBindGroupLayout>();

  constructor(
    private readonly gpu: GPUDevice,
    private readonly wait: AwaitGpu,
  ) {}

  get compiled(): readonly string[] {
    return [...this.entries.values()].filter((entry) => entry.pipeline).map((entry) => entry.label);
  }

  get(key: string): PipelineEntry | undefined {
    return this.entries.get(key);
  }

  /**
   * Starts compiling `wgsl` and remembers it under `key`.
   * @param placeOf the file and line that a line of it comes from, for errors
   */
  create(key: string, label: string, wgsl: string, placeOf: PlaceOf = (line) => `line ${line}`): PipelineEntry {
    const { storage, uniform } = parseBindings(label, wgsl);
    const layout = this.layout(storage, uniform);
    const ready = this.compile(label, wgsl, layout, placeOf);
    const entry: PipelineEntry = {
      id: this.entries.size,
      label,
      bindings: storage,
      params: parseParams(label, wgsl),
      paramsIndex: uniform,
      layout,
      pipeline: undefined,
      ready,
    };
    ready.then(
      (pipeline) => {
        entry.pipeline = pipeline;
      },
      () => undefined, // the submit of the kernel awaits `ready` and gets the error
    );
    this.entries.set(key, entry);
    return entry;
  }

  private layout(storage: readonly Binding[], uniform: number | undefined): GPUBindGroupLayout {
    const key = `${storage.map((binding) => `${binding.index}${binding.access}`).join()}|${uniform}`;
    const known = this.layouts.get(key);
    if (known) return known;
    const entries: GPUBindGroupLayoutEntry[] = storage.map(({ index, access }) => ({
      binding: index,
      visibility: COMPUTE_STAGE,
      buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
    }));
    if (uniform !== undefined) {
      entries.push({
        binding: uniform,
        visibility: COMPUTE_STAGE,
        buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize: SLOT_BYTES },
      });
    }
    const layout = this.gpu.createBindGroupLayout({ entries });
    this.layouts.set(key, layout);
    return layout;
  }

  private async compile(label: string, code: string, layout: GPUBindGroupLayout, placeOf: PlaceOf): Promise<GPUComputePipeline> {
    this.gpu.pushErrorScope('validation');
    const module = this.gpu.createShaderModule({ label, code });
    const scope = this.gpu.popErrorScope();
    const pipelineLayout = this.gpu.createPipelineLayout({ bindGroupLayouts: [layout] });
    try {
      const compiling = this.gpu.createComputePipelineAsync({
        label,
        layout: pipelineLayout,
        compute: { module, entryPoint: 'main' },
      });
      const pipeline = await this.wait(compiling);
      await scope;
      return pipeline;
    } catch (cause) {
      const error = await scope;
      const info = await module.getCompilationInfo();
      const lines = code.split('\n');
      const messages = info.messages
        .filter((message) => message.type === 'error')
        .map((message) => `${placeOf(message.lineNum) ?? 'WGSL'}: ${message.message}\n    ${lines[message.lineNum - 1] ?? ''}`);
      const detail =
        messages.length > 0 ? messages.join('\n') : (error?.message ?? (cause instanceof Error ? cause.message : String(cause)));
      throw new DeviceError(
        `kernel ${label}`,
        `the shader was refused:\n  ${detail}\n`,
        'mend the WGSL, or force another variant of this kernel',
        { cause },
      );
    }
  }
}
