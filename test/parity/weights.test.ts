import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { goldenWeights } from '@mudpt/testing/models/golden-clip';
import { fixturePath } from '@mudpt/testing/files';
import { written } from '@mudpt/testing/weights/models';
import { torchBytes } from '@mudpt/testing/weights/torch-writer';
import { eachDevice } from '@mudpt/testing/support';
import { hasPassed } from './report.ts';
import { runWeightsFile } from './weights.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parity-weights-'));
  await mkdir(join(folder, 'weights'));
  await copyFile(fixturePath('methods/zeroshot_clip_a.safetensors'), join(folder, 'zeroshot_clip_a.safetensors'));
});
afterAll(() => rm(folder, { recursive: true }));

const place = (name: string) => join(folder, 'weights', name);
const noDevice = () => Promise.reject(new Error('no device should be needed'));

eachDevice('parity of weights', (ctx) => {
  it('passes a model with the features of the golden, fails one with another number', async () => {
    const weights = new Map(Object.entries(await goldenWeights()));
    await writeFile(place('model.pt'), await torchBytes(written(weights)));
    const passed = await runWeightsFile(place('model.pt'), async () => ctx.device);
    expect(hasPassed(passed), JSON.stringify(passed)).toBe(true);
    expect(passed.cases.map(({ tensors }) => tensors.length)).toEqual([3]);

    const projection = weights.get('text_projection');
    if (projection?.dtype !== 'f32') throw new Error('the golden has no text_projection');
    const data = projection.data.slice();
    data[5]! += 1;
    await writeFile(place('other.pt'), await torchBytes(written(weights.set('text_projection', { ...projection, data }))));
    expect(hasPassed(await runWeightsFile(place('other.pt'), async () => ctx.device))).toBe(false);
  });
});

it('passes what is refused as its name says, fails what is refused for another reason or not at all', async () => {
  await copyFile(fixturePath('weights/hostile-pickle.pt'), place('hostile-pickle.pt'));
  await copyFile(fixturePath('weights/legacy-not-zip.pt'), place('legacy-not-zip.pt'));
  await copyFile(fixturePath('weights/legacy-not-zip.pt'), place('hostile-legacy.pt'));
  await copyFile(fixturePath('weights/state-dict-f32.pt'), place('hostile-loads.pt'));
  const verdict = async (name: string) => hasPassed(await runWeightsFile(place(name), noDevice));
  expect(await verdict('hostile-pickle.pt')).toBe(true);
  expect(await verdict('legacy-not-zip.pt')).toBe(true);
  expect(await verdict('hostile-legacy.pt')).toBe(false);
  expect(await verdict('hostile-loads.pt')).toBe(false);
});

it('needs a golden of the same sizes', async () => {
  await copyFile(fixturePath('weights/state-dict-f32.pt'), place('small.pt'));
  await expect(runWeightsFile(place('small.pt'), noDevice)).rejects.toThrow(/of its sizes lies above it \(1 looked at\)/);
});
