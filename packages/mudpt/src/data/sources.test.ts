import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { shapeImage, SHAPE_NAMES, writeShapes } from '@mudpt/testing/images';
import { parseCsv } from './csv.ts';
import { resolveConfig } from '../runs/settings/config.ts';
import { expectTrainable, openRunData } from '../runs/material/run-data.ts';
import type { Dataset } from './dataset.ts';
import { divide } from './files.ts';
import { openDataset } from '../datasets/registry.ts';

const counts = ({ splits: { train, val, test } }: Dataset): number[] => [train.length, val.length, test.length];

describe('class folders', () => {
  it('are divided 50/20/30, always alike', async () => {
    await using folder = await temporaryFolder();
    await writeShapes(folder.path, { '': 10 });
    const opened = await openDataset(folder.path);
    expect(opened.classNames).toEqual(SHAPE_NAMES.map((name) => name.replace(' ', '_')).sort());
    expect(counts(opened)).toEqual([20, 8, 12]);
    expect(opened.warnings).toEqual([]);
    expect((await openDataset(folder.path)).splits).toEqual(opened.splits);
    const ids = Object.values(opened.splits).flatMap((items) => items.map(({ id }) => id));
    expect(new Set(ids).size).toBe(40);
    expect(ids[0]).toMatch(/^blue_cross\/\d\.png$/);
  });

  it('keep the division that train, val and test folders make', async () => {
    await using folder = await temporaryFolder();
    await writeShapes(folder.path, { train: 3, val: 1, test: 2 });
    expect(counts(await openDataset(folder.path))).toEqual([12, 4, 8]);
    await using half = await temporaryFolder();
    await writeShapes(half.path, { train: 3, valid: 2 });
    const opened = await openDataset(half.path);
    expect(counts(opened)).toEqual([12, 0, 8]);
    expect(opened.warnings[0]).toMatch(/no test folder/);
  });

  it('tell of files left aside, hidden ones excepted, and of names that say nothing', async () => {
    await using folder = await temporaryFolder();
    for (const name of ['0', '1'])
      for (let i = 0; i < 4; i++) await put(join(folder.path, name, `${i}.png`), shapeImage('red circle', i * 2 + Number(name)));
    await put(join(folder.path, '0', 'notes.txt'), 'x');
    await put(join(folder.path, '0', '.DS_Store'), 'x');
    await put(join(folder.path, 'stray.png'), shapeImage('red circle', 60));
    const { warnings } = await openDataset(folder.path);
    expect(warnings[0]).toMatch(/2 files are not .*: stray.png, 0\/notes.txt/);
    expect(warnings[1]).toMatch(/2 class names say nothing .*\(0, 1\)/);
    await put(join(folder.path, 'classnames.txt'), '0 big circle\n1 small circle\n');
    const named = await openDataset(folder.path);
    expect(named.classNames).toEqual(['big circle', 'small circle']);
    expect(named.warnings).toHaveLength(1);
  });

  it('tell of equal pictures in two classes, and in training and test', async () => {
    await using folder = await temporaryFolder();
    await writeShapes(folder.path, { train: 2, test: 2 }, ['red circle', 'green square']);
    await put(join(folder.path, 'train', 'green_square', 'same.png'), shapeImage('red circle', 0));
    await put(join(folder.path, 'test', 'green_square', 'seen.png'), shapeImage('green square', 2));
    const { warnings } = await openDataset(folder.path);
    expect(warnings[0]).toMatch(/1 picture is in two classes.*red_circle\/0.png \(red_circle\)/);
    expect(warnings[1]).toMatch(/1 test picture is seen in training.*seen\.png/);
  });

  it('refuse an empty class, no classes and no such folder, by name', async () => {
    await using folder = await temporaryFolder();
    await put(join(folder.path, 'a.png'), shapeImage('red circle', 0));
    await expect(openDataset(folder.path)).rejects.toThrow(/has no class folders/);
    await writeShapes(folder.path, { '': 1 }, ['red circle']);
    await put(join(folder.path, 'nothing', 'readme.md'), '');
    await expect(openDataset(folder.path)).rejects.toThrow(/1 of 2 class folders .* have no picture: nothing/);
    await expect(openDataset(join(folder.path, 'absent'))).rejects.toThrow(/neither a path nor the name.*caltech101/);
    await expect(openDataset(join(folder.path, 'nothing', 'readme.md'))).rejects.toThrow(/is a \.md file/);
  });
});

