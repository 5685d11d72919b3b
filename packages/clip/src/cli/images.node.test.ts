import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listImages } from './images.ts';
import { Writer } from './output.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clip-images-'));
  await mkdir(join(folder, 'deep', 'empty'), { recursive: true });
  for (const name of ['b.PNG', 'a.jpeg', 'notes.txt', 'deep/c.webp']) await writeFile(join(folder, name), '');
});
afterAll(() => rm(folder, { recursive: true }));

it('takes files as they are named and walks folders for images', async () => {
  const inside = (...names: string[]): string[] => names.map((name) => join(folder, name));
  expect(await listImages([folder])).toEqual(inside('a.jpeg', 'b.PNG', 'deep/c.webp'));
  expect(await listImages(inside('notes.txt', 'deep'))).toEqual(inside('notes.txt', 'deep/c.webp'));
  await expect(listImages(inside('deep/empty'))).rejects.toThrow(/empty holds no image/);
  await expect(listImages(inside('missing'))).rejects.toThrow(/missing cannot be read/);
});

it('writes JSON and CSV that others can read', () => {
  const text = (format: 'json' | 'csv', add: (writer: Writer) => void): string => {
    let all = '';
    const writer = new Writer(format, (part) => (all += part));
    add(writer);
    writer.end();
    return all;
  };
  const two = (writer: Writer): void => {
    writer.add({ a: 'x' }, [{ a: 'x', e: [1, 2] }]);
    writer.add({ a: 'y "z", ' }, [{ a: 'y "z", ', e: [3, 4] }]);
  };
  expect(JSON.parse(text('json', two))).toEqual([{ a: 'x' }, { a: 'y "z", ' }]);
  expect(JSON.parse(text('json', () => undefined))).toEqual([]);
  expect(text('csv', two)).toBe('a,e_0,e_1\r\nx,1,2\r\n"y ""z"", ",3,4\r\n');
});
