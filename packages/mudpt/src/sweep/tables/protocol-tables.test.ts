import { describe, expect, it } from 'vitest';
import type { Plan, PlanHead } from '../cell.ts';
import type { Protocol } from '../protocols.ts';
import { tablesOf } from './protocol-tables.ts';
import { isPublishedSelection, published } from './published.ts';
import { render } from './render.ts';
import type { Measurement } from './results.ts';
import type { Table } from './table.ts';

/** A plan of two methods and two seeds on two data sets. */
function planOf(name: Protocol, train: string[], targets: string[] = [], shots: number[] = [16]): Plan {
  const head: PlanHead = {
    format: 1,
    digest: '0'.repeat(64),
    model: 'clip',
    root: '/data',
    protocols: [{ name, train, targets, shots }],
    methods: ['coop', 'maple'],
    seeds: [1, 2],
    sets: [],
  };
  return { head, cells: [] };
}

let cell = 0;
/** Zero-shot and tuned accuracy of one run on `data`. */
function measured(
  protocol: Protocol,
  [method, seed]: readonly [string, number],
  [trained, data, classes]: readonly [string, string, string],
  [zeroShot, tuned]: readonly [number, number],
): Measurement[] {
  const place = { protocols: [protocol], method, seed, trained, data, classes, shots: 16, images: 100, cell: cell++ };
  const trainedClasses = protocol === 'base-to-new' ? 'base' : 'all';
  return [
    { ...place, trainedClasses, what: 'zero-shot', accuracy: zeroShot },
    { ...place, trainedClasses, what: 'tuned', accuracy: tuned },
  ];
}

const tableOf = (plan: Plan, measurements: readonly Measurement[], isPublishedBeside = false): Table =>
  tablesOf(plan, { measurements, gaps: [] }, { spread: 'std', isPublishedBeside })[0] as Table;

const means = (table: Table, title: string, part = ''): (number | undefined)[] =>
  table.rows.find((row) => row.title === title && row.part === part)?.values.map(({ mean }) => mean) ?? [];

const few = (method: string, seed: number, data: string, numbers: readonly [number, number]): Measurement[] =>
  measured('few-shot', [method, seed], [data, data, 'all'], numbers);

