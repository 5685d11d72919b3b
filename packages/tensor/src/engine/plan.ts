/** Plans: recorded steps that can be replayed. */
import { DisposedError } from '../errors.ts';
import type { PlanMemory } from './capture.ts';
import type { Command } from './commands.ts';
import type { Pool, PoolBuffer } from './pool.ts';
import type { Recorder } from './recorder.ts';

/** A recorded step that can be replayed. */
export class Plan {
  private disposed = false;

  constructor(
    private readonly memory: PlanMemory,
    private readonly recorder: Recorder,
    private readonly pool: Pool,
  ) {
    for (const buffer of memory.external) pool.pin(buffer);
  }

  /** The calls of a replay to the driver, in order, for benchmarks and inspection. Pipelines exist once the first replay has settled. */
  get commands(): readonly Command[] {
    return this.memory.commands;
  }

  /** Whether the plan's own memory, which every replay writes anew, includes `buffer`. */
  owns(buffer: PoolBuffer): boolean {
    return this.memory.virtual.includes(buffer) || this.memory.owned.includes(buffer);
  }

  /** Kernel labels and copies in the order they run. */
  get steps(): readonly string[] {
    return this.memory.commands.map((command) => (command.kind === 'dispatch' ? command.entry.label : command.kind));
  }

  /** Floating-point operations of one replay, as counted by the ops. */
  get flops(): number {
    return this.memory.commands.reduce((sum, command) => sum + (command.kind === 'dispatch' ? command.flops : 0), 0);
  }

  /** Bytes of intermediate memory as planned, and what they would take without sharing. */
  get bytes(): { readonly planned: number; readonly unshared: number } {
    return { planned: this.memory.plannedBytes, unshared: this.memory.virtualBytes };
  }

  /** Records one replay after what is already recorded, and submits. */
  replay(): void {
    if (this.disposed) throw new DisposedError('replay', 'the captured plan was disposed', 'capture the function again');
    const { commands, pages, external, virtual, owned } = this.memory;
    for (const buffer of external) this.recorder.use(buffer);
    for (const buffer of virtual) this.recorder.use(buffer);
    for (const buffer of owned) this.recorder.use(buffer);
    for (const storage of this.memory.written) storage.version += 1;
    this.recorder.record({ kind: 'replay', commands: commands as readonly Command[], pages });
    this.recorder.flush();
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const buffer of this.memory.external) this.pool.unpin(buffer);
    for (const buffer of this.memory.owned) this.pool.release(buffer);
    this.recorder.destroyAfterwards(this.memory.pages);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
