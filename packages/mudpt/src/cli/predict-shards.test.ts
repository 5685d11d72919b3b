import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@mudpt/clip/queue';
import { findShards, ParquetTable } from '@mudpt/clip/shards';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { shapeImage, writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, start } from '../../test/child.ts';
import { isElsewhere, startRedis, whyNot } from '../../test/services.ts';
import { packedTar } from '../../test/tar.ts';
import { openRun, predictFiles, train } from '../runs/index.ts';
import { predictShards, type ShardForm } from './predict-shards.ts';

const NAMES = ['red circle', 'green square', 'blue cross', 'red circle', 'green square'];

eachDevice('predict over shards', (ctx) => {
  it.each(['linear-probe', 'coop'])('tells of images in an archive and in a list what it tells of files: %s', async (method) => {
    await using at = await temporaryFolder();
    const path = (name: string): string => join(at.path, name);
    await writeShapes(path('shapes'), { train: 2, test: 1 });
    await writeTinyModel(path('model'));
    const settings = method === 'coop' ? { training: { epochs: 1, batchSize: 2 } } : {};
    const input = { data: path('shapes'), model: path('model'), method, shots: 1, ...settings };
    const { folder } = await train(input, { device: ctx.device, out: path('runs') });
    const files = NAMES.map((name, index) => ({ name: `${index}/${name}.png`, bytes: shapeImage(name, index) }));
    for (const { name, bytes } of files) await put(path(name), bytes);
    const members = [...files.slice(0, 2), { name: 'cut.png', bytes: new Uint8Array() }, ...files.slice(2)];
    await writeFile(path('a.tar'), packedTar(members));
    const list = new ParquetTable('test', path('b.parquet'), { id: 'id', path: 'text' });
    await list.add([...files.map(({ name }) => ({ id: 'x', path: name })), { id: 'x', path: null }]);
    await list.finish();

    const tuned = await openRun(folder.path, { device: ctx.device });
    try {
      const expected = await predictFiles(
        tuned,
        files.map(({ name }) => path(name)),
        2,
      );
      const lines: string[] = [];
      const predict = async (form: ShardForm, out = path(form), top = 2) =>
        predictShards(
          tuned,
          await findShards([path('a.tar'), path('b.parquet')], out),
          { top, threshold: 0.5, form },
          { out },
          {
            signal: new AbortController().signal,
            tell: (line) => lines.push(line),
            show: () => undefined,
          },
        );
      expect(await predict('jsonl')).toEqual({ rows: 10, unreadable: 2 });
      const read = async (name: string): Promise<Told[]> =>
        (await readFile(path(`jsonl/${name}.jsonl`), 'utf8'))
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Told);
      const [archive, listed] = [await read('a'), await read('b')];
      expect(archive.map(({ file }) => file)).toEqual(members.map(({ name }) => name));
      expect(archive[2]).toMatchObject({ status: 'error', top: [], error: expect.stringMatching(/cut\.png is empty/) });
      expect(listed.at(-1)).toMatchObject({ file: 'row 5', status: 'error', error: 'the list holds no image here' });
      for (const rows of [archive.filter(({ status }) => status !== 'error'), listed.slice(0, -1)])
        for (const [index, { top }] of rows.entries()) {
          expect(top.map(({ name }) => name)).toEqual(expected[index]?.top.map(({ name }) => name));
          expect(top[0]?.probability).toBeCloseTo(expected[index]?.top[0]?.probability ?? NaN, 5);
        }
      expect(lines).toEqual([
        expect.stringMatching(/^a: 6 images, 1 not read, [\d.]+ images\/s, \d+ % of the time waiting for images, shard 1 of 2$/),
        expect.stringMatching(/^b: 6 images, 1 not read/),
        expect.stringMatching(/^in all 12 images in .*images\/s$/),
      ]);
      lines.length = 0;
      expect(await predict('jsonl')).toEqual({ rows: 10, unreadable: 2 });
      expect(lines[0]).toMatch(/^a: 6 images, 1 not read, finished before$/);
      await expect(predict('jsonl', path('jsonl'), 3)).rejects.toThrow(/a\.json was made with top 2, and it is 3 now/);
      await expect(predict('csv', path('jsonl'))).rejects.toThrow(/was made with format jsonl/);
      await predict('csv');
      const csv = await readFile(path('csv/a.csv'), 'utf8');
      expect(csv).toMatch(/^file,rank,label,class,probability,status,error\n0\/red circle\.png,1,/);

      await writeFile(path('a.tar'), packedTar(members).subarray(0, 1500));
      await expect(predict('parquet', path('cut'))).rejects.toThrow(
        /1 of 2 shards were refused, the first because .*a\.tar is no whole tar file/,
      );
      expect((await readdir(path('cut'))).sort()).toEqual(['b.json', 'b.parquet']);
    } finally {
      await tuned.close();
    }
  });
});

interface Told {
  readonly file: string;
  readonly status: string;
  readonly error?: string;
  readonly top: readonly { readonly name: string; readonly probability: number }[];
}

