import { expect, it } from 'vitest';
import { type Line, tableOf, withTable } from './table.ts';

const line = (problem: string, engine: string, bytes: number, node: Line['node'], page?: Line['page']): Line => ({
  ...{ problem, engine, lines: engine.length, bytes, node, page },
});

it('has a row for each program and engine, the best of a program in bold, and room for what was not measured', () => {
  const table = tableOf([
    line('MLP', 'us', 57_900, { first: 87.2, step: 1.98 }, { first: 150, step: 6.2 }),
    line('MLP', 'them', 57_600, { first: 9769, step: 1.5 }),
    line('GPT', 'us', 94_000, { first: 203, step: 22.1 }),
  ]);
  expect(table.split('\n').slice(2)).toEqual([
    '| MLP | us | **2** | **58** | **87.2** | 1.98 | **150** | **6.20** |',
    '|  | them | 4 | **58** | 9769 | **1.50** |  |  |',
    '| GPT | us | **2** | **94** | **203** | **22.1** |  |  |',
    '',
  ]);
  const page = `a\n<!-- compare -->\nold\n<!-- /compare -->\nb`;
  expect(withTable(page, table)).toBe(`a\n<!-- compare -->\n\n${table}\n<!-- /compare -->\nb`);
  expect(() => withTable('a', table)).toThrow(/has no <!-- compare -->/);
});
