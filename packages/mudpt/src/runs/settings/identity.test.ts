import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { shapeImage, writeShapes } from '@mudpt/testing/images';
import { CacheFolder } from '../../cache/cache-folder.ts';
import { FileDigests } from '../../cache/file-digests.ts';
import { resolveConfig } from './config.ts';
import { differences, folderMark, marksOf, type RunMarks } from './identity.ts';
import { openRunData } from '../material/run-data.ts';

const MODEL = 'e'.repeat(64);

async function marked(
  data: string,
  more: { template?: string; seed?: number; shots?: number } = {},
): Promise<RunMarks & { mark: string }> {
  const config = resolveConfig({ data, shots: 2, ...more });
  const marks = await marksOf(config, await openRunData(config, 'all'), MODEL);
  return { ...marks, mark: folderMark(config, marks) };
}

it('a run is told from others by the contents of its data, wherever that lies', async () => {
  await using at = await temporaryFolder();
  const [here, there] = [join(at.path, 'a', 'digits'), join(at.path, 'b', 'digits')];
  for (const folder of [here, there]) await writeShapes(folder, { train: 3, test: 2 });
  const first = await marked(here);
  expect(await marked(there)).toEqual(first);
  await rename(here, join(at.path, 'moved'));
  expect(await marked(join(at.path, 'moved'))).toEqual(first);

  // Another template, a test image, the name of a training image: another run. Seeds of one run lie side by side.
  expect((await marked(there, { template: 'one {}.' })).mark).not.toBe(first.mark);
  const seed = await marked(there, { seed: 2 });
  expect(seed).toMatchObject({ data: first.data, mark: first.mark });
  expect(differences(first, seed).map(({ what }) => what)).toEqual(['another configuration', 'other training images']);

  const all = await marked(there, { shots: 3 });
  await put(join(there, 'train', 'red_circle', '0.png'), shapeImage('blue cross', 40));
  const changed = await marked(there, { shots: 3 });
  expect(changed).toMatchObject({ mark: all.mark, data: all.data });
  expect(differences(all, changed).map(({ what }) => what)).toEqual(['other training images']);

  await put(join(there, 'test', 'red_circle', '0.png'), shapeImage('blue cross', 41));
  expect((await marked(there, { shots: 3 })).mark).not.toBe(all.mark);
  await rename(join(there, 'train', 'red_circle', '1.png'), join(there, 'train', 'red_circle', 'other.png'));
  expect((await marked(there, { shots: 3 })).data).not.toBe(changed.data);
});

it('a second run of a set looks at its files and reads none, wherever it is called from', async () => {
  await using at = await temporaryFolder();
  const [data, folder] = [join(at.path, 'digits'), join(at.path, 'cache')];
  await writeShapes(data, { train: 3, test: 2 });
  const config = resolveConfig({ data, shots: 2 });
  const marks = async (known?: FileDigests): Promise<RunMarks> =>
    marksOf(config, await openRunData(config, 'all'), MODEL, { known });
  // As two processes: the folder alone is shared.
  const another = (): FileDigests => new FileDigests(new CacheFolder(folder), 0);
  const [first, second] = [another(), another()];
  const expected = await marks();
  expect([await marks(first), first.hits]).toEqual([expected, 0]);
  expect([await marks(second), second.hits]).toEqual([expected, 4 * (2 + 2)]);
  await put(join(data, 'test', 'red_circle', '0.png'), shapeImage('blue cross', 41));
  const third = another();
  expect(await marks(third)).toEqual(await marks());
  expect(third.hits).toBe(4 * (2 + 2) - 1);
});

it('stops reading when asked to', async () => {
  await using at = await temporaryFolder();
  await writeShapes(at.path, { train: 3, test: 2 });
  const config = resolveConfig({ data: at.path, shots: 2 });
  const stop = new AbortController();
  const onProgress = (): void => stop.abort(new Error('enough'));
  const marks = openRunData(config, 'all').then((dataset) =>
    marksOf(config, dataset, MODEL, { signal: stop.signal, onProgress }),
  );
  await expect(marks).rejects.toThrow('enough');
});
