import { describe, expect, it } from 'vitest';
import type { Cell } from '../cell.ts';
import { choose, unevenness, type Validated } from './choice.ts';

function run(method: string, lr: number, seed: number, accuracy: number | undefined, shots = 16): Validated {
  const cell: Cell = {
    index: 0,
    id: `${method} ${lr} ${seed}`,
    protocols: ['few-shot'],
    method,
    data: 'icons',
    shots,
    seed,
    config: { data: 'icons', seed, shots, settings: { depth: 4 }, training: { lr, epochs: 20 } },
    asked: [],
    evaluations: [],
  };
  return { cell, accuracy };
}

describe('the choice of settings', () => {
  it('takes the highest mean of validation for each method, the first of equal ones', () => {
    const runs = [
      ...[run('mudpt', 0.01, 1, 50), run('mudpt', 0.01, 2, 60), run('mudpt', 0.1, 1, 58), run('mudpt', 0.1, 2, 54)],
      ...[run('maple', 0.01, 1, 40), run('maple', 0.01, 2, 40), run('maple', 0.1, 1, 40), run('maple', 0.1, 2, 40)],
    ];
    const { candidates, chosen, gaps } = choose(runs);
    expect(candidates.map(({ method, assignments, accuracy, runs: count }) => [method, ...assignments, accuracy, count])).toEqual(
      [
        ['mudpt', 'lr=0.01', 55, 2],
        ['mudpt', 'lr=0.1', 56, 2],
        ['maple', 'lr=0.01', 40, 2],
        ['maple', 'lr=0.1', 40, 2],
      ],
    );
    expect(candidates[0]?.std).toBeCloseTo(Math.sqrt(50), 12);
    expect(chosen.map(({ method, assignments }) => [method, ...assignments])).toEqual([
      ['mudpt', 'lr=0.1'],
      ['maple', 'lr=0.01'],
    ]);
    expect(gaps).toEqual([]);
  });

  it('names what was not finished, and refuses settings that were tried on other seeds or shots', () => {
    const half = [run('mudpt', 0.01, 1, 50), run('mudpt', 0.1, 1, undefined)];
    expect(choose(half)).toMatchObject({ gaps: ['mudpt 0.1 1'], chosen: [{ assignments: ['lr=0.01'] }] });
    expect(unevenness(half)).toBeUndefined();
    expect(unevenness([run('mudpt', 0.01, 1, 50), run('mudpt', 0.1, 2, 50)])).toMatch(/icons 16 1 .*icons 16 2/);
    expect(unevenness([run('mudpt', 0.01, 1, 50), run('mudpt', 0.1, 1, 50, 4)])).toMatch(/icons 4 1/);
  });
});
