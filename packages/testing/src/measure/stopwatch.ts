/** A stopwatch for a shared machine. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Device } from '@mudpt/tensor';

export type Elapsed = {
  /** Milliseconds on the wall. */
  readonly wall: number;
  /**
   * On a CPU adapter, milliseconds that all cores would have needed had they done nothing else: processor time of the adapter's threads, which
   * live in this process, divided by the number of cores. It hardly changes when other programs take turns on them. On a GPU the same as `wall`.
   */
  readonly busy: number;
};

/** Starts a stopwatch. @returns reads it, as often as one likes */
export function stopwatch(device: Device): () => Elapsed {
  const begin = performance.now();
  const used = process.cpuUsage();
  const mainBefore = mainThreadTime();
  return () => {
    const wall = performance.now() - begin;
    if (device.adapter.kind === 'gpu') return { wall, busy: wall };
    const { user, system } = process.cpuUsage(used);
    return { wall, busy: ((user + system) / 1000 - (mainThreadTime() - mainBefore)) / availableParallelism() };
  };
}

const SCHEDULER = '/proc/self/schedstat';
const isLinux = existsSync(SCHEDULER);

/** Processor milliseconds of the main thread, which looks after the adapter however long it takes; 0 where only Linux would tell. */
function mainThreadTime(): number {
  return isLinux ? Number(readFileSync(SCHEDULER, 'utf8').split(' ')[0]) / 1e6 : 0;
}
