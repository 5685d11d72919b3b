import { expect, it } from 'vitest';
import type { Cell, Plan } from '../cell.ts';
import { comparePairs, pairRows, type ReadPredictions } from './pairs.ts';

const cell = (index: number, method: string, seed: number): Cell => ({
  index,
  id: `dtd/${method}/seed${seed}`,
  protocols: ['base-to-new'],
  method,
  data: 'dtd',
  shots: 16,
  seed,
  config: { classes: 'base' },
  asked: [],
  evaluations: [{ data: 'dtd', name: 'dtd', classes: 'new' }],
});

const plan: Plan = {
  head: {
    format: 1,
    digest: '0'.repeat(64),
    model: 'clip',
    root: '/data',
    protocols: [{ name: 'base-to-new', train: ['dtd'], targets: [], shots: [16] }],
    methods: ['coop', 'maple'],
    seeds: [1, 2],
    sets: [],
  },
  cells: [cell(0, 'coop', 1), cell(1, 'coop', 2), cell(2, 'maple', 1), cell(3, 'maple', 2)],
};

const ranked = (isRight: boolean): [number, number][] => [[isRight ? 1 : 0, 0.9]];

/** One letter an image: r for right. Zero-shot is right on every other one. */
const answers = (text: string) =>
  [...text].flatMap((letter, index) =>
    letter === ' ' ? [] : [{ id: `${index}.png`, label: 1, zeroShot: ranked(index % 2 === 0), tuned: ranked(letter === 'r') }],
  );

it('compares two methods on the same images, base and new, seed by seed', async () => {
  const given: Readonly<Record<string, string>> = {
    'coop 1 base': 'rrrrrrrr--',
    'maple 1 base': '--------rr',
    'coop 2 base': 'rrrrr-----',
    'maple 2 base': 'rrrrr-----',
    // Its first image could be read by one of them only.
    'coop 1 new': ' r-r',
    'maple 1 new': 'rr--',
  };
  const read: ReadPredictions = ({ method, seed }, { classes }) => {
    const text = given[`${method} ${seed} ${classes}`];
    return text === undefined ? Promise.reject(new Error('was not measured')) : Promise.resolve(answers(text));
  };
  const { pairs, gaps } = await comparePairs(plan, [['coop', 'maple']], read);
  const [base, fresh] = pairs;
  // Seeds: 80 against 20, 50 against 50. Differences by image: 50 where coop alone is right in one of two seeds, -50, or 0.
  expect(base).toMatchObject({ classes: 'base', images: 10, seeds: [1, 2], first: 65, second: 35, difference: 30 });
  // 8 to 2: 2 * (1 + 10 + 45) / 1024; no difference at all: 1.
  expect(base?.p[0]).toBeCloseTo(112 / 1024, 12);
  expect(base?.p[1]).toBe(1);
  expect(base?.low).toBeGreaterThanOrEqual(-10);
  expect(base?.high).toBe(50);
  expect(fresh).toMatchObject({ classes: 'new', images: 3, seeds: [1], first: (100 * 2) / 3, second: 100 / 3 });
  // Three tests: 3 * 112 / 1024, the others 1.
  expect(base?.adjusted[0]).toBeCloseTo(336 / 1024, 12);
  expect(gaps).toEqual([{ id: 'dtd new seed 2', reason: 'was not measured' }]);
  const rows = pairRows({ pairs, gaps });
  expect(rows[0]).toHaveLength(rows[1]?.length ?? 0);
  const row = Object.fromEntries((rows[0] ?? []).map((name, column) => [name, rows[1]?.[column]]));
  expect(row).toMatchObject({ data: 'DTD', classes: 'base', shots: '16', images: '10', first: 'CoOp', second: 'MaPLe' });
  expect(row).toMatchObject({ 'accuracy of first': '65.00', 'of second': '35.00', difference: '+30.00' });
});

it('compares several pairs in one table, with zero-shot among them, and adjusts for all of their tests', async () => {
  const read: ReadPredictions = ({ method }) => Promise.resolve(answers(method === 'coop' ? 'rrrrrrrrrr' : 'r-r-r-r-r-'));
  const { pairs } = await comparePairs(
    plan,
    [
      ['coop', 'maple'],
      ['coop', 'zero-shot'],
    ],
    read,
  );
  expect(pairs.map(({ methods, classes }) => [...methods, classes])).toEqual([
    ['coop', 'maple', 'base'],
    ['coop', 'maple', 'new'],
    ['coop', 'zero-shot', 'base'],
    ['coop', 'zero-shot', 'new'],
  ]);
  expect(pairs.map(({ second, difference }) => [second, difference])).toEqual(Array(4).fill([50, 50]));
  // 5 to 0 has p = 2 / 32, and there are eight tests: four places of two seeds.
  for (const { p, adjusted } of pairs)
    for (const seed of [0, 1]) {
      expect(p[seed]).toBeCloseTo(1 / 16, 12);
      expect(adjusted[seed]).toBeCloseTo(0.5, 12);
    }
});

it('refuses methods that the sweep has not, and pairs that are named twice', async () => {
  const compare = (...pairs: [string, string][]) => comparePairs(plan, pairs, () => Promise.resolve([]));
  await expect(compare(['coop', 'vpt'])).rejects.toThrow(/vpt is none of the methods.*coop, maple, or zero-shot/s);
  await expect(compare(['zero-shot', 'coop'])).rejects.toThrow(/zero-shot is none of the methods/);
  await expect(compare(['coop', 'coop'])).rejects.toThrow(/coop is named twice/);
  await expect(compare(['coop', 'maple'], ['maple', 'coop'])).rejects.toThrow(/maple,coop is named twice/);
});
