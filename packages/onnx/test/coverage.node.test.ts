/** The README's table of operators is that of the code. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { operators } from '../src/operators/index.ts';
import { standard, withTable } from './coverage.ts';
import { type CaseResult, caseTable, reasonOf, withCases } from './node-cases.ts';

it('the table of operators in the README is that of the code', () => {
  const page = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(withTable(page), 'run pnpm onnx:gaps').toBe(page);
});

it('every operator is one of ONNX', () => {
  expect(Object.keys(operators).filter((name) => !standard.includes(name))).toEqual([]);
  expect(standard.length).toBeGreaterThan(190);
});

it('cases are counted by why they do not pass, and wrong numbers are named', () => {
  const results = new Map<string, CaseResult>([
    ['test_add', { kind: 'passed' }],
    ['test_sub', { kind: 'wrong', text: 'y[0] is 1, and 2 is expected' }],
    ['test_bernoulli', { kind: 'wrong', text: 'y[0] is 1, and 0 is expected' }],
    ['test_string_concat', { kind: 'refused', text: 'loadOnnx: StringConcat (opset 20): the one that makes "y"' }],
    ['test_cast_FLOAT_to_FLOAT8E5M2', { kind: 'refused', text: 'loadOnnx: Cast (opset 28) to type 19: the one' }],
    ['test_not_2d', { kind: 'refused', text: 'loadOnnx: Not (opset 1), read from opset 7 to 28' }],
  ]);
  expect([...results].map(([name, result]) => reasonOf(name, result))).toEqual([
    undefined,
    'wrong numbers',
    'numbers drawn by another generator',
    'strings',
    'floats of 4 and 8 bits',
    'older operators than opset 7, or 9 of `Scan`',
  ]);
  const table = caseTable('1.0', 8, 2, results);
  expect(table).toMatch(/^\| of 8 cases of onnx 1.0 \| \|\n\| --- \| --- \|\n\| pass \| 1 \|\n/);
  expect(table).toContain('| wrong numbers: sub | 1 |');
  expect(withCases('a\n<!-- node cases -->\nold\n<!-- /node cases -->\nb', table)).toBe(
    `a\n<!-- node cases -->\n\n${table}\n<!-- /node cases -->\nb`,
  );
});
