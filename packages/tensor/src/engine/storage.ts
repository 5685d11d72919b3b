/** Reference-counted GPU memory, shared by the tensors that are views of it. */
import type { PoolBuffer } from './pool.ts';
import type { Unscoped } from './unscoped.ts';

/** The engine, as storage knows it. */
export type StorageOwner = { readonly stats: { liveTensors: number }; readonly unscoped: Unscoped };

/** The generation that marks memory of a disposed captured function. */
export const ENDED = -1;

/** Reference-counted GPU memory. Views share it; the last one to go returns the buffer to its pool. */
export class Storage {
  private references = 1;
  /** Counts the kernels that wrote here: a backward must read the values that the forward read. */
  version = 0;
  /** Counts the calls of a captured function that overwrote its results here: handles of an earlier count are refused. */
  generation = 0;
  /** The buffer was given out: it stays when a handle is collected that nobody disposed. */
  isExported = false;

  constructor(
    /** The engine that owns the memory, for the check that a kernel binds memory of one engine. */
    readonly engine: StorageOwner,
    readonly buffer: PoolBuffer,
    /** Requested bytes; the buffer may be larger. */
    readonly bytes: number,
    private readonly free: (storage: Storage) => void,
  ) {}

  get isReferenced(): boolean {
    return this.references > 0;
  }

  retain(): this {
    this.references += 1;
    return this;
  }

  release(): void {
    this.references -= 1;
    if (this.references === 0) this.free(this);
  }
}
