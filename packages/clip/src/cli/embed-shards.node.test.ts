import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fixturePath, temporaryFolder } from '@mudpt/testing/files';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { packTar } from 'modern-tar';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { expect, it } from 'vitest';
import { createProgram } from './program.ts';

const IMAGES = fixturePath('preprocess/pictures/');
const FILES = ['rgb.png', '444.jpg', 'grey.png'];

eachDevice('clip embed-shards', (ctx) => {
  it('writes the features that embed gives, in the order of the archive, once', async () => {
    await using at = await temporaryFolder();
    const path = (name: string): string => join(at.path, name);
    await writeTinyModel(path('model'));
    const bodies = await Promise.all(FILES.map((name) => readFile(IMAGES + name)));
    const entries = FILES.map((name, index) => ({
      header: { name: `0/${name}`, size: bodies[index]?.length ?? 0 },
      body: new Uint8Array(bodies[index] ?? []),
    }));
    const other = (name: string) => ({ header: { name, size: 3 }, body: 'abc' });
    const tar = await packTar([...entries.slice(0, 1), other('0/rgb.txt'), other('0/broken.jpg'), ...entries.slice(1)]);
    await writeFile(path('a.tar'), tar);
    await writeFile(path('b.tar'), tar.subarray(0, 700));
    let unreadable: readonly number[] = [];
    const run = async (...words: string[]): Promise<string> => {
      let text = '';
      const around = {
        stdout: (part: string) => void (text += part),
        stderr: () => undefined,
        isTerminal: false,
        signal: new AbortController().signal,
      };
      const onUnreadable = (count: number, of: number): void => void (unreadable = [count, of]);
      const program = createProgram({ ...around, onUnreadable, open: () => Promise.resolve(ctx.device) });
      await program.parseAsync(words, { from: 'user' });
      return text;
    };
    const words = ['embed-shards', path('model'), path('a.tar'), '--out', path('out'), '--batch', '2'];
    expect(await run(...words)).toMatch(/^a: 4 images, 1 not read, [\d.]+ images\/s, \d+ % of the time waiting for images\n$/);
    expect(unreadable).toEqual([1, 4]);
    const npy = await readFile(path('out/a.npy'));
    const length = npy.readUInt16LE(8);
    expect(npy.subarray(10, 10 + length).toString()).toMatch(/'descr': '<f4', 'fortran_order': False, 'shape': \(3, 32\)/);
    expect((10 + length) % 64).toBe(0);
    const values = [...new Float32Array(npy.buffer.slice(npy.byteOffset + 10 + length, npy.byteOffset + npy.length))];
    const single = JSON.parse(await run('embed', path('model'), ...FILES.map((name) => IMAGES + name))) as {
      embedding: number[];
    }[];
    for (const [index, value] of single.flatMap(({ embedding }) => embedding).entries())
      expect(values[index]).toBeCloseTo(value, 4);
    const ids = (await readFile(path('out/a.ids.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as unknown);
    const error = '0/broken.jpg is a text file';
    expect(ids).toEqual([
      { id: '0/rgb.png', row: 0 },
      { id: '0/broken.jpg', row: null, error },
      { id: '0/444.jpg', row: 1 },
      { id: '0/grey.png', row: 2 },
    ]);

    const { mtimeMs } = await stat(path('out/a.npy'));
    expect(await run(...words)).toMatch(/finished before/);
    expect((await stat(path('out/a.npy'))).mtimeMs).toBe(mtimeMs);
    await expect(run(...words, '--normalize')).rejects.toThrow(/was made with normalized false, and it is true now/);
    await expect(run('embed-shards', path('model'), path('b.tar'), '--out', path('out'))).rejects.toThrow(
      /b\.tar is no whole tar file/,
    );
    await expect(run('embed-shards', path('model'), path('c.tar'), '--out', path('out'))).rejects.toThrow(
      /c\.tar cannot be read/,
    );
    await expect(stat(path('out/b.json'))).rejects.toThrow(/ENOENT/);
    expect((await readdir(path('out'))).sort()).toEqual(['a.ids.jsonl', 'a.json', 'a.npy']);

    // Another archive of that name and size, and the same as Parquet.
    await mkdir(path('other'));
    const changed = Buffer.from(tar);
    changed[200] = 1;
    await writeFile(path('other/a.tar'), changed);
    await expect(run('embed-shards', path('model'), path('other/a.tar'), '--out', path('out'))).rejects.toThrow(
      /a\.json was made with shardEnds \w+, and it is \w+ now/,
    );
    await run(...words.slice(0, 3), '--out', path('table'), '--batch', '2', '--format', 'parquet');
    const table = await parquetReadObjects({ file: await asyncBufferFromFile(path('table/a.parquet')) });
    const row = (at: number): number[] => values.slice(32 * at, 32 * at + 32);
    // The reader gives undefined for a list that is null.
    expect(table.map(({ features = null, ...rest }) => ({ ...rest, features: features as unknown }))).toEqual([
      { id: '0/rgb.png', features: row(0), error: null },
      { id: '0/broken.jpg', features: null, error },
      { id: '0/444.jpg', features: row(1), error: null },
      { id: '0/grey.png', features: row(2), error: null },
    ]);
  });
});
