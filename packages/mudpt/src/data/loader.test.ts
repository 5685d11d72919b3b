import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { shapeImage, writeShapes } from '@mudpt/testing/images';
import type { Item } from './dataset.ts';
import { type Batch, BatchLoader } from './loader.ts';
import { openDataset } from '../datasets/registry.ts';

const collect = async (batches: AsyncIterable<Batch>): Promise<Batch[]> => {
  const all: Batch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
};
const options = { size: 16, workers: 0, seed: 3 };

async function shapes(path: string): Promise<readonly Item[]> {
  await writeShapes(path, { train: 5, test: 1 });
  return (await openDataset(path)).splits.train;
}

it('an interrupted epoch goes on with the same bits, whatever was loaded before', async () => {
  await using folder = await temporaryFolder();
  const items = await shapes(folder.path);
  const one = new BatchLoader(options);
  const whole = await collect(one.epoch(items, { batch: 6, epoch: 2 }));
  expect(whole.map(({ labels }) => labels.length)).toEqual([6, 6, 6]);
  const other = new BatchLoader({ ...options, workers: 2 });
  expect(await other.check(items)).toEqual(items);
  const rest = await collect(other.epoch(items, { batch: 6, epoch: 2, from: 1 }));
  expect(rest).toEqual(whole.slice(1));
  expect(await collect(other.epoch(items, { batch: 6, epoch: 3 }))).not.toEqual(whole);
  expect((await collect(other.epoch(items, { batch: 50, epoch: 0 })))[0]?.labels).toHaveLength(20);
  await Promise.all([one.close(), other.close()]);
});

it('augments each image twice where a second view is asked for; the first view stays as it is', async () => {
  await using folder = await temporaryFolder();
  const items = await shapes(folder.path);
  const loader = new BatchLoader(options);
  const one = await collect(loader.epoch(items, { batch: 6, epoch: 1 }));
  const two = await collect(loader.epoch(items, { batch: 6, epoch: 1, views: 2 }));
  expect(two.map(({ images, shape, labels, items: some }) => ({ images, shape, labels, items: some }))).toEqual(one);
  expect(one.every((batch) => !('images2' in batch))).toBe(true);
  for (const { images, images2 } of two) {
    expect(images2).toHaveLength(images.length);
    const area = 3 * options.size ** 2;
    // Images of one colour may be alike under two crops; most of these are not.
    const differ = [0, 1, 2, 3, 4, 5].filter(
      (at) => images.slice(at * area, (at + 1) * area).join() !== images2?.slice(at * area, (at + 1) * area).join(),
    );
    expect(differ.length).toBeGreaterThan(3);
  }
  expect(await collect(loader.epoch(items, { batch: 6, epoch: 1, views: 2, from: 2 }))).toEqual(two.slice(2));
  await loader.close();
});

it('leaves out what cannot be decoded, and says why', async () => {
  await using folder = await temporaryFolder();
  await writeShapes(folder.path, { train: 2, test: 1 });
  await put(join(folder.path, 'train', 'red_circle', 'cut.png'), shapeImage('red circle', 9).subarray(0, 60));
  await put(join(folder.path, 'test', 'red_circle', 'page.jpg'), '<html>not found</html>');
  const { splits } = await openDataset(folder.path);
  const loader = new BatchLoader(options);
  const readable = await loader.check(splits.train);
  expect(readable).toHaveLength(8);
  const test = await collect(loader.inOrder(splits.test, 3));
  expect(test.map(({ labels }) => labels.length)).toEqual([3, 1]);
  expect(test.map(({ shape }) => shape)).toEqual([
    [3, 3, 16, 16],
    [1, 3, 16, 16],
  ]);
  expect(loader.unreadable.map(({ id }) => id)).toEqual(['test/red_circle/page.jpg', 'train/red_circle/cut.png']);
  expect(loader.unreadable[0]?.why).toMatch(/HTML/);
  await rm(join(folder.path, 'train', 'red_circle', '0.png'));
  await expect(collect(loader.epoch(readable, { batch: 4, epoch: 0 }))).rejects.toThrow(/cannot be read any more/);
  await loader.close();
});
