/** The README's table of operators is that of the code. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { operators } from '../src/operators/index.ts';
import { standard, withTable } from './coverage.ts';

it('the table of operators in the README is that of the code', () => {
  const page = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(withTable(page), 'run pnpm onnx:gaps').toBe(page);
});

it('every operator is one of ONNX', () => {
  expect(Object.keys(operators).filter((name) => !standard.includes(name))).toEqual([]);
  expect(standard.length).toBeGreaterThan(190);
});
