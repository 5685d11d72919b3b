import { expect, it } from 'vitest';
import { durationText, Throughput } from './throughput.ts';

it('tells images per second and the time to go by bytes, finished shards left out', () => {
  let now = 100;
  const throughput = new Throughput(1000, () => now);
  expect(throughput.progress()).toEqual({ images: 0, imagesPerSecond: 0, secondsToGo: undefined });
  throughput.skip(400);
  now += 10;
  // Half of a shard of 200 bytes in 10 seconds: 500 of 600 bytes are left.
  expect(throughput.progress({ images: 50, weight: 200, part: 0.5 })).toEqual({
    images: 50,
    imagesPerSecond: 5,
    secondsToGo: 50,
  });
  throughput.finish(100, 200);
  now += 10;
  expect(throughput.progress()).toEqual({ images: 100, imagesPerSecond: 5, secondsToGo: 40 });
  throughput.finish(300, 400);
  expect(throughput.progress().secondsToGo).toBe(0);
  expect([9.2, 99, 300, 7200].map(durationText)).toEqual(['10 s', '99 s', '5 min', '2.0 h']);
});
