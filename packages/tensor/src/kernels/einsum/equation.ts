/** Einsum equations. */
import { ShapeError } from '../../errors.ts';

/** One label an axis; the axes under `...` have labels that no user can write. */
export type Equation = { readonly operands: readonly (readonly string[])[]; readonly out: readonly string[] };

const TERM = /^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/;
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const EXAMPLE = "write it like 'bqhd,bkhd->bhqk'";

const COUNTS = ['no', 'one', 'two', 'three'];
const PLACES = ['first', 'second', 'third'];

/**
 * The labels of all operands and of the result; '...' is spelled out, a missing result is filled in.
 * @param ranks of the operands
 * @throws ShapeError when the equation cannot be read or does not name the axes of the operands
 */
export function parseEquation(equation: string, ranks: readonly number[]): Equation {
  const sides = equation.replaceAll(' ', '').split('->');
  const terms = (sides[0] ?? '').split(',');
  const all = [...terms, ...sides.slice(1)];
  if (sides.length > 2 || terms.length !== ranks.length || !all.every((term) => TERM.test(term))) {
    const count = COUNTS[ranks.length] ?? ranks.length;
    throw new ShapeError('einsum', `"${equation}" is no equation of ${count} operand${count === 'one' ? '' : 's'}`, EXAMPLE);
  }
  const hiddenOf = terms.map((term, at) => hiddenAxes(equation, term, ranks[at] ?? 0, PLACES[at] ?? `${at + 1}th`));
  const hidden = Math.max(...hiddenOf);
  const operands = terms.map((term, at) => expand(term, hiddenOf[at] ?? 0));
  const out = sides[1] === undefined ? implicit(operands.flat(), hidden) : expand(sides[1], hidden);
  const twice = out.find((label, index) => out.indexOf(label) !== index);
  if (twice !== undefined)
    throw new ShapeError(
      'einsum',
      `label "${twice}" occurs twice in the result of "${equation}"`,
      'name each axis of the result once',
    );
  const unknown = out.find((label) => !operands.some((labels) => labels.includes(label)));
  if (unknown !== undefined) {
    throw new ShapeError(
      'einsum',
      `label "${unknown}" of the result of "${equation}" is in ${operands.length === 2 ? 'neither' : 'no'} operand`,
      'use labels of the operands',
    );
  }
  if (hidden > 0 && sides[1] !== undefined && !sides[1].includes('...')) {
    throw new ShapeError(
      'einsum',
      `the axes under "..." are missing from the result of "${equation}"`,
      'write ... on the right too, or label them',
    );
  }
  return { operands, out };
}

/** An equation with a letter for every label, those under "..." included. */
export function equationOf(operands: readonly (readonly string[])[], out: readonly string[]): string {
  const known = [...new Set(operands.flat())];
  const term = (labels: readonly string[]): string => labels.map((label) => LETTERS[known.indexOf(label)]).join('');
  return `${operands.map(term).join(',')}->${term(out)}`;
}

/** How many axes `...` covers in `term`. */
function hiddenAxes(equation: string, term: string, rank: number, which: string): number {
  const named = term.replace('...', '').length;
  const hidden = rank - named;
  if (hidden < 0 || (hidden > 0 && !term.includes('...'))) {
    throw new ShapeError(
      'einsum',
      `"${equation}" names ${named} axes of the ${which} operand, which has ${rank}`,
      'name every axis, or use ...',
    );
  }
  return hidden;
}

/** Hidden axes are counted from the right, so that they align as in broadcasting. */
function expand(term: string, hidden: number): string[] {
  const dots = Array.from({ length: hidden }, (_, i) => `.${hidden - i}`);
  const [before = '', after] = term.split('...');
  return after === undefined ? [...before] : [...before, ...dots, ...after];
}

function implicit(all: readonly string[], hidden: number): string[] {
  const labels = all.filter((label) => !label.startsWith('.'));
  const once = labels.filter((label) => labels.indexOf(label) === labels.lastIndexOf(label));
  return [...expand('...', hidden), ...once.sort()];
}
