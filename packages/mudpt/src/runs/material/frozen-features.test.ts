import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { shapeImage, writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it, vi } from 'vitest';
import { BatchLoader } from '../../data/index.ts';
import { predictZeroShot } from '../../evaluation/predict.ts';
import { resolveConfig } from '../settings/config.ts';
import { frozenFeatures, frozenTexts } from './frozen-features.ts';
import { openModel } from './model.ts';
import { RunCache } from './run-cache.ts';
import { openRunData } from './run-data.ts';

eachDevice('frozen features', (ctx) => {
  /** Zero-shot as a process of its own would: its model, its data, and of others nothing but the folder of the cache. */
  async function zeroShot(
    asked: { data: string; model: string; template?: string; activations?: 'f16' },
    cache: RunCache | undefined,
  ) {
    const config = resolveConfig({ method: 'zero-shot', shots: 'all', ...asked });
    const dataset = await openRunData(config, 'all');
    const base = await openModel(config, ctx.device);
    const { image } = base.clip;
    if (!image) throw new TypeError('a tower is missing');
    const loader = new BatchLoader({ size: base.clip.config.image.size, workers: 0 });
    const parts = { base, config, cache };
    const passes = vi.spyOn(image, 'forward');
    const before = ctx.device.counters().dispatches;
    const features = await frozenFeatures(parts, loader)(dataset.splits.test, { batch: 5 });
    const bits = Buffer.from((await features.features.data()).buffer).toString('hex');
    const predictions = await predictZeroShot(base.clip, features, dataset, frozenTexts(parts));
    const dispatches = ctx.device.counters().dispatches - before;
    features.features.dispose();
    base.close();
    await loader.close();
    const found = predictions.map(({ item, ...rest }) => ({ id: item.id, ...rest }));
    return { found, bits, dispatches, imagePasses: passes.mock.calls.length };
  }

  it('are computed once for a model, images, classes and template, and are the same to the bit from the disk', async () => {
    await using at = await temporaryFolder();
    const [data, model, folder] = [join(at.path, 'shapes'), join(at.path, 'model'), join(at.path, 'cache')];
    await writeShapes(data, { train: 1, test: 3 });
    await writeTinyModel(model);
    const notes: string[] = [];
    const another = (): RunCache => new RunCache({ folder, onNote: (note) => notes.push(note) });
    const without = await zeroShot({ data, model }, undefined);
    const first = await zeroShot({ data, model }, another());
    const second = await zeroShot({ data, model }, another());
    const plain = { found: without.found, bits: without.bits };
    expect({ found: first.found, bits: first.bits }).toEqual(plain);
    expect({ found: second.found, bits: second.bits }).toEqual(plain);
    expect([without.imagePasses, first.imagePasses, second.imagePasses]).toEqual([1, 1, 0]);
    // Unit features and their products are all that is left: no pass through either tower.
    expect(second.dispatches).toBeLessThanOrEqual(4);
    expect(first.dispatches).toBeGreaterThan(40);

    // Another template: class features alone are computed.
    const worded = await zeroShot({ data, model, template: 'one {}.' }, another());
    expect(worded).toMatchObject({ imagePasses: 0, bits: plain.bits });
    expect(worded.dispatches).toBeGreaterThan(second.dispatches);
    // The same images elsewhere are known; a changed one, and another model, are not.
    await writeShapes(join(at.path, 'copy'), { train: 1, test: 3 });
    expect((await zeroShot({ data: join(at.path, 'copy'), model }, another())).imagePasses).toBe(0);
    await put(join(at.path, 'copy', 'test', 'red_circle', '0.png'), shapeImage('blue cross', 40));
    const changed = await zeroShot({ data: join(at.path, 'copy'), model }, another());
    expect(changed.imagePasses).toBe(1);
    expect(changed.bits).not.toBe(plain.bits);
    await writeTinyModel(join(at.path, 'other'), 1);
    expect((await zeroShot({ data, model: join(at.path, 'other') }, another())).imagePasses).toBe(1);
    // Features of blocks that compute in f16 are others, too.
    if (ctx.device.hasF16) {
      const half = await zeroShot({ data, model, activations: 'f16' }, another());
      expect(half.imagePasses).toBe(1);
      expect(half.bits).not.toBe(plain.bits);
    } else await expect(zeroShot({ data, model, activations: 'f16' }, another())).rejects.toThrow(/activationDType is f16/);
    expect(notes).toEqual([]);
  });

  it('that were damaged on the disk are told, and computed again', async () => {
    await using at = await temporaryFolder();
    const [data, model, folder] = [join(at.path, 'shapes'), join(at.path, 'model'), join(at.path, 'cache')];
    await writeShapes(data, { train: 1, test: 2 });
    await writeTinyModel(model);
    const notes: string[] = [];
    const another = (): RunCache => new RunCache({ folder, onNote: (note) => notes.push(note) });
    const first = await zeroShot({ data, model }, another());
    const kept = join(folder, 'tensors');
    const names = await readdir(kept);
    // Those of the images and those of the texts.
    expect(names).toHaveLength(2);
    for (const name of names) {
      const bytes = await readFile(join(kept, name));
      bytes[bytes.length - 3] = (bytes.at(-3) ?? 0) ^ 1;
      await writeFile(join(kept, name), bytes);
    }
    const again = await zeroShot({ data, model }, another());
    expect(again).toMatchObject({ found: first.found, bits: first.bits, imagePasses: 1 });
    expect(notes).toHaveLength(2);
    expect(notes[0]).toMatch(/its SHA-256 is not that of its contents; it is made again/);
    expect((await zeroShot({ data, model }, another())).imagePasses).toBe(0);
  });
});
