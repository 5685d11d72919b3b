/**
 * Size-class pool of storage buffers. A released buffer is reusable at once by later commands, because the queue runs commands in
 * the order they were recorded; only host writes must wait until the last recorded use was submitted.
 */
import { AllocationError } from '../errors.ts';
import { nth } from '../values.ts';

/** A storage buffer with a stable identity. `gpu` is undefined only while a plan is being captured. */
export type PoolBuffer = {
  readonly id: number;
  readonly bytes: number;
  gpu: GPUBuffer | undefined;
  /** Serial of the last batch that uses it. */
  lastUse: number;
  /** Captured plans that replay on it; it returns to the pool when the last one is disposed. */
  pins: number;
};

export const STORAGE_USAGE = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST: the constants are no part of lib.dom
const MIN_BYTES = 256;
/** Plans ask for memory above this size without rounding up to a class: a plan is made once, and a quarter of so much would be wasted. */
const LARGE_BYTES = 2 ** 20;
/** Largest ratio of a free buffer's size to the wanted one at which it is still used. */
const MOST_WASTE = 1.25;

let nextBufferId = 1;
export function nextId(): number {
  nextBufferId += 1;
  return nextBufferId;
}

/** Smallest size class that holds `bytes`: powers of two and three steps between, so at most a quarter is wasted. */
export function sizeClass(bytes: number): number {
  if (bytes <= MIN_BYTES) return MIN_BYTES;
  const power = 2 ** Math.floor(Math.log2(bytes));
  const step = Math.max(MIN_BYTES, power / 4);
  return Math.ceil(bytes / step) * step;
}

/**
 * Puts `buffer` into a list of falling ids, whose last is taken first. The choice then depends on which buffers are free, not on the order of
 * their release: a step that repeats gets the same buffers again and finds its bind groups made.
 */
function insert(list: PoolBuffer[], buffer: PoolBuffer): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (nth(list, middle).id > buffer.id) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, buffer);
}

export class Pool {
  private readonly free = new Map<number, PoolBuffer[]>();
  private readonly abandoned = new Set<PoolBuffer>();
  pooledBytes = 0;
  totalBytes = 0;
  peakBytes = 0;

  constructor(
    private readonly gpu: GPUDevice,
    private readonly maxBytes: number,
    private readonly submitted: () => number,
    private readonly evicted: (id: number) => void,
  ) {}

  /**
   * Bytes of the buffer that would serve `bytes`: a size class, which requests that differ a little share.
   * @throws AllocationError when the adapter has no buffer that large
   */
  classOf(bytes: number): number {
    this.expectFits(bytes);
    return Math.min(sizeClass(bytes), this.maxBytes);
  }

  /** As {@link classOf}, for the memory of a plan. */
  plannedBytes(bytes: number): number {
    if (bytes < LARGE_BYTES) return this.classOf(bytes);
    this.expectFits(bytes);
    return Math.min(Math.ceil(bytes / MIN_BYTES) * MIN_BYTES, this.maxBytes);
  }

  /**
   * @param hostWrite the caller will write from the host before any command uses the buffer
   */
  acquire(bytes: number, hostWrite: boolean): PoolBuffer {
    const size = this.classOf(bytes);
    return this.take(size, hostWrite) ?? this.takeLarger(size, hostWrite) ?? this.create(size);
  }

  /** A buffer of exactly `bytes`, which {@link plannedBytes} gave. */
  acquirePlanned(bytes: number): PoolBuffer {
    return this.take(bytes) ?? this.create(bytes);
  }

  /** A free buffer of `size`. */
  private take(size: number, hostWrite = false): PoolBuffer | undefined {
    const list = this.free.get(size) ?? [];
    const done = this.submitted();
    const index = hostWrite ? list.findLastIndex((buffer) => buffer.lastUse <= done) : list.length - 1;
    const [reused] = index >= 0 ? list.splice(index, 1) : [];
    if (reused) this.pooledBytes -= reused.bytes;
    return reused;
  }

  /** The smallest free buffer that wastes no more than a class may: plans leave some of other sizes. */
  private takeLarger(size: number, hostWrite: boolean): PoolBuffer | undefined {
    if (size < LARGE_BYTES) return undefined;
    const sizes = [...this.free.keys()].filter((other) => other > size && other <= size * MOST_WASTE).sort((a, b) => a - b);
    for (const other of sizes) {
      const found = this.take(other, hostWrite);
      if (found) return found;
    }
    return undefined;
  }

  private create(size: number): PoolBuffer {
    const gpu = this.gpu.createBuffer({ size, usage: STORAGE_USAGE });
    this.totalBytes += size;
    this.peakBytes = Math.max(this.peakBytes, this.totalBytes);
    return { id: nextId(), bytes: size, gpu, lastUse: 0, pins: 0 };
  }

  /** @throws AllocationError when the adapter has no buffer that large */
  private expectFits(bytes: number): void {
    if (bytes <= this.maxBytes) return;
    throw new AllocationError(
      'allocate',
      `${bytes} bytes exceed the ${this.maxBytes} bytes this adapter binds at once`,
      'split the tensor, store it as f16, or use an adapter with larger maxStorageBufferBindingSize',
      { code: 'device.bytes', values: { bytes, most: this.maxBytes } },
    );
  }

  /** Takes back a buffer without references; a pinned one waits for {@link unpin}. */
  release(buffer: PoolBuffer): void {
    if (buffer.pins > 0) {
      this.abandoned.add(buffer);
      return;
    }
    const list = this.free.get(buffer.bytes);
    if (list) insert(list, buffer);
    else this.free.set(buffer.bytes, [buffer]);
    this.pooledBytes += buffer.bytes;
  }

  pin(buffer: PoolBuffer): void {
    buffer.pins += 1;
  }

  unpin(buffer: PoolBuffer): void {
    buffer.pins -= 1;
    if (buffer.pins === 0 && this.abandoned.delete(buffer)) this.release(buffer);
  }

  /** Gives pooled buffers back to the driver; those of commands not yet submitted stay. */
  trim(): void {
    const done = this.submitted();
    for (const [size, list] of this.free) {
      const kept = list.filter((buffer) => buffer.lastUse > done);
      for (const buffer of list) if (buffer.lastUse <= done) this.destroy(buffer);
      this.pooledBytes -= (list.length - kept.length) * size;
      this.free.set(size, kept);
    }
  }

  /** Destroys a buffer that is in no free list. */
  destroy(buffer: PoolBuffer): void {
    this.totalBytes -= buffer.bytes;
    this.evicted(buffer.id);
    buffer.gpu?.destroy();
  }
}
