import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import { start } from '../../test/child.ts';
import { train } from '../runs/index.ts';

eachDevice('evaluating several runs', (ctx) => {
  it('measures each on each data set; one that is broken is a gap; the next process takes features from the disk', async () => {
    await using at = await temporaryFolder();
    const [model, cache] = [join(at.path, 'model'), join(at.path, 'cache')];
    const sets = ['first', 'second', 'broken'].map((name) => join(at.path, name)) as [string, string, string];
    await writeTinyModel(model);
    await writeShapes(sets[0], { train: 2, test: 2 });
    await writeShapes(sets[1], { train: 1, test: 3 });
    await mkdir(sets[2]);
    const runs: string[] = [];
    for (const seed of [1, 2]) {
      const options = { device: ctx.device, out: join(at.path, 'runs') };
      const input = { data: sets[0], model, shots: 1, seed, method: 'linear-probe', report: 'no', alternatives: false } as const;
      runs.push((await train(input, options)).folder.path);
    }
    const measure = async (...words: string[]) => {
      const environment = { ...process.env, MUDPT_CACHE_DIR: '', XDG_CACHE_HOME: cache };
      const { code, output } = await start(['evaluate', ...words], cache, environment).ended;
      return { code, lines: output.split('\n') };
    };
    const first = await measure(...runs, '--data', sets.join(','));
    expect(first.code, first.lines.join('\n')).toBe(3);
    const rows = first.lines.filter((line) => /seed[12] /.test(line));
    expect(rows).toHaveLength(6);
    expect(rows[0]).toMatch(/seed1 +first +all +8 +[\d.]+ % +[\d.]+ % +[+-][\d.]+ +[\d.]+ % +[\d.]+ %$/);
    expect(rows[4]).toMatch(/seed2 +second +all +12 /);
    expect(rows[2]).toMatch(/seed1 +\S+broken +gap$/);
    expect(first.lines).toContainEqual(expect.stringMatching(/^gap: \S+seed1, \S+broken: .*picture/));
    expect(first.lines).toContain('2 of 6 evaluations are gaps');
    // Of eight passes (images and texts of two runs on two sets) three are computed: images of each set, and texts, which both share.
    expect(first.lines).toContainEqual(expect.stringMatching(/^5 passes of the frozen towers were known/));
    const results = await Promise.all(runs.map((run) => readFile(join(run, 'results.csv'), 'utf8')));

    const second = await measure(...runs, '--data', sets.slice(0, 2).join(','));
    expect(second.code).toBe(0);
    const plain = (row: string): string => row.replaceAll(/ +/g, ' ');
    const found = second.lines.filter((line) => /seed[12] /.test(line));
    expect(found.map(plain)).toEqual(rows.filter((row) => !row.includes('gap')).map(plain));
    expect(second.lines).toContainEqual(expect.stringMatching(/^8 passes of the frozen towers were known/));
    // All but the time, the first column.
    const columns = (text: string) => text.split('\n').map((line) => line.split(',').slice(1).join());
    const again = await Promise.all(runs.map((run) => readFile(join(run, 'results.csv'), 'utf8')));
    expect(again.map(columns)).toEqual(results.map(columns));

    // A run that is broken is a gap for each data set, and nothing at all is another exit code.
    await put(join(runs[0] as string, 'config.yaml'), 'method: [');
    const half = await measure(...runs, '--data', `${sets[0]},${sets[1]}`, '--cache', 'off');
    expect(half.code).toBe(3);
    expect(half.lines.filter((line) => line.includes('gap: '))).toHaveLength(2);
    expect((await measure(runs[0] as string, join(at.path, 'nothing'))).code).toBe(1);
  });
});
