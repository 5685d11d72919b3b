/** Time on a machine that others use, too. */
import { availableParallelism } from 'node:os';
import type { Device } from '@mudpt/tensor';

export type Elapsed = {
  /** Milliseconds on the wall. */
  readonly wall: number;
  /**
   * On a CPU adapter, milliseconds that all cores would have needed had they done nothing else: processor time of this process, which the adapter
   * runs in, divided by their number. It hardly changes when other programs take turns on the cores. On a GPU the same as `wall`.
   */
  readonly busy: number;
};

/** Starts a stopwatch. @returns reads it, as often as one likes */
export function stopwatch(device: Device): () => Elapsed {
  const begin = performance.now();
  const used = process.cpuUsage();
  return () => {
    const wall = performance.now() - begin;
    if (device.adapter.kind === 'gpu') return { wall, busy: wall };
    const { user, system } = process.cpuUsage(used);
    return { wall, busy: (user + system) / 1000 / availableParallelism() };
  };
}