const noRedis = isElsewhere ?? whyNot(['redis-server']);

describe.skipIf(isElsewhere !== undefined)('predict as a command over shards', () => {
  let at: Awaited<ReturnType<typeof temporaryFolder>>;
  let words: readonly string[];
  let cache: string;

  const outputs = async (folder: string): Promise<Record<string, string>> => {
    const names = (await readdir(join(at.path, folder))).sort();
    const texts = await Promise.all(names.map((name) => readFile(join(at.path, folder, name), 'base64')));
    return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? '']));
  };

  beforeAll(async () => {
    at = await temporaryFolder();
    cache = join(at.path, 'cache');
    await writeShapes(join(at.path, 'shapes'), { train: 1, test: 1 });
    await writeTinyModel(join(at.path, 'model'));
    const trained = ['train', '--data', join(at.path, 'shapes'), '--model', join(at.path, 'model'), '--method', 'linear-probe'];
    await run([...trained, '--shots', '1', '--out', join(at.path, 'runs'), '--report', 'no'], cache);
    for (let shard = 0; shard < 4; shard += 1) {
      const members = Array.from({ length: 150 }, (_, index) => ({
        name: `${index}.png`,
        bytes: shapeImage(NAMES[index % NAMES.length] ?? '', 10 * shard + index),
      }));
      await put(join(at.path, 'shards', `${shard}.tar`), packedTar(members));
    }
    words = ['predict', 'latest', join(at.path, 'shards'), '--runs', join(at.path, 'runs')];
    await run([...words, '--out', join(at.path, 'one')], cache);
  }, 300_000);
  afterAll(() => at[Symbol.asyncDispose]());

  it('makes a task of the shards that an index or a scheduler names', { timeout: 300_000 }, async () => {
    const text = await run([...words, '--out', join(at.path, 'task'), '--index', '1', '--chunk', '3'], cache);
    expect(text).toMatch(/^3: 150 images, 0 not read/m);
    const alone = await outputs('task');
    expect(Object.keys(alone)).toEqual(['3.json', '3.parquet']);
    expect(alone['3.parquet']).toBe((await outputs('one'))['3.parquet']);
    expect(await run([...words, '--out', join(at.path, 'task'), '--index', '9'], cache, 1)).toMatch(
      /there is no task 9: 4 shards/,
    );
    expect(await run(words, cache, 1)).toMatch(/shards need|no pictures|no images/);
    expect(await run([...words.slice(0, 2), join(at.path, 'shapes'), '--chunk', '2'], cache, 1)).toMatch(
      /--chunk: is for shards/,
    );
  });

  it(`shares shards by BullMQ, one worker killed in the middle: the files are the same${noRedis ? `: skipped, ${noRedis}` : ''}`, {
    timeout: 600_000,
    skip: noRedis !== undefined,
  }, async () => {
    await using redis = await startRedis(at.path);
    const queued = [...words, '--out', join(at.path, 'queue'), '--redis', redis.url, '--silence', '3'];
    const killed = start(queued, cache);
    const connection = await connect(redis.url);
    try {
      await new Promise<void>((resolve) =>
        killed.child.stdout?.on('data', (data: Buffer) => data.includes('150 images, 0 not read') && resolve()),
      );
      const active = async (): Promise<number> => {
        const [key] = await connection.keys('bull:mudpt-shards-*:active');
        return key === undefined ? 0 : connection.llen(key);
      };
      while ((await active()) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      killed.child.kill('SIGKILL');
      expect((await killed.ended).signal).toBe('SIGKILL');
      // What it was at is nobody's until its silence is noticed.
      expect(await active()).toBe(1);
    } finally {
      connection.disconnect();
    }
    // What a killed worker may leave of the last shard, which is not finished yet.
    await put(join(at.path, 'queue', '.3.parquet.01234567-89ab.tmp'), 'cut');
    const [first, second] = await Promise.all([run(queued, cache), run(queued, cache)]);
    expect(first + second).toMatch(/0 shards put into the queue, 0 tried again, [123] there already, [123] finished before/);
    expect(first + second).toMatch(/here \d+ images in .*images\/s/);
    expect(await outputs('queue')).toEqual(await outputs('one'));
    expect(await run(queued, cache)).toMatch(/0 there already, 4 finished before/);

    // A broken shard fails alone, is not tried in vain, and is tried again when the command is.
    await put(
      join(at.path, 'shards', '4.tar'),
      packedTar([{ name: 'a.png', bytes: shapeImage('red circle', 1) }]).subarray(0, 700),
    );
    const broken = await run(queued, cache, 1);
    expect(broken).toMatch(/1 shards put into the queue[^]*4: failed, [^]*1 of 5 shards failed; 4: .*no whole tar file/);
    await put(join(at.path, 'shards', '4.tar'), packedTar([{ name: 'a.png', bytes: shapeImage('red circle', 1) }]));
    expect(await run(queued, cache)).toMatch(/0 shards put into the queue, 1 tried again[^]*4: 1 images, 0 not read/);
  });
});