describe('split files', () => {
  const rows = {
    train: [
      ['a/1.png', 0, 'ant'],
      ['b/1.png', 1, 'bee'],
    ],
    val: [],
    test: [['a/2.png', 0, 'ant']],
  };

  it('are read with the folder beside them that has the pictures', async () => {
    await using folder = await temporaryFolder();
    await put(join(folder.path, 'split_zhou_Insects.json'), JSON.stringify(rows));
    await expect(openDataset(folder.path)).rejects.toThrow(/a\/1\.png, the first picture .* neither/);
    await put(join(folder.path, 'images', 'a', '1.png'), shapeImage('red circle', 0));
    const opened = await openDataset(folder.path, { template: '{}!' });
    expect([opened.name, opened.template, opened.classNames]).toEqual(['Insects', '{}!', ['ant', 'bee']]);
    expect(opened.splits.test[0]).toEqual({ id: 'a/2.png', image: join(folder.path, 'images', 'a', '2.png'), label: 0 });
  });

  it.each([
    [{ ...rows, test: [['a/2.png', 0, 'wasp']] }, /label 0 both "ant" and "wasp"/],
    [
      {
        ...rows,
        test: [
          ['a/2.png', 0, 'ant'],
          ['a/3.png', 3, 'wasp'],
        ],
      },
      /no picture of label 2/,
    ],
    [{ ...rows, test: [['a/2.png', 4e9, 'wasp']] }, /a\/2\.png the label 4000000000, and has 3 pictures/],
    [{ ...rows, test: [['b/1.png', 0, 'ant']] }, /b\/1\.png into two classes: bee and ant/],
    [{ ...rows, test: [['b/1.png', 'bee']] }, /at test\.0/],
    [{ train: rows.train }, /at test/],
  ])('with mistakes are refused: %#', async (json, message) => {
    await using folder = await temporaryFolder();
    await put(join(folder.path, 'split_x.json'), JSON.stringify(json));
    await put(join(folder.path, 'a', '1.png'), shapeImage('red circle', 0));
    await expect(openDataset(folder.path)).rejects.toThrow(message);
  });
});

describe('tables', () => {
  it('are split into rows and cells', () => {
    expect(parseCsv('a,b\r\n"1, ""x""\n2",3\n\n4,\n').map(({ line, cells }) => [line, ...cells])).toEqual([
      [1, 'a', 'b'],
      [2, '1, "x"\n2', '3'],
      [5, '4', ''],
    ]);
    expect(parseCsv('\ufeffa\tb,c\n1\t2').map(({ cells }) => cells)).toEqual([
      ['a', 'b,c'],
      ['1', '2'],
    ]);
    expect(() => parseCsv('a,b\n1,"2\n')).toThrow(/quote in line 2/);
    for (const mark of [';', '\t', '|'])
      expect(parseCsv(`"a,b,c"${mark}d\n"1\n2"${mark}3,5`).map(({ cells }) => cells)).toEqual([
        ['a,b,c', 'd'],
        ['1\n2', '3,5'],
      ]);
  });

  it('may come from Excel: semicolons, a mark of UTF-8 or UTF-16, pictures in a folder beside; other encodings are told', async () => {
    await using folder = await temporaryFolder();
    await put(join(folder.path, 'photos', 'ä 1.png'), shapeImage('red circle', 0));
    const file = join(folder.path, 't.csv');
    const text = 'Filename;Label\r\nä 1.png;"größer; kleiner"\r\n';
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
    for (const contents of [text, `\ufeff${text}`, new Uint8Array(utf16)]) {
      await put(file, contents);
      const { classNames, splits } = await openDataset(file);
      expect([classNames, splits.train[0]?.image]).toEqual([['größer; kleiner'], join(folder.path, 'photos', 'ä 1.png')]);
    }
    await put(file, new Uint8Array(Buffer.from(text, 'latin1')));
    await expect(openDataset(file)).rejects.toThrow(/is no text in UTF-8.*"CSV UTF-8"/i);
    await put(file, 'filename,label\nphotos/ä 1.png,3\n');
    expect((await openDataset(file)).warnings[0]).toMatch(/says nothing .*\(3\).*write words into the column/);
  });

  it('give classes and splits', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'pictures.csv');
    await put(join(folder.path, 'x', '1.png'), shapeImage('red circle', 0));
    await put(join(folder.path, '2.png'), shapeImage('red circle', 1));
    await put(file, 'Image,Class,Split\nx/1.png,ant,train\n2.png,bee,val\n');
    const opened = await openDataset(file);
    expect([opened.name, opened.classNames, counts(opened)]).toEqual(['pictures', ['ant', 'bee'], [1, 0, 1]]);
    expect(opened.splits.test[0]?.image).toBe(join(folder.path, '2.png'));
    await put(file, 'path,label\nx/1.png,10\n2.png,9\n');
    expect((await openDataset(file)).classNames).toEqual(['9', '10']);
  });

  it.each([
    ['path,size\nx,1', /no column for the class/],
    ['path,class\n,ant', /line 2 .* has no path/],
    ['path,class,split\n1.png,ant,trian', /line 2 .* split "trian"/],
    ['path,class\n1.png,ant\n1.png,bee', /line 3 .* names 1\.png again, with another class/],
    ['path,class\n9.png,ant', /9\.png, the first picture .* neither/],
    ['path,class\n', /names no pictures/],
  ])('with mistakes are refused: %#', async (text, message) => {
    await using folder = await temporaryFolder();
    await put(join(folder.path, 't.csv'), text);
    await put(join(folder.path, '1.png'), shapeImage('red circle', 0));
    await expect(openDataset(join(folder.path, 't.csv'))).rejects.toThrow(message);
  });
});

