import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@mudpt/testing/files';
import { expect, it } from 'vitest';
import { findShards, shardContents, shardsOfTask } from './shard.ts';

it('keeps outputs apart from what is read', async () => {
  await using at = await temporaryFolder();
  const path = (name: string): string => join(at.path, name);
  await mkdir(path('lists/deep'), { recursive: true });
  for (const name of ['lists/a.parquet', 'lists/b.tar']) await writeFile(path(name), '');
  await expect(findShards([path('lists/a.parquet')], path('lists'))).rejects.toThrow(/--out: .*an output would replace it/);
  for (const out of ['lists', 'lists/deep', 'lists/new'])
    await expect(findShards([path('lists')], path(out)), out).rejects.toThrow(/--out: .*outputs would be taken for shards/);
  expect(await findShards([path('lists/b.tar')], path('lists'))).toHaveLength(1);
  expect(await findShards([path('lists')], path('lists-out'))).toHaveLength(2);
});

it('takes files by their names, folders with their sub-folders, and refuses two of one name', async () => {
  await using at = await temporaryFolder();
  const path = (name: string): string => join(at.path, name);
  await mkdir(path('deep/er'), { recursive: true });
  await mkdir(path('none'));
  for (const name of ['b.tar', 'notes.txt', 'deep/a.tar', 'deep/er/a.PARQUET']) await writeFile(path(name), '');
  const names = async (...paths: string[]): Promise<string[]> => (await findShards(paths, path('out'))).map(({ name }) => name);
  expect((await findShards([at.path], `${at.path}-out`)).map(({ name }) => name)).toEqual(['b', 'deep/a', 'deep/er/a']);
  expect(await names(path('b.tar'), path('deep/a.tar'))).toEqual(['b', 'a']);
  await expect(names(path('deep/a.tar'), path('deep/er/a.PARQUET'))).rejects.toThrow(
    /two shards are called a: .*deep\/a\.tar and .*give the folder above both/,
  );
  await expect(names(path('notes.txt'))).rejects.toThrow(/notes\.txt is no shard by its name/);
  await expect(names(path('none'))).rejects.toThrow(/none holds no shard/);
  await expect(names(path('c.tar'))).rejects.toThrow(/c\.tar cannot be read/);
});

it('a task is one shard, or a chunk of them', () => {
  expect(shardsOfTask(['a', 'b'], '1')).toEqual(['b']);
  expect(shardsOfTask(['a', 'b', 'c'], '1', 2)).toEqual(['c']);
  expect(shardsOfTask(['a', 'b'], undefined)).toHaveLength(2);
  expect(() => shardsOfTask(['a'], '1')).toThrow(/there is no task 1: 1 shards, 1 a task, are 1 tasks/);
  expect(() => shardsOfTask(['a'], '-1')).toThrow(/there is no task -1/);
});

it('files of one size differ by their beginning and their end', async () => {
  await using at = await temporaryFolder();
  const bytes = Buffer.alloc(200_000);
  const ends = new Set<string>();
  for (const place of [undefined, 5, 199_000]) {
    const changed = Buffer.from(bytes);
    if (place !== undefined) changed[place] = 1;
    await writeFile(join(at.path, 'a.tar'), changed);
    const contents = await shardContents(join(at.path, 'a.tar'));
    expect(contents.shardBytes).toBe(200_000);
    ends.add(contents.shardEnds);
  }
  expect(ends.size).toBe(3);
});
