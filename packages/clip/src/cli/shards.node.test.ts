import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fixturePath, temporaryFolder } from '@mudpt/testing/files';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { packTar } from 'modern-tar';
import { expect, it } from 'vitest';
import { createProgram } from './program.ts';
import { shardsOfTask } from './shards-program.ts';

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
    expect(await run(...words)).toMatch(/^a: 4 images, 1 not read, [\d.]+ images\/s\n$/);
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
    const error = expect.any(String);
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
  });
});

it('a task is one shard', () => {
  expect(shardsOfTask(['x/a.tar', 'b.tar'], '1')).toEqual(['b.tar']);
  expect(shardsOfTask(['x/a.tar', 'b.tar'], undefined)).toHaveLength(2);
  expect(() => shardsOfTask(['a.tar'], '1')).toThrow(/there is no shard 1 of 1/);
  expect(() => shardsOfTask(['x/a.tar', 'y/a.tar'], undefined)).toThrow(/two shards are called a/);
});
