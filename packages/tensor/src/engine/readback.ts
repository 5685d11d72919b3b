/** Readback of GPU memory through pooled staging buffers. */
import { DeviceError, TensorError } from '../errors.ts';
import type { AwaitGpu } from '../platform/platform.ts';
import { type PoolBuffer, sizeClass } from './pool.ts';
import type { Recorder } from './recorder.ts';

export class Readback {
  private readonly free = new Map<number, GPUBuffer[]>();

  constructor(
    private readonly gpu: GPUDevice,
    private readonly recorder: Recorder,
    private readonly wait: AwaitGpu,
  ) {}

  /** @returns a copy of `bytes` bytes from `offset`, after everything recorded so far */
  async read(buffer: PoolBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    this.recorder.check();
    const size = sizeClass(bytes);
    const staging = this.free.get(size)?.pop() ?? this.gpu.createBuffer({ size, usage: 0x01 | 0x08 }); // MAP_READ | COPY_DST
    this.recorder.record({ kind: 'copy', source: buffer, sourceOffset: offset, target: staging, targetOffset: 0, bytes });
    try {
      await this.recorder.settle();
      await this.wait(staging.mapAsync(1, 0, bytes));
      this.recorder.check();
      const copy = staging.getMappedRange(0, bytes).slice(0);
      staging.unmap();
      this.keep(size, staging);
      return copy;
    } catch (error) {
      staging.destroy();
      this.recorder.check(); // the reason the device gave says more than the failed mapping
      if (error instanceof TensorError) throw error;
      throw new DeviceError(
        'read',
        error instanceof Error ? error.message : String(error),
        'if the device was lost, open a new one',
        { cause: error },
      );
    }
  }

  private keep(size: number, staging: GPUBuffer): void {
    const list = this.free.get(size);
    if (list) list.push(staging);
    else this.free.set(size, [staging]);
  }
}
