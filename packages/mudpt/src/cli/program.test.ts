import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { put, temporaryFolder } from '../../test/pictures.ts';
import {
  type Evaluation,
  type FilePrediction,
  resolveConfig,
  RunFolder,
  type RunInput,
  type RunSummary,
} from '../train/index.ts';
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
    const digest = (digit: string): string => digit.repeat(64);
    const write = async (name: string, input: RunInput, tuned: number, more: Partial<RunSummary> = {}) => {
      const folder = new RunFolder(join(at.path, name));
      await folder.create();
      await folder.writeConfig(resolveConfig(input));
      const evaluation = (what: Evaluation['what'], accuracy: number): Evaluation => ({
        ...{ what, data: 'pets', classes: 'all', split: 'test', time: '' },
        metrics: { count: 100, correct: accuracy, accuracy, error: 100 - accuracy, macroF1: 50, perClass: [], confusion: [] },
      });
      await folder.writeSummary({
        format: 2,
        marks: { config: digest('a'), data: digest('b'), images: digest('c'), model: digest('d') },
        state: 'finished',
        data: { name: 'pets', template: 'a {}.', classes: [], warnings: [], unreadable: [] },
        model: { name: 'm', hash: digest('d'), imageSize: 32, config: {} },
        method: { name: 'mudpt', title: 'MuDPT', summary: '', parameters: 1 },
        adapter: 'a',
        evaluations: [evaluation('zero-shot', 50), evaluation('tuned', tuned)],
        training: { epochs: 1, stepsPerEpoch: 1, epochsDone: 1, seconds: 1, peakBytes: 1 },
        ...more,
      });
      return folder;
    };
    await write('mudpt/seed1', { seed: 1 }, 80);
    await write('mudpt/seed2', { seed: 2 }, 84);
    await write('coop/seed1', { method: 'coop' }, 70);
    await write('coop/seed2', { method: 'coop', seed: 2 }, 0, { state: 'stopped' });
    await write('coop/seed3', { method: 'coop', seed: 3 }, 0, { state: 'diverged' });
    expect(await main(['compare', at.path])).toBe(0);
    expect(told).toMatch(/coop.seed2 has not finished and is left out/);
    expect(told).toMatch(/coop.seed3 has diverged and is left out/);
    expect(told).toMatch(
      /mudpt +pets +all +16 +1 2 +50\.00 +82\.00 +± 2\.77 +32\.00\ncoop +pets +all +16 +1 +50\.00 +70\.00 +20\.00/,
    );
    told = '';
    expect(await main(['compare', at.path, '--csv'])).toBe(0);
    expect(told).toContain('mudpt,pets,all,16,1 2,50.00,82.00,± 2.77,32.00\n');

    // Other data of the same name is another line; damaged runs and those of older versions are named, and the others are compared.
    await write('other/seed1', {}, 60, {
      marks: { config: digest('a'), data: digest('9'), images: digest('c'), model: digest('d') },
    });
    const cut = await write('cut/seed1', { method: 'vpt' }, 60);
    await put(cut.file('summary'), (await readFile(cut.file('summary'))).subarray(0, 200));
    const edited = await write('edited/seed1', { method: 'vpt' }, 60);
    await put(edited.file('config'), (await readFile(edited.file('config'), 'utf8')).replace('shots: 16', 'shots: 17'));
    const old = await write('old/seed1', { method: 'vpt' }, 60);
    await put(old.file('summary'), '{"format":1,"state":"finished","evaluations":[]}');
    told = '';
    expect(await main(['compare', at.path, '--csv'])).toBe(1);
    expect(told).toMatch(/left out: \S*cut.seed1.summary\.json is not what was written/);
    expect(told).toMatch(/left out: \S*edited.seed1.config\.yaml is not what was written/);
    expect(told).toMatch(/left out: \S*old.seed1.summary\.json has format 1, and this version reads 2/);
    expect(told).toMatch(/mudpt,pets,all,16,1 2,50.00,82.00[^]*mudpt,pets,all,16,1,50.00,60.00/);
    expect(told).not.toMatch(/^vpt/m);
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
