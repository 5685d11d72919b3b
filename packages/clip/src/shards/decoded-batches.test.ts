import { FormatError } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import type { ImageLoader } from '../preprocess/index.ts';
import { type DecodedBatch, decodedBatches } from './decoded-batches.ts';
import type { ShardImage } from './image.ts';

const SIZE = 1;
const normalization = { mean: [0, 0, 0], std: [1, 1, 1] };

/** Decodes [n, ...] to a pixel of n; an image that begins with 255 is damaged, and 254 takes long. */
const loader = {
  load: async (source: Uint8Array, { name = '' }: { name?: string } = {}) => {
    const [value = 0] = source;
    if (value === 254) await new Promise((resolve) => setTimeout(resolve, 30));
    if (value === 255) throw new FormatError('decodeImage', `${name} is damaged`, 'fetch it again');
    return Uint8Array.of(value, value, value);
  },
} as unknown as ImageLoader;

const image = (value: number, bytes = 1): ShardImage => {
  const source = new Uint8Array(bytes);
  source[0] = value;
  return { id: `i${value}`, part: value / 10, source };
};

function batchesOf(images: AsyncIterable<ShardImage>, batch: number, signal = new AbortController().signal) {
  return decodedBatches(images, { loader, batch, size: SIZE, normalization, signal });
}

async function all(batches: AsyncIterable<DecodedBatch>): Promise<DecodedBatch[]> {
  const found: DecodedBatch[] = [];
  for await (const one of batches) found.push(one);
  return found;
}

it('keeps the order, whatever takes long, and tells damaged and missing ones by their ids', async () => {
  async function* source(): AsyncGenerator<ShardImage> {
    yield image(254);
    yield image(255);
    yield { id: 'none', part: 0.5, why: 'nothing here' };
    yield image(3);
    yield image(4);
  }
  const batches = await all(batchesOf(source(), 2));
  expect(batches.map(({ rows }) => rows)).toEqual([
    [{ id: 'i254' }, { id: 'i255', why: 'i255 is damaged' }],
    [{ id: 'none', why: 'nothing here' }, { id: 'i3' }],
    [{ id: 'i4' }],
  ]);
  expect(batches.map(({ pixels }) => [...pixels].map((value) => Math.round(255 * value)))).toEqual([
    [254, 254, 254],
    [3, 3, 3],
    [4, 4, 4],
  ]);
  expect(batches.map(({ part }) => part)).toEqual([25.5, 0.3, 0.4]);
  expect(await all(batchesOf((async function* () {})(), 2))).toEqual([]);
});

it('reads and decodes on while a batch is worked on, two batches ahead and no more, and ends with its taker', async () => {
  let read = 0;
  let isEnded = false;
  async function* endless(): AsyncGenerator<ShardImage> {
    try {
      for (;;) yield image(read++ % 200);
    } finally {
      isEnded = true;
    }
  }
  const batches = batchesOf(endless(), 4);
  await batches.next();
  // The device would be at work now.
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(read).toBeGreaterThanOrEqual(4 + 8);
  expect(read).toBeLessThanOrEqual(4 + 8 + 1);
  await batches.return();
  expect(isEnded).toBe(true);
});

it('holds few files that are large', async () => {
  let read = 0;
  async function* large(): AsyncGenerator<ShardImage> {
    for (; read < 6; read += 1) yield { ...image(254), source: large254 };
  }
  const large254 = new Uint8Array(2 ** 27 + 1).fill(254, 0, 1);
  const batches = batchesOf(large(), 6);
  const first = batches.next();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(read).toBeLessThanOrEqual(2);
  expect((await first).value?.rows).toHaveLength(6);
  await batches.return();
});

it('an error of the shard comes after the images before it, and an abort at once', async () => {
  async function* broken(): AsyncGenerator<ShardImage> {
    yield image(1);
    yield image(2);
    throw new FormatError('shards', 'it is cut off', 'fetch it again');
  }
  const batches = batchesOf(broken(), 2);
  expect((await batches.next()).value?.rows).toEqual([{ id: 'i1' }, { id: 'i2' }]);
  await expect(batches.next()).rejects.toThrow(/it is cut off/);

  const controller = new AbortController();
  async function* some(): AsyncGenerator<ShardImage> {
    for (let value = 0; value < 10; value += 1) yield image(value);
  }
  const stopped = batchesOf(some(), 2, controller.signal);
  await stopped.next();
  controller.abort(new Error('enough'));
  await expect(stopped.next()).rejects.toThrow(/enough/);
});

it('a fault of the program is no fault of an image', async () => {
  const failing = { load: () => Promise.reject(new TypeError('a bug')) } as unknown as ImageLoader;
  async function* one(): AsyncGenerator<ShardImage> {
    yield image(1);
  }
  const { signal } = new AbortController();
  const batches = decodedBatches(one(), { loader: failing, batch: 2, size: SIZE, normalization, signal });
  await expect(batches.next()).rejects.toThrow(/a bug/);
});
