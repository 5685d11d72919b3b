import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { Device, DeviceError, full, matmul } from '../index.ts';
import { awaitGpu } from './await-gpu.node.ts';

/** Turns of the event loop until `promise` settles. */
async function turnsUntil(promise: Promise<unknown>): Promise<number> {
  let turns = 0;
  let done = false;
  const count = (): void => {
    turns += 1;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  await promise.finally(() => {
    done = true;
  });
  return turns;
}

describe('waiting for a CPU adapter', () => {
  it('gives what the promise gives, rejections too', async () => {
    expect(await awaitGpu(sleep(3, 'value'))).toBe('value');
    const reason = new Error('refused');
    await expect(awaitGpu(Promise.reject(reason))).rejects.toBe(reason);
    const late = sleep(3).then(() => Promise.reject(reason));
    await expect(awaitGpu(late)).rejects.toBe(reason);
  });

  it('sleeps in idle turns, also when several wait, and stops with the last', async () => {
    // A spinning loop makes a hundred thousand turns in this time; the shortest nap allows 4000.
    const both = Promise.all([awaitGpu(sleep(200)), awaitGpu(sleep(100))]);
    expect(await turnsUntil(both)).toBeLessThan(4000);
    await sleep(5);
    expect(await turnsUntil(sleep(100))).toBeGreaterThan(1000);
  });

  it('serves timers, files, workers and signals meanwhile', async () => {
    const controller = new AbortController();
    const echo =
      "const { parentPort } = require('node:worker_threads'); parentPort.on('message', (m) => parentPort.postMessage(m + 1))";
    const worker = new Worker(echo, { eval: true });
    const served: string[] = [];
    const answers = (async () => {
      for (let i = 0; i < 200; i += 1) {
        worker.postMessage(i, []);
        expect(await new Promise((resolve) => worker.once('message', resolve))).toBe(i + 1);
      }
      served.push('worker');
    })();
    const files = (async () => {
      for (let i = 0; i < 20; i += 1) await readFile(new URL(import.meta.url));
      served.push('files');
    })();
    const timers = sleep(20).then(() => served.push('timer'));
    controller.signal.addEventListener('abort', () => served.push('abort'));
    setTimeout(() => controller.abort(), 10);
    let release = (): void => undefined;
    const long = awaitGpu(new Promise<void>((resolve) => (release = resolve)));
    await Promise.all([answers, files, timers]);
    release();
    await long;
    await worker.terminate();
    expect(served.sort()).toEqual(['abort', 'files', 'timer', 'worker']);
  });
});

eachDevice('waiting for the device', (ctx) => {
  it('lets a CPU adapter have the core', async ({ skip }) => {
    const { device } = ctx;
    skip(device.adapter.kind === 'gpu', 'this adapter has cores of its own');
    using a = full([256, 256], 0.5, { device });
    matmul(a, a).dispose();
    await device.synchronize(); // compiles
    for (let i = 0; i < 30; i += 1) matmul(a, a).dispose();
    const start = performance.now();
    const turns = await turnsUntil(device.synchronize());
    expect(turns).toBeLessThan(20 + 20 * (performance.now() - start));
  });

  it('a device lost meanwhile rejects the wait', async () => {
    const device = await Device.open({ tuning: 'none' });
    const a = full([512, 512], 0.5, { device });
    for (let i = 0; i < 20; i += 1) matmul(a, a).dispose();
    const read = a.data();
    device.gpu.destroy();
    await expect(read).rejects.toThrow(DeviceError);
    await expect(device.synchronize()).rejects.toThrow(/lost/);
    await sleep(5);
    expect(await turnsUntil(sleep(50))).toBeGreaterThan(500); // no naps any more
  });
});
