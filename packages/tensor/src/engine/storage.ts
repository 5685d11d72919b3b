import type { Device } from '../device.ts';
import type { PoolBuffer } from './pool.ts';

/** The generation of memory whose captured function was disposed. */
export const ENDED = -1;

/** Reference-counted GPU memory. Views share it; the last one to go returns the buffer to its pool. */
export class Storage {
  private references = 1;
  /** Counts the kernels that wrote here: what a gradient reads must be what the forward saw. */
  version = 0;
  /** Counts the calls of a captured function that overwrote its results here: handles of an earlier count are refused. */
  generation = 0;

  constructor(
    readonly device: Device,
    readonly buffer: PoolBuffer,
    /** Bytes asked for; the buffer may be larger. */
    readonly bytes: number,
    private readonly free: ((buffer: PoolBuffer) => void) | undefined,
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
    if (this.references === 0) {
      this.device.stats.liveBytes -= this.bytes;
      this.free?.(this.buffer);
    }
  }
}
