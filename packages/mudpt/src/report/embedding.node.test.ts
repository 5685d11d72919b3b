import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import type { SampledFeatures } from '../evaluation/feature-sample.ts';
import { train } from '../runs/index.ts';
import { embeddingOf } from './embedding.ts';
import { writeReport } from './report.ts';

const features = (count: number, width: number): SampledFeatures => ({
  items: Array.from({ length: count }, (_, index) => ({ id: `${index}`, image: '', label: index % 2 })),
  width,
  frozen: Float32Array.from({ length: count * width }, (_, place) => Math.sin(place * 0.7) + (Math.floor(place / width) % 2) * 3),
});

it('is laid out while the event loop runs, in pixels, the same each time; few images are not', async () => {
  const made = features(300, 64);
  let [isDone, turns] = [false, 0];
  const turn = (): void => {
    turns += 1;
    if (!isDone) setTimeout(turn, 1);
  };
  turn();
  const embedding = await embeddingOf(made);
  isDone = true;
  // On the event loop there would be a turn or two in all.
  expect(turns).toBeGreaterThan(20);
  expect(embedding?.images.slice(0, 2)).toEqual([
    { id: '0', label: 0 },
    { id: '1', label: 1 },
  ]);
  expect(embedding?.tuned).toBeUndefined();
  for (const value of embedding?.zeroShot.flat() ?? []) expect(value >= 10 && value <= 460).toBe(true);
  expect(await embeddingOf(made)).toEqual(embedding);
  expect(await embeddingOf(features(9, 4))).toBeUndefined();
});

it('stops when it is asked to', async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error('stopped')), 20);
  await expect(embeddingOf(features(900, 512), stop.signal)).rejects.toThrow('stopped');
  await expect(embeddingOf(features(20, 4), stop.signal)).rejects.toThrow('stopped');
});

eachDevice('the report of a run', (ctx) => {
  it.each([
    ['mudpt', { depth: 2, length: 2 }, 2],
    ['coop', { length: 2, initWords: '' }, 1],
    ['linear-probe', {}, 1],
  ] as const)('of %s draws its test images, and draws them again without the model', async (method, settings, planes) => {
    await using at = await temporaryFolder();
    const [data, model] = [join(at.path, 'shapes'), join(at.path, 'model')];
    await writeShapes(data, { train: 2, test: 4 });
    await writeTinyModel(model);
    let first = '';
    let splits = { train: [], val: [], test: [] };
    const { folder } = await train(
      {
        ...{ data, model, shots: 2, method, settings, alternatives: false },
        ...(planes === 2 || method === 'coop' ? { training: { batchSize: 4, epochs: 1 } } : {}),
      },
      {
        device: ctx.device,
        out: join(at.path, 'runs'),
        afterwards: async ({ folder: written, dataset, features: sampled }) => {
          expect(sampled?.items).toHaveLength(16);
          if (planes === 2) expect(sampled?.tuned).not.toEqual(sampled?.frozen);
          splits = dataset.splits as never;
          first = await readFile(await writeReport({ folder: written, dataset, features: sampled }), 'utf8');
        },
      },
    );
    const section = /<h2>Features in a plane.*?<p class="keys">.*?<\/p>/s;
    const drawn = section.exec(first)?.[0] ?? '';
    expect(drawn.match(/<svg/g)).toHaveLength(planes);
    expect(drawn.match(/<circle/g)).toHaveLength(16 * planes);
    expect(drawn).toContain('<title>red circle</title>');
    expect(drawn.includes('Learning left the image features as they were')).toBe(planes === 1);
    const again = await readFile(await writeReport({ folder, dataset: { splits } }), 'utf8');
    expect(section.exec(again)?.[0]).toBe(drawn);
  });
});
