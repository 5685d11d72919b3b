import { describe, expect, expectTypeOf, it } from 'vitest';
import { collate, DataLoader, type HostBatch, rowsOf } from '../index.ts';

async function all<B>(batches: AsyncIterable<B>): Promise<B[]> {
  const list: B[] = [];
  for await (const batch of batches) list.push(batch);
  return list;
}
const numbers = (batch: HostBatch): number[] => [...(batch.data as Iterable<number>)];
const items = Array.from({ length: 10 }, (_, i) => ({ x: Float32Array.of(i, -i), y: i }));

describe('collate', () => {
  it('puts values side by side by name, in the dtypes asked for', () => {
    const batch = collate(items.slice(0, 2), { y: 'i32' });
    expectTypeOf(batch).toEqualTypeOf<{ readonly x: HostBatch; readonly y: HostBatch }>();
    expect(batch.x).toEqual({ data: Float32Array.of(0, -0, 1, -1), shape: [2, 2], dtype: 'f32' });
    expect(batch.y).toEqual({ data: Int32Array.of(0, 1), shape: [2], dtype: 'i32' });
    expect(collate([1, 2, 3])).toEqual({ data: Float32Array.of(1, 2, 3), shape: [3], dtype: 'f32' });
    const image = { data: Uint32Array.of(1, 2, 3, 4), shape: [2, 2] };
    expect(collate([image])).toEqual({ data: Uint32Array.of(1, 2, 3, 4), shape: [1, 2, 2], dtype: 'u32' });
  });

  it('refuses what does not fit together', () => {
    expect(() => collate([])).toThrow(/there are no items/);
    expect(() => collate([Float32Array.of(1), Float32Array.of(1, 2)])).toThrow(/shape \[1\] in one item and \[2\] in another/);
    expect(() => collate([{ x: 1 }, { y: 1 }] as never)).toThrow(/one item has x, another y/);
    expect(() => collate(['a'] as never)).toThrow(/an item is a string/);
    expect(() => collate([{ data: [1, 2], shape: [3] }])).toThrow(/2 numbers and shape \[3\]/);
    expect(() => collate([Float32Array.of(1), Int32Array.of(1)])).toThrow(/f32 in one item and i32 in another/);
  });
});

describe('DataLoader', () => {
  it('gives batches in order, with an incomplete last one or without', async () => {
    const loader = new DataLoader(items, { batchSize: 4 });
    expect(loader.length).toBe(3);
    expect((await all(loader)).map(({ y }) => numbers(y))).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    const dropping = new DataLoader(items, { batchSize: 4, dropLast: true });
    expect([dropping.length, (await all(dropping)).length]).toEqual([2, 2]);
    expect(await all(new DataLoader(items, { batchSize: 4, dropLast: true, collate: (some) => some.length }))).toEqual([4, 4]);
  });

  it('shuffles by seed and epoch, and goes on from a batch', async () => {
    const order = async (seed: number, epoch: number, from = 0): Promise<number[]> => {
      const loader = new DataLoader(items, { batchSize: 4, shuffle: true, seed });
      return (await all(loader.epoch(epoch, from))).flatMap(({ y }) => numbers(y));
    };
    const first = await order(1, 0);
    expect([...first].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await order(1, 0)).toEqual(first);
    expect(await order(1, 1)).not.toEqual(first);
    expect(await order(2, 0)).not.toEqual(first);
    expect(await order(1, 0, 2)).toEqual(first.slice(8));
    const loader = new DataLoader(items, { batchSize: 10, shuffle: true, seed: 1 });
    const epochs = [await all(loader), await all(loader)].map(([batch]) => numbers(batch!.y));
    expect(epochs).toEqual([first, await order(1, 1)]);
  });

  it('prepares batches ahead, as many as asked for, and stops when left', async () => {
    const asked: number[] = [];
    const source = { length: 10, get: (index: number) => (asked.push(index), Promise.resolve(index)) };
    const loader = new DataLoader(source, { batchSize: 1, prefetch: 2 });
    for await (const batch of loader) {
      expect(batch.shape).toEqual([1]);
      break;
    }
    expect(asked).toEqual([0, 1, 2]);
    const failing = new DataLoader(
      { length: 3, get: (i) => (i === 1 ? Promise.reject(new Error('broken')) : i) },
      { batchSize: 1 },
    );
    await expect(all(failing)).rejects.toThrow('broken');
  });

  it('takes iterators, which it closes', async () => {
    let closed = 0;
    async function* stream(epoch: number): AsyncGenerator<number> {
      try {
        for (let i = 0; i < 5; i += 1) yield await Promise.resolve(i + 10 * epoch);
      } finally {
        closed += 1;
      }
    }
    const loader = new DataLoader(stream, { batchSize: 2, prefetch: 1 });
    expect(loader.length).toBeUndefined();
    expect((await all(loader)).map(numbers)).toEqual([[0, 1], [2, 3], [4]]);
    expect((await all(loader.epoch(1, 1))).map(numbers)).toEqual([[12, 13], [14]]);
    for await (const batch of loader.epoch(0)) {
      expect(numbers(batch)).toEqual([0, 1]);
      break;
    }
    expect(closed).toBe(3);
    expect((await all(new DataLoader(new Set([1, 2, 3]), { batchSize: 2, dropLast: true }))).map(numbers)).toEqual([[1, 2]]);
    expect(() => new DataLoader(stream, { batchSize: 2, shuffle: true })).toThrow(/an iterator cannot be shuffled/);
    expect(() => new DataLoader([1], { batchSize: 0 })).toThrow(/batchSize is 0/);
  });

  it('takes columns as rows', async () => {
    const source = rowsOf({
      x: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] },
      y: { data: Int32Array.of(7, 8), shape: [2] },
    });
    const [batch] = await all(new DataLoader(source, { batchSize: 2 }));
    expect(batch).toEqual({
      x: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2], dtype: 'f32' },
      y: { data: Int32Array.of(7, 8), shape: [2], dtype: 'i32' },
    });
    expect(() => rowsOf({ x: { data: [1, 2], shape: [2] }, y: { data: [1], shape: [1] } })).toThrow(
      /y has 1 numbers and shape \[1\]/,
    );
  });
});
