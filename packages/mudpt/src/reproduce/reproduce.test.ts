import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { describe, expect, it } from 'vitest';
import { run } from '../../test/child.ts';
import { writePaperTrees } from '../../test/paper-trees.ts';
import { isElsewhere } from '../../test/services.ts';
import { plannedData } from './sets.ts';
import { isWithin, type Verdict, verdictsOf } from './verdicts.ts';

describe('reproduce', () => {
  it('a random model is told to be not within, missing data sets and averages over others are gaps', {
    timeout: 300_000,
    skip: isElsewhere !== undefined,
  }, async () => {
    await using at = await temporaryFolder();
    const path = (name: string): string => join(at.path, name);
    await writePaperTrees(path('data'), { train: 1, val: 1, test: 1 });
    // All but three of the sets, so that it takes seconds.
    const folders = [
      'caltech-101',
      'oxford_pets',
      'stanford_cars',
      'oxford_flowers',
      'food-101',
      'fgvc_aircraft',
      'sun397',
      'ucf101',
    ];
    for (const name of folders) await rm(path(`data/${name}`), { recursive: true });
    await writeTinyModel(path('model'));
    const words = ['--table', 'domain', '--methods', 'maple', '--seeds', '1', '--shots', '16', '--set', 'epochs=1'];
    const told = await run(
      ['reproduce', '--weights', path('model'), '--root', path('data'), ...words, '--out', path('S')],
      path('cache'),
      1,
    );
    expect(told).toMatch(/missing: Caltech101: .*caltech-101/);
    expect(told).toMatch(
      /\d+ of \d+ published numbers within 1 point \(no source states its spread a cell\), \d+ not within, \d+ gaps/,
    );
    const lines = (await readFile(path('S/reproduce.csv'), 'utf8')).trim().split('\n');
    const rowOf = (start: string): string => lines.find((text) => text.startsWith(start)) ?? '';
    expect(rowOf('base-to-new,16,base,zero-shot,DTD,53.24,')).toMatch(/,(not )?within$/);
    expect(rowOf('base-to-new,16,base,zero-shot,UCF101,')).toMatch(/,,,,"?gap: /);
    expect(rowOf('base-to-new,16,H,zero-shot,average,')).toMatch(/gap: it is over other data sets: 8 are missing/);
    expect(rowOf('domain,16,,MaPLe,ImageNet-Sketch,49.15,')).toMatch(/,not within$/);
    // The columns agree with each other.
    for (const text of lines.slice(1).filter((one) => !one.includes('gap'))) {
      const [, , , , , theirs, here, , difference, verdict] = text.split(',');
      expect(Number(difference)).toBeCloseTo(Number(here) - Number(theirs), 1);
      expect(verdict).toBe(Math.abs(Number(difference)) <= 1 ? 'within' : 'not within');
    }
    expect(lines).toHaveLength(1 + 3 * 12 + 6);
    // Run again: everything is done before.
    const again = await run(
      ['reproduce', '--weights', path('model'), '--root', path('data'), ...words, '--out', path('S')],
      path('cache'),
      1,
    );
    expect(again).toMatch(/1 cell: 1 done before/);
  });
});

describe('a verdict', () => {
  const about: Verdict = { protocol: 'few-shot', shots: 16, part: '', method: 'maple', data: 'dtd', published: 70 };

  it('is a point wide, and a gap is never within', () => {
    expect([69, 71, 70.4].map((measured) => isWithin({ ...about, measured }))).toEqual([true, true, true]);
    expect([68.99, 71.01, 0].map((measured) => isWithin({ ...about, measured }))).toEqual([false, false, false]);
    expect(isWithin(about)).toBe(false);
  });

  it('without the data set that is trained on is a gap with that reason', () => {
    const here = { found: ['dtd', 'imagenetv2'], missing: new Map([['imagenet', 'not there']]) };
    const planned = plannedData('domain', here);
    expect(planned).toEqual({ why: 'ImageNet, which it trains on, is not here' });
    if (!('why' in planned)) throw new TypeError('it was planned');
    const verdicts = verdictsOf('domain', [16], ['maple'], planned, here.missing);
    expect(verdicts).toHaveLength(6);
    expect(verdicts.every((verdict) => verdict.gap !== undefined && !isWithin(verdict))).toBe(true);
    expect(plannedData('few-shot', here)).toEqual({ data: ['dtd'] });
  });
});
