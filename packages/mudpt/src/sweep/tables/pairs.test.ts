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

/** One letter an image: r for right. */
const answers = (text: string) =>
  [...text].flatMap((letter, index) =>
    letter === ' ' ? [] : [{ id: `${index}.png`, label: 1, tuned: [[letter === 'r' ? 1 : 0, 0.9]] as [number, number][] }],
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
  const { pairs, gaps } = await comparePairs(plan, ['coop', 'maple'], read);
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
  const rows = pairRows({ methods: ['coop', 'maple'], pairs, gaps });
  expect(rows[1]?.slice(0, 8)).toEqual(['base-to-new', 'DTD', 'base', '16', '10', '65.00', '35.00', '+30.00']);
  await expect(comparePairs(plan, ['coop', 'vpt'], read)).rejects.toThrow(/vpt is none of the methods.*coop, maple/s);
});
