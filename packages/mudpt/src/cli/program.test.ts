import { readFile, utimes } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { type Evaluation, type FilePrediction, resolveConfig, RunFolder, type RunInput, type RunSummary } from '../runs/index.ts';
import { copyToClass, folderName } from './copy-to.ts';
import { findRun } from './find-run.ts';
import { imagePaths } from './image-paths.ts';
import { type OutputForm, PredictionWriter } from './predict-output.ts';
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
    [['train', '--method', 'mudbt'], /--method: there is no method "mudbt"\n +did you mean mudpt/],
    [
      ['train', '--shots', 'many'],
      /--shots: "many" is not a whole number from 1 up, or "all"\n +give a whole number from 1 up, or "all"/,
    ],
    [['train', '--seed', 'abc'], /--seed: "abc" is not a whole number/],
    [
      ['train', '--memory', 'lots'],
      /--memory: "lots" is not a size such as 2GiB or 800MB, or "auto"\n +give a size such as 2GiB/,
    ],
    [['predict', 'run'], /missing required argument 'pictures'/],
    [['predict', 'run', 'a.png', '--json', '--csv'], /cannot be used with/],
    [['predict', 'run', 'absent.png'], /error: predict: there is no file or folder absent\.png\n {7}check the path/],
    [['predict', 'run', '.', '--top', '0'], /--top: "0" is not a whole number from 1 up/],
    [['import', 'absent', '--method', 'maple'], /error: import: there is no file or folder absent\n {7}check the path/],
    [['import', 'absent', '--method', 'vpt'], /argument 'vpt' is invalid\. Allowed choices are coop, cocoop, maple/],
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
    expect(told).toMatch(/for CoCoOp[^]*batchSize +16 +images per step[^]*and for every run:[^]*patience/);
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
    expect(told).toMatch(/accuracy +1\.96 std \/ sqrt\(n\) +gain\n/);
    expect(told).toMatch(
      /\n\n±: what Dassl prints as a 95 % interval: 1\.96 times the population's standard deviation over the root of the seeds\n$/,
    );
    told = '';
    expect(await main(['compare', at.path, '--csv'])).toBe(0);
    expect(told).not.toContain('Dassl');
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

  const written = (form: OutputForm, threshold = 0): string => {
    let text = '';
    const writer = new PredictionWriter(form, threshold, (part) => (text += part));
    for (const prediction of predictions) writer.add(prediction);
    writer.end();
    return text;
  };

  it('a table, CSV, JSON and JSON lines: a row with its status for every file', () => {
    expect(written('table')).toBe('a,b.png  cat 75.0 %                dog 25.0 %\nc.png    error: it is a text file\n');
    expect(written('csv')).toBe(
      'file,rank,label,class,probability,status,error\n"a,b.png",1,1,cat,0.750000,ok,\n"a,b.png",2,0,dog,0.250000,ok,\n' +
        'c.png,,,,,error,it is a text file\n',
    );
    const records = [
      { file: 'a,b.png', status: 'ok', top: predictions[0]?.top },
      { file: 'c.png', status: 'error', top: [], error: 'it is a text file' },
    ];
    expect(JSON.parse(written('json'))).toEqual(records);
    const lines = written('jsonl').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(records);
  });

  it('"unsure" below the threshold, and not at it', () => {
    expect(written('table', 0.76)).toMatch(/^a,b\.png {2}unsure: cat 75/);
    expect(written('csv', 0.76)).toContain(',0.750000,unsure,');
    expect(written('csv', 0.75)).toContain(',0.750000,ok,');
  });
});

describe('a run is found', () => {
  it('by its folder, the one above it, a part of its name, or as the latest', async () => {
    await using at = await temporaryFolder();
    const root = join(at.path, 'runs');
    const runs = ['pets/mudpt-16shots/seed1', 'pets/coop-16shots/seed1', 'pets/coop-16shots/seed2'].map((name) =>
      join(root, name),
    );
    for (const [index, path] of runs.entries()) {
      await put(join(path, 'config.yaml'), '');
      await utimes(join(path, 'config.yaml'), 1000 + index, 1000 + index);
    }
    const [mudpt = '', , coop = ''] = runs;
    expect(await findRun(mudpt, root)).toBe(mudpt);
    expect(await findRun(join(mudpt, '..'), root)).toBe(mudpt);
    expect(await findRun('MuDPT', root)).toBe(mudpt);
    expect(await findRun('coop seed2', root)).toBe(coop);
    expect(await findRun('coop-16shots/seed2', root)).toBe(coop);
    expect(await findRun('latest', root)).toBe(coop);
    await expect(findRun('coop', root)).rejects.toThrow(/2 runs .*coop.*seed1.*seed2/);
    await expect(findRun(join(root, 'pets'), root)).rejects.toThrow(/there are 3 runs below/);
    await expect(findRun('vpt', root)).rejects.toThrow(/there is no run .*vpt/);
    await expect(findRun('latest', join(at.path, 'none'))).rejects.toThrow(/there is no run in/);
  });
});

describe('images are found', () => {
  it('by files, folders and patterns, each once; the rest is told', async () => {
    await using at = await temporaryFolder();
    for (const name of ['a.png', 'b.jpg', 'note.txt', 'deep/er/c.png', 'deep/d.tif']) await put(join(at.path, name), '');
    const names = async (...inputs: string[]) => {
      const { files, others } = await imagePaths(inputs.map((input) => join(at.path, input)));
      return [...files, ...others.map((name) => `(${name})`)].map((name) => relative(at.path, name.replace('(', '')));
    };
    expect(await names('', 'a.png')).toEqual(['a.png', 'b.jpg', 'deep/d.tif', 'deep/er/c.png', 'note.txt)']);
    expect(await names('*.png')).toEqual(['a.png']);
    expect(await names('**/*.png')).toEqual(['a.png', 'deep/er/c.png']);
    expect(await names('deep/?.tif', 'note.txt')).toEqual(['deep/d.tif', 'note.txt']);
    await expect(names('*.gif')).rejects.toThrow(/there are no images/);
    await expect(names('absent')).rejects.toThrow(/no file or folder/);
  });
});

describe('copies', () => {
  it('lie in a folder a class; nothing is overwritten, no name leads out', async () => {
    await using at = await temporaryFolder();
    const [one, two] = [join(at.path, 'x', '1.png'), join(at.path, 'y', '1.png')];
    await put(one, 'one');
    await put(two, 'two');
    const to = join(at.path, 'sorted');
    const copied = async (file: string, name: string) => relative(to, await copyToClass(file, name, to));
    expect(await copied(one, 'a cat')).toBe(join('a cat', '1.png'));
    expect(await copied(two, 'a cat')).toBe(join('a cat', '1-2.png'));
    expect(await copied(one, 'a cat')).toBe(join('a cat', '1.png'));
    expect(await copied(two, '../../out')).toBe(join('.._.._out', '1.png'));
    expect(['..', '', '.', 'a/b', 'nul.', 'c\u0000:d'].map(folderName)).toEqual(['_', '_', '_', 'a_b', 'nul', 'c__d']);
  });
});