describe('few-shot', () => {
  const plan = planOf('few-shot', ['dtd', 'eurosat']);
  const all = [
    ...few('coop', 1, 'dtd', [40, 60]),
    ...few('coop', 2, 'dtd', [40, 64]),
    ...few('coop', 1, 'eurosat', [50, 48]),
    ...few('coop', 2, 'eurosat', [50, 50]),
    ...few('maple', 1, 'dtd', [40, 70]),
    ...few('maple', 2, 'dtd', [40, 71]),
    ...few('maple', 1, 'eurosat', [50, 80]),
    ...few('maple', 2, 'eurosat', [50, 84]),
  ];

  it('takes equal means for equal, however they were rounded', () => {
    // 3 and 5 of 6 images are twice 4, and a last bit less when they are divided first.
    const of = (right: number): number => (100 * right) / 6;
    const seeds = [3, 5].flatMap((right, seed) => few('coop', seed + 1, 'dtd', [of(4), of(right)]));
    const [, coop] = tableOf(planOf('few-shot', ['dtd']), seeds).rows;
    expect([coop?.gain?.mean, coop?.below]).toEqual([0, '0 of 1']);
  });

  it('has means over seeds, sample deviations, the average with its deviation over seeds, gains, sets below, ranks', () => {
    const table = tableOf(plan, all);
    expect(table.columns).toEqual(['DTD', 'EuroSAT', 'average']);
    expect(means(table, 'zero-shot')).toEqual([40, 50, 45]);
    expect(means(table, 'CoOp')).toEqual([62, 49, 55.5]);
    expect(means(table, 'MaPLe')).toEqual([70.5, 82, 76.25]);
    const [, coop, maple] = table.rows;
    // 60 and 64 about 62: sqrt(4 + 4); averages of seeds are 54 and 57: sqrt(2 * 1.5²).
    expect(coop?.values[0]?.spread).toBeCloseTo(Math.sqrt(8), 12);
    expect(coop?.values[2]?.spread).toBeCloseTo(Math.sqrt(4.5), 12);
    expect([coop?.gain?.mean, coop?.below]).toEqual([10.5, '1 of 2']);
    expect([maple?.gain?.mean, maple?.below]).toEqual([31.25, '0 of 2']);
    expect(table.rows.map(({ values }) => values.map(({ rank }) => rank))).toEqual([
      [undefined, 'second', undefined],
      ['second', undefined, 'second'],
      ['best', 'best', 'best'],
    ]);
  });

  it('a broken cell is a gap, and its average compares with nothing', () => {
    const partial = tableOf(
      plan,
      all.filter(({ method, data, seed }) => method !== 'maple' || data !== 'dtd' || seed !== 2),
    );
    expect(partial.rows[2]?.values[0]).toEqual({ mean: 70, spread: undefined, isPartial: true, rank: 'best' });
    expect(partial.rows[2]?.values[2]).toEqual({ mean: 76, spread: undefined, isPartial: true });
    expect(partial.rows[1]?.values[2]?.rank).toBe('best');
    const missing = tableOf(
      plan,
      all.filter(({ method, data }) => method !== 'maple' || data !== 'dtd'),
    );
    expect(means(missing, 'MaPLe')).toEqual([undefined, 82, 82]);
    expect(missing.rows[2]?.gain?.mean).toBeUndefined();
    expect(render(missing, 'text')).toMatch(
      /MaPLe +– +82\.00 ± 2\.83 ▲ +82\.00\* +– +0 of 1\n[^]*\*: some seeds, or some data sets/,
    );
    expect(means(tableOf(plan, []), 'CoOp')).toEqual([undefined, undefined, undefined]);
  });

  it('is written as text, Markdown, CSV and LaTeX', () => {
    const table = tableOf(plan, all);
    expect(render(table, 'text')).toContain(
      'CoOp       62.00 ± 2.83 △  49.00 ± 1.41    55.50 ± 2.12 △        +10.50      1 of 2',
    );
    expect(render(table, 'markdown')).toContain(
      '| MaPLe | **70.50 ± 0.71** | **82.00 ± 2.83** | **76.25 ± 1.77** | +31.25 | 0 of 2 |',
    );
    expect(render(table, 'csv').split('\n')[2]).toBe(
      'CoOp,,62.000000,2.828427,49.000000,1.414214,55.500000,2.121320,10.500000,1 of 2',
    );
    expect(render(table, 'latex')).toContain(
      String.raw`CoOp & \underline{62.00 $\pm$ 2.83} & 49.00 $\pm$ 1.41 & \underline{55.50 $\pm$ 2.12} & +10.50 & 1 of 2 \\`,
    );
  });

  it('tells when runs disagree about the frozen model', () => {
    const table = tableOf(plan, [...all, ...few('maple', 3, 'dtd', [41, 70])]);
    expect(table.notes.join('\n')).toMatch(/zero-shot on DTD differs by 1\.00 between runs/);
    expect(tableOf(plan, all).notes.join('\n')).not.toMatch(/differs/);
  });
});

