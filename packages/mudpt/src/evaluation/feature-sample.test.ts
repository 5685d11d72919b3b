import { tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import { FeatureSample, MOST_IMAGES, sampleOf } from './feature-sample.ts';

it('a sample has all of a few, and of many a bounded number at equal distances', () => {
  const numbers = Array.from({ length: 10 }, (_, index) => index);
  expect(sampleOf(numbers, 20)).toEqual(numbers);
  expect(sampleOf(numbers, 4)).toEqual([0, 2, 5, 7]);
  expect(sampleOf(Array.from({ length: 50_000 }, (_, index) => index))).toHaveLength(MOST_IMAGES);
});

eachDevice('a sample of features', (ctx) => {
  it('puts rows in their places, of batches that were filled up too', async () => {
    // Five batches of rows are read from the device.
    const count = 20_000;
    const items = Array.from({ length: count }, (_, index) => ({ id: `${index}`, image: '', label: index % 3 }));
    const rows = Float32Array.from({ length: 2 * count }, (_, place) => place);
    using features = tensor(rows, { shape: [count, 2], device: ctx.device });
    const sample = new FeatureSample();
    expect(sample.sampled).toBeUndefined();
    await sample.begin({ features, items, labels: new Int32Array(count) });
    const before = sample.sampled;
    expect(before?.items.map(({ id }) => id).slice(0, 3)).toEqual(['0', '40', '80']);
    expect([...(before?.frozen ?? [])]).toEqual(sampleOf(items).flatMap(({ id }) => [2 * Number(id), 2 * Number(id) + 1]));
    expect(before?.tuned).toBeUndefined();
    for (let from = 0; from < count; from += 3000) {
      const some = items.slice(from, from + 3000);
      // Wider than the frozen ones.
      const filled = new Float32Array(9000).fill(-1);
      filled.set(some.flatMap(({ id }) => [Number(id) + 0.5, 0, 2]));
      sample.addTuned(some, filled, 3);
    }
    expect([...(sample.sampled?.tuned ?? [])]).toEqual(sampleOf(items).flatMap(({ id }) => [Number(id) + 0.5, 0, 2]));
    expect(sample.sampled).toMatchObject({ width: 2, tunedWidth: 3 });
  });
});
