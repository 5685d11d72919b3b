/**
 * Waiting for a CPU adapter in Node. While one of Dawn's promises is pending, the package `webgpu` polls in every turn of the event
 * loop. That keeps the main thread at 100 % of a core that the adapter could compute on. Here every turn in which nothing
 * else happened sleeps for a short time, so that the adapter gets the core, and timers, files, workers and signals are still served.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers';
import type { AwaitGpu } from './platform.ts';

/**
 * Milliseconds. A nap takes a fiftieth of the time waited so far, so that a read comes at most 2 % late. A turn of the loop takes some 0.05 ms from the
 * adapter: with naps of 0.4 ms and no longer that was 10 % of a core through a step of ten seconds.
 */
const SHORTEST_NAP = 0.05;
const LONGEST_NAP = 4;
const SHARE = 0.02;
/** A turn of the event loop that took longer than this did work, and more may be queued: no nap then. */
const IDLE_TURN = 0.1;

const cell = new Int32Array(new SharedArrayBuffer(4));
let waiting = 0;
let isNapping = false;
/** When the latest wait began, and when the last turn ended. */
let since = 0;
let awake = 0;

/** See {@link AwaitGpu}. Any number of promises may wait at once: they share the naps. */
export const awaitGpu: AwaitGpu = async (promise) => {
  waiting += 1;
  since = performance.now();
  if (!isNapping) {
    isNapping = true;
    awake = since;
    setImmediate(eventLoopTurn);
  }
  try {
    return await promise;
  } finally {
    waiting -= 1;
  }
};

function eventLoopTurn(): void {
  if (waiting === 0) {
    isNapping = false;
    return;
  }
  const now = performance.now();
  if (now - awake < IDLE_TURN) Atomics.wait(cell, 0, 0, Math.min(LONGEST_NAP, Math.max(SHORTEST_NAP, (now - since) * SHARE)));
  awake = performance.now();
  setImmediate(eventLoopTurn);
}