describe('base-to-new', () => {
  const both = (method: string, seed: number, data: string, base: number, fresh: number): Measurement[] => [
    ...measured('base-to-new', [method, seed], [data, data, 'base'], [60, base]),
    ...measured('base-to-new', [method, seed], [data, data, 'new'], [40, fresh]),
  ];

  it('has H of the means, and for the average H of the averages', () => {
    const table = tableOf(planOf('base-to-new', ['dtd', 'eurosat']), [
      ...both('coop', 1, 'dtd', 80, 40),
      ...both('coop', 2, 'dtd', 80, 60),
      ...both('coop', 1, 'eurosat', 90, 30),
      ...both('coop', 2, 'eurosat', 90, 30),
    ]);
    expect(means(table, 'CoOp', 'base')).toEqual([80, 90, 85]);
    expect(means(table, 'CoOp', 'new')).toEqual([50, 30, 40]);
    // 2*80*50/130, 2*90*30/120 = 45, and of the averages 2*85*40/125 = 54.4.
    const harmonic = means(table, 'CoOp', 'H');
    expect(harmonic[0]).toBeCloseTo(8000 / 130, 12);
    expect(harmonic.slice(1)).toEqual([45, 54.4]);
    expect(means(table, 'zero-shot', 'H')).toEqual([48, 48, 48]);
    // Seeds' own: 53.33 and 68.57 about 60.95.
    const [first, second] = [6400 / 120, 9600 / 140];
    expect(table.rows.find(({ title, part }) => title === 'CoOp' && part === 'H')?.values[0]?.spread).toBeCloseTo(
      Math.abs(first - second) / Math.SQRT2,
      12,
    );
  });

  it('puts published numbers beside, their averages only where all data sets are there', () => {
    const [first, second] = [both('maple', 1, 'dtd', 80.86, 59.18), both('maple', 2, 'dtd', 80.86, 59.18)];
    const table = tableOf(planOf('base-to-new', ['dtd']), [...first, ...second], true);
    const at = table.rows.findIndex(({ title, part }) => title === 'MaPLe' && part === 'base');
    expect(table.rows[at + 1]?.values.map(({ mean }) => mean)).toEqual([80.36, undefined]);
    expect(table.rows[at + 2]?.values[0]?.mean).toBeCloseTo(0.5, 12);
    expect(render(table, 'text')).toMatch(/difference +base +\+0\.50/);
    // Of few-shot only averages over all eleven sets were published: a part of them has no rows of gaps, and a note.
    const averages = published('few-shot', 16)?.rows.find(({ method }) => method === 'maple');
    expect(Object.keys(averages?.values ?? {})).toEqual(['average']);
    const run = [1, 2].flatMap((seed) => measured('few-shot', ['maple', seed], ['dtd', 'dtd', 'all'], [40, 46]));
    const part = tableOf(planOf('few-shot', ['dtd']), run, true);
    expect(part.rows.map(({ title }) => title)).not.toContain('  published');
    expect(part.notes.at(-1)).toMatch(/^published: nothing for these/);
    expect(
      published('base-to-new', 16)?.rows.find(({ method, part }) => method === 'maple' && part === 'H')?.values,
    ).toMatchObject({
      average: 78.55,
      eurosat: 82.35,
    });
    expect(published('base-to-new', 4)).toBeUndefined();
    expect(isPublishedSelection('domain', ['imagenet', 'imagenetv2', 'imagenet_sketch', 'imagenet_a', 'imagenet_r'])).toBe(true);
    expect(isPublishedSelection('base-to-new', ['dtd'])).toBe(false);
  });
});

it('cross-dataset: the source stands first and is not in the average', () => {
  const plan = planOf('cross-dataset', ['imagenet'], ['dtd', 'eurosat']);
  const from = (data: string, zeroShot: number, tuned: number): Measurement[] =>
    [1, 2].flatMap((seed) => measured('cross-dataset', ['maple', seed], ['imagenet', data, 'all'], [zeroShot, tuned]));
  const table = tableOf(plan, [...from('imagenet', 66, 70), ...from('dtd', 40, 46), ...from('eurosat', 50, 48)]);
  expect(table.columns).toEqual(['ImageNet', 'DTD', 'EuroSAT', 'average']);
  expect(means(table, 'MaPLe')).toEqual([70, 46, 48, 47]);
  expect(table.rows.find(({ title }) => title === 'MaPLe')).toMatchObject({ gain: { mean: 2 }, below: '1 of 2' });
});
