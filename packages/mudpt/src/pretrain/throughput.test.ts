import { expect, it } from 'vitest';
import { ThroughputMeter } from './throughput.ts';

const after = (ms: number): Promise<number> => new Promise((resolve) => setTimeout(() => resolve(ms), ms));

function busy(ms: number): number {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return ms;
}

it('a device that works longer than a batch takes does not wait', async () => {
  const meter = new ThroughputMeter(8);
  meter.restart();
  for (let step = 0; step < 3; step++)
    expect(
      await meter.step(
        () => after(80),
        () => busy(20),
      ),
    ).toEqual({ result: 80, next: 20 });
  const { waiting, host, imagesPerSecond, gflops, secondsPerStep } = meter.mean(1e9);
  expect(waiting).toBeLessThan(0.05);
  expect(host).toBeGreaterThan(0.1);
  expect(secondsPerStep).toBeGreaterThan(0.079);
  expect(imagesPerSecond).toBeCloseTo(8 / secondsPerStep);
  expect(gflops).toBeCloseTo(1 / secondsPerStep);
});

it('a device that has finished before the batch is made waits', async () => {
  const meter = new ThroughputMeter(8);
  meter.restart();
  for (let step = 0; step < 3; step++)
    await meter.step(
      () => Promise.resolve(0),
      () => busy(20),
    );
  expect(meter.mean(1e9).waiting).toBeGreaterThan(0.8);
});
