import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { put, temporaryFolder } from '../../test/pictures.ts';
import type { FilePrediction } from '../train/index.ts';
import { written } from './predict.ts';
import { main } from './program.ts';

describe('main', () => {
  let told = '';
  beforeEach(() => {
    told = '';
    for (const stream of [process.stdout, process.stderr])
      vi.spyOn(stream, 'write').mockImplementation((text) => {
        told += text.toString();
        return true;
      });
  });
  afterEach(() => void vi.restoreAllMocks());

  it.each([
    [['train', '--shot', '4'], /unknown option '--shot'[^]*Did you mean --shots/],
    [['trian'], /unknown command 'trian'[^]*Did you mean train/],
    [['train', '--method', 'mudbt'], /'mudbt' is invalid[^]*mudpt/],
    [['predict', 'run'], /missing required argument 'pictures'/],
    [['predict', 'run', 'a.png', '--json', '--csv'], /cannot be used with/],
    [['predict', 'run', 'absent.png'], /error: predict: there is no file or folder absent\.png\n {7}check the path/],
    [['predict', 'run', '.', '--top', '0'], /--top: is "0"/],
    [['compare', 'absent'], /absent cannot be read/],
  ])('refuses %o', async (words, message) => {
    expect(await main(words)).toBe(1);
    expect(told).toMatch(message);
  });

  it('helps', async () => {
    expect(await main(['train', '--help'])).toBe(0);
    expect(told).toMatch(/--dry-run/);
    expect(told).toMatch(/injection +transformer +what carries prompts across/);
  });

  it('tells what may be set for a method', async () => {
    expect(await main(['train', '--method', 'cocoop', '--help'])).toBe(0);
    expect(told).toMatch(/for CoCoOp[^]*batchSize +1 +images per step[^]*and for every run:[^]*patience/);
  });

  it('compares runs: those that differ in their seed are averaged', async () => {
    await using at = await temporaryFolder();
    const evaluation = (what: string, accuracy: number) => ({
      what,
      data: 'pets',
      classes: 'all',
      split: 'test',
      metrics: { accuracy },
    });
    const write = async (name: string, config: string, tuned: number, state = 'finished') => {
      const evaluations = [evaluation('zero-shot', 50), evaluation('tuned', tuned)];
      await put(join(at.path, name, 'config.yaml'), config);
      await put(join(at.path, name, 'summary.json'), JSON.stringify({ format: 1, state, evaluations }));
    };
    await write('mudpt/seed1', 'seed: 1', 80);
    await write('mudpt/seed2', 'seed: 2', 84);
    await write('coop/seed1', 'method: coop', 70);
    await write('coop/seed2', 'method: coop\nseed: 2', 0, 'stopped');
    expect(await main(['compare', at.path])).toBe(0);
    expect(told).toMatch(/coop.seed2 has not finished and is left out/);
    expect(told).toMatch(
      /mudpt +pets +all +16 +1 2 +50\.00 +82\.00 +± 2\.77 +32\.00\ncoop +pets +all +16 +1 +50\.00 +70\.00 +20\.00/,
    );
    told = '';
    expect(await main(['compare', at.path, '--csv'])).toBe(0);
    expect(told).toContain('mudpt,pets,all,16,1 2,50.00,82.00,± 2.77,32.00\n');
  });
});

describe('predict writes', () => {
  const predictions: FilePrediction[] = [
    {
      file: 'a,b.png',
      top: [
        { label: 1, name: 'cat', probability: 0.75 },
        { label: 0, name: 'dog', probability: 0.25 },
      ],
    },
    { file: 'c.png', top: [], why: 'it is a text file' },
  ];

  it('a table, CSV and JSON', () => {
    expect(written(predictions, {})).toBe('a,b.png  cat 75.0 %  dog 25.0 %');
    expect(written(predictions, { csv: true })).toBe(
      'file,rank,label,class,probability\n"a,b.png",1,1,cat,0.750000\n"a,b.png",2,0,dog,0.250000',
    );
    expect(JSON.parse(written(predictions, { json: true }))).toEqual(predictions);
  });
});
