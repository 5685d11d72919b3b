/** Encoding of commands into a command buffer, with bind groups kept from one step to the next. */
import { type Command, type DispatchCommand, PAGE_SLOTS } from './commands.ts';
import { SLOT_BYTES } from './params.ts';
import type { PoolBuffer } from './pool.ts';
import type { Profiler } from './profiler.ts';

/** Bind groups kept at once. A training step needs some hundreds; work whose shapes never repeat would accumulate them without bound. */
const MAX_GROUPS = 1 << 14;

/** Bind groups by layout and buffers. Pooled buffers keep their identity, so a repeated step finds all its groups here. */
export class BindGroups {
  private readonly groups = new Map<string, GPUBindGroup>();
  private readonly byBuffer = new Map<number, Set<string>>();

  constructor(private readonly gpu: GPUDevice) {}

  get size(): number {
    return this.groups.size;
  }

  /** @param cached false for groups the caller keeps itself (captured plans) */
  get(command: DispatchCommand, page: GPUBuffer | undefined, pageKey: number, { cached = true } = {}): GPUBindGroup {
    const { entry, buffers } = command;
    let key = `${entry.id}:${pageKey}`;
    for (const buffer of buffers) key += `,${buffer.id}`;
    const known = cached ? this.groups.get(key) : undefined;
    if (known) return known;
    const entries: GPUBindGroupEntry[] = entry.bindings.map(({ index }, at) => ({
      binding: index,
      resource: { buffer: gpuBuffer(buffers[at]) },
    }));
    if (entry.paramsIndex !== undefined && page)
      entries.push({ binding: entry.paramsIndex, resource: { buffer: page, size: SLOT_BYTES } });
    const group = this.gpu.createBindGroup({ label: entry.label, layout: entry.layout, entries });
    if (!cached) return group;
    if (this.groups.size >= MAX_GROUPS) this.forgetAll();
    this.groups.set(key, group);
    for (const buffer of buffers) {
      const keys = this.byBuffer.get(buffer.id);
      if (keys) keys.add(key);
      else this.byBuffer.set(buffer.id, new Set([key]));
    }
    return group;
  }

  private forgetAll(): void {
    this.groups.clear();
    this.byBuffer.clear();
  }

  /** Forgets the groups that hold a destroyed buffer. */
  evict(bufferId: number): void {
    for (const key of this.byBuffer.get(bufferId) ?? []) this.groups.delete(key);
    this.byBuffer.delete(bufferId);
  }
}

export function gpuBuffer(buffer: PoolBuffer | GPUBuffer | undefined): GPUBuffer {
  const gpu = buffer && 'lastUse' in buffer ? buffer.gpu : buffer;
  if (!gpu) throw new Error('a command names a buffer that has no memory');
  return gpu;
}

/** Encodes `commands` in order; neighbouring dispatches share a compute pass unless the profiler times each. */
export function encode(
  encoder: GPUCommandEncoder,
  commands: readonly Command[],
  pages: readonly GPUBuffer[],
  groups: BindGroups,
  profiler: Profiler | undefined,
): void {
  let pass: GPUComputePassEncoder | undefined;
  let pipeline: GPUComputePipeline | undefined;
  const end = (): void => {
    pass?.end();
    pass = undefined;
    pipeline = undefined;
  };
  const run = (list: readonly Command[], parameterPages: readonly GPUBuffer[]): void => {
    for (const command of list) {
      if (command.kind === 'replay') {
        run(command.commands, command.pages);
        continue;
      }
      if (command.kind === 'copy') {
        end();
        const { source, sourceOffset, target, targetOffset, bytes } = command;
        encoder.copyBufferToBuffer(gpuBuffer(source), sourceOffset, gpuBuffer(target), targetOffset, bytes);
        continue;
      }
      if (profiler) {
        end();
        pass = encoder.beginComputePass(profiler.time(command));
      }
      pass ??= encoder.beginComputePass();
      const { entry, grid } = command;
      if (entry.pipeline !== pipeline || !pipeline) {
        pipeline = entry.pipeline;
        if (!pipeline) throw new Error(`kernel ${entry.label} is encoded before it is compiled`);
        pass.setPipeline(pipeline);
      }
      if (!command.group || !command.offsets) prepare(command, parameterPages, groups);
      pass.setBindGroup(0, command.group, command.offsets);
      pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
    }
  };
  run(commands, pages);
  end();
  profiler?.resolve(encoder);
}

/** Finds the bind group and dynamic offset of a command's parameter slot. */
function prepare(command: DispatchCommand, pages: readonly GPUBuffer[], groups: BindGroups): void {
  const { slot } = command;
  const page = slot < 0 ? -1 : Math.floor(slot / PAGE_SLOTS);
  command.group ??= groups.get(command, pages[page], page);
  command.offsets = slot < 0 ? [] : [(slot % PAGE_SLOTS) * SLOT_BYTES];
}