describe("files outside of a table's folder", () => {
  it.each(['../secret/1.png', 'a/../../secret/1.png', 'ABSOLUTE'])('are refused unless asked for: %s', async (given) => {
    await using folder = await temporaryFolder();
    const outside = join(folder.path, 'secret', '1.png');
    await put(outside, shapeImage('red circle', 0));
    const id = given === 'ABSOLUTE' ? outside : given;
    const table = join(folder.path, 'in', 't.csv');
    const split = join(folder.path, 'in', 's.json');
    await put(table, `path,class\n${id},ant\n`);
    await put(split, JSON.stringify({ train: [[id, 0, 'ant']], test: [] }));
    await expect(openDataset(table)).rejects.toThrow(/line 2 .* not below .*--allow-outside/);
    await expect(openDataset(split)).rejects.toThrow(/not below .*--allow-outside/);
    expect((await openDataset(table, { allowOutside: true })).splits.train[0]?.image).toBe(outside);
    expect((await openDataset(split, { allowOutside: true })).splits.train[0]?.image).toBe(outside);
  });

  it('are not those whose names only begin with dots', async () => {
    await using folder = await temporaryFolder();
    await put(join(folder.path, '..a', '1.png'), shapeImage('red circle', 0));
    await put(join(folder.path, 't.csv'), 'path,class\n..a/1.png,ant\n');
    expect((await openDataset(join(folder.path, 't.csv'))).splits.train).toHaveLength(1);
  });
});

it('a class or data set may be called as what every object has', async () => {
  await using folder = await temporaryFolder();
  await put(join(folder.path, 'constructor', '1.png'), shapeImage('red circle', 0));
  expect((await openDataset(folder.path)).classNames).toEqual(['constructor']);
  await expect(openDataset('constructor')).rejects.toThrow(/neither a path nor the name/);
});

it('a class may have more pictures than a call takes arguments', () => {
  const items = Array.from({ length: 300_000 }, (_, index) => ({ id: `${index}`, image: '', label: 0 }));
  expect(Object.values(divide(items)).map((split) => split.length)).toEqual([150_000, 60_000, 90_000]);
});

describe('data that cannot be trained on', () => {
  const item = (id: string, label: number) => ({ id, image: new Uint8Array(), label });
  const made = (classNames: string[], test: number[]): Dataset => ({
    name: 'd',
    classNames,
    template: '{}',
    splits: {
      train: classNames.map((name, label) => item(name, label)),
      val: [],
      test: test.map((label) => item(`t${label}`, label)),
    },
    warnings: [],
  });

  it('has one class, or nothing to measure', () => {
    expect(() => expectTrainable(made(['cat'], [0]))).toThrow(/d has one class, cat, and there is nothing to tell apart/);
    expect(() => expectTrainable(made(['cat', 'dog'], []))).toThrow(/d has no test picture/);
    expect(() => expectTrainable(made(['cat', 'dog'], [0]))).not.toThrow();
    const many = Array.from({ length: 10_001 }, (_, index) => `${index}`);
    expect(() => expectTrainable(made(many, [0]))).toThrow(/d has 10001 classes.*does the column of classes hold/i);
  });

  it('classes without a test picture are told', async () => {
    await using folder = await temporaryFolder();
    await writeShapes(join(folder.path), { train: 2, test: 1 }, ['red circle', 'green square']);
    await rm(join(folder.path, 'test', 'green_square', '0.png'));
    const { warnings } = await openRunData(resolveConfig({ data: folder.path }), 'all');
    expect(warnings).toContain('1 class has no test picture, so nothing is measured for it: green_square');
  });
});
