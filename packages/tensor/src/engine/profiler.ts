/**
 * The profiler: times every dispatch with timestamp queries. While it runs each dispatch has a compute pass of its own, so a step is slower than
 * unprofiled; compare kernels with each other, not with a wall clock.
 */
import { DeviceError } from '../errors.ts';
import type { AwaitGpu } from '../platform/platform.ts';
import type { DispatchCommand } from './commands.ts';
import { nth } from '../values.ts';

/** One timed dispatch; times in milliseconds from the first one. */
export type Span = {
  readonly kernel: string;
  readonly start: number;
  readonly duration: number;
  readonly flops: number;
  readonly bytes: number;
};
/** All dispatches of one kernel: total milliseconds, GFLOP/s and GB/s from the counts the ops gave (0 where unknown). */
export type KernelStat = {
  readonly kernel: string;
  readonly calls: number;
  readonly ms: number;
  readonly gflops: number;
  readonly gbps: number;
};

/** Most queries of one set that WebGPU allows. */
const CAPACITY = 4096;

export class Profiler {
  private readonly set: GPUQuerySet;
  private readonly resolved: GPUBuffer;
  private pending: DispatchCommand[] = [];
  private readonly reads: Promise<void>[] = [];
  private readonly timed: { command: DispatchCommand; begin: bigint; end: bigint }[] = [];
  private staged: { buffer: GPUBuffer; commands: DispatchCommand[] }[] = [];

  constructor(
    private readonly gpu: GPUDevice,
    private readonly wait: AwaitGpu,
  ) {
    if (!gpu.features.has('timestamp-query')) {
      throw new DeviceError(
        'profile',
        'this adapter has no timestamp queries',
        'profile on another adapter, or time whole steps from the host',
      );
    }
    this.set = gpu.createQuerySet({ type: 'timestamp', count: CAPACITY });
    this.resolved = gpu.createBuffer({ size: CAPACITY * 8, usage: 0x200 | 0x04 }); // QUERY_RESOLVE | COPY_SRC
  }

  /** Pass descriptor that times `command`; an empty one when this batch's queries are used up. */
  time(command: DispatchCommand): GPUComputePassDescriptor {
    const index = this.pending.length * 2;
    if (index + 2 > CAPACITY)
      throw new DeviceError(
        'profile',
        `more than ${CAPACITY / 2} dispatches in one submit`,
        'read or flush more often while profiling',
      );
    this.pending.push(command);
    return { timestampWrites: { querySet: this.set, beginningOfPassWriteIndex: index, endOfPassWriteIndex: index + 1 } };
  }

  /** Ends a batch: its timestamps travel with the same submit. */
  resolve(encoder: GPUCommandEncoder): void {
    if (this.pending.length === 0) return;
    const bytes = this.pending.length * 16;
    const buffer = this.gpu.createBuffer({ size: bytes, usage: 0x01 | 0x08 }); // MAP_READ | COPY_DST
    encoder.resolveQuerySet(this.set, 0, this.pending.length * 2, this.resolved, 0);
    encoder.copyBufferToBuffer(this.resolved, 0, buffer, 0, bytes);
    this.staged.push({ buffer, commands: this.pending });
    this.pending = [];
  }

  /** Waits for all timestamps; call after the device has settled. */
  async finish(): Promise<Profile> {
    for (const { buffer, commands } of this.staged) this.reads.push(this.collect(buffer, commands));
    this.staged = [];
    await Promise.all(this.reads);
    this.set.destroy();
    this.resolved.destroy();
    const origin = this.timed.reduce((least, { begin }) => (begin < least ? begin : least), this.timed[0]?.begin ?? 0n);
    return new Profile(
      this.timed.map(({ command, begin, end }) => ({
        kernel: command.entry.label,
        start: Number(begin - origin) / 1e6,
        duration: Number(end - begin) / 1e6,
        flops: command.flops,
        bytes: command.bytes,
      })),
    );
  }

  private async collect(buffer: GPUBuffer, commands: readonly DispatchCommand[]): Promise<void> {
    await this.wait(buffer.mapAsync(1));
    const stamps = new BigUint64Array(buffer.getMappedRange().slice(0));
    commands.forEach((command, index) => {
      this.timed.push({ command, begin: nth(stamps, index * 2), end: nth(stamps, index * 2 + 1) });
    });
    buffer.destroy();
  }
}

/** GPU work of a profiled section. */
export class Profile {
  constructor(readonly spans: readonly Span[]) {}

  /** Per kernel, the longest first. */
  kernels(): KernelStat[] {
    const sums = new Map<string, { calls: number; ms: number; flops: number; bytes: number }>();
    for (const span of this.spans) {
      const sum = sums.get(span.kernel) ?? { calls: 0, ms: 0, flops: 0, bytes: 0 };
      sums.set(span.kernel, {
        calls: sum.calls + 1,
        ms: sum.ms + span.duration,
        flops: sum.flops + span.flops,
        bytes: sum.bytes + span.bytes,
      });
    }
    return [...sums]
      .map(([kernel, { calls, ms, flops, bytes }]) => ({
        kernel,
        calls,
        ms,
        gflops: ms > 0 ? flops / ms / 1e6 : 0,
        gbps: ms > 0 ? bytes / ms / 1e6 : 0,
      }))
      .sort((a, b) => b.ms - a.ms);
  }

  /** A trace file for chrome://tracing or Perfetto: JSON text. */
  chromeTrace(): string {
    const events = this.spans.map((span) => ({
      name: span.kernel,
      ph: 'X',
      pid: 1,
      tid: 1,
      ts: span.start * 1000,
      dur: span.duration * 1000,
      args: { flops: span.flops, bytes: span.bytes },
    }));
    return JSON.stringify({ traceEvents: events, displayTimeUnit: 'ms' });
  }
}
