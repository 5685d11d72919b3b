/** Derivatives of the expressions of the pointwise table: of every row, and what is refused. */
import { expect, it } from 'vitest';
import { pointwiseTable } from '@mudpt/tensor/internal';
import { derivative } from './differentiate.ts';
import { lettersIn, parse, print } from './parse.ts';

const slope = (text: string, letter = 'x'): string => {
  const tree = derivative('test', parse(text), letter);
  return tree ? print(tree) : '0';
};

it('prints what it parsed', () => {
  for (const { gradients = [] } of Object.values(pointwiseTable))
    for (const gradient of gradients) {
      if (gradient === undefined) continue;
      const printed = print(parse(gradient));
      expect(print(parse(printed))).toBe(printed);
    }
});

it('differentiates every gradient of the table by everything that it reads, twice', () => {
  for (const [name, { gradients = [] }] of Object.entries(pointwiseTable))
    for (const gradient of gradients) {
      if (gradient === undefined) continue;
      const tree = parse(gradient);
      for (const letter of lettersIn(tree)) {
        const first = derivative(name, tree, letter);
        for (const next of first ? lettersIn(first) : []) if (first) derivative(name, first, next);
      }
    }
});

it('keeps the precedence of operators, and leaves out factors of 0 and 1', () => {
  expect(slope('2.0 * x + 3.0')).toBe('2.0');
  expect(slope('y - x * x')).toBe('(-(x + x))');
  expect(slope('g * select(y, 1.0, x > 0.0)', 'y')).toBe('(g * select(1.0, 0.0, (x > 0.0)))');
  expect(slope('g * math_sign(x)')).toBe('0');
  expect(slope('1.0 / -x')).toBe('(-(((1.0 / (-x)) * (-1.0)) / (-x)))');
});

it('refuses by name what it does not know', () => {
  expect(() => slope('math_zeta(x)')).toThrow(/^test: its gradient calls math_zeta, which has no derivative/);
  expect(() => slope('x * (x > 0.0)')).toThrow(/^test: ">" stands where/);
  expect(() => parse('x +')).toThrow(/an operand is expected instead of "its end"/);
  expect(() => parse('x ? y')).toThrow(/not understood/);
});
