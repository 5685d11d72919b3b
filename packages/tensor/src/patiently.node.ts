/**
 * Waiting for a CPU adapter in Node. While one of Dawn's promises is pending, the package `webgpu` polls in every turn of the event
 * loop, which keeps the main thread at 100 % of a core: the very core that the adapter computes on. Here every turn in which nothing
 * else happened takes a short nap, so that the core goes to the adapter, and timers, files, workers and signals are still served.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers';
import type { Patiently } from './platform.ts';

/** Milliseconds. A read waits at most the longest nap too long; the first ones are short, for results that are nearly there. */
const SHORTEST_NAP = 0.05;
const LONGEST_NAP = 0.4;
/** A turn of the event loop that took longer than this did something: more of it may wait, so no nap. */
const IDLE_TURN = 0.1;

const cell = new Int32Array(new SharedArrayBuffer(4));
let waiting = 0;
let isNapping = false;
let nap = SHORTEST_NAP;
let awake = 0;

/** See {@link Patiently}. Any number of promises may wait at once: they share the naps. */
export const patiently: Patiently = async (promise) => {
  waiting += 1;
  nap = SHORTEST_NAP;
  if (!isNapping) {
    isNapping = true;
    awake = performance.now();
    setImmediate(turn);
  }
  try {
    return await promise;
  } finally {
    waiting -= 1;
  }
};

function turn(): void {
  if (waiting === 0) {
    isNapping = false;
    return;
  }
  if (performance.now() - awake < IDLE_TURN) {
    Atomics.wait(cell, 0, 0, nap);
    nap = Math.min(LONGEST_NAP, nap * 1.25);
  }
  awake = performance.now();
  setImmediate(turn);
}
