/** Einsum equations of two operands. */
import { ShapeError } from '../../errors.ts';

/** One label an axis; the axes under `...` have labels that no user can write. */
export type Equation = { readonly a: readonly string[]; readonly b: readonly string[]; readonly out: readonly string[] };

const TERM = /^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/;
const EXAMPLE = "write it like 'bqhd,bkhd->bhqk'";

/**
 * The labels of both operands and of the result; '...' is spelled out, a missing result is filled in.
 * @throws ShapeError when the equation cannot be read or does not name the axes of operands of ranks `rankA` and `rankB`
 */
export function parseEquation(equation: string, rankA: number, rankB: number): Equation {
  const sides = equation.replaceAll(' ', '').split('->');
  const terms = (sides[0] ?? '').split(',');
  const [termA, termB, ...more] = terms;
  const all = [...terms, ...sides.slice(1)];
  if (
    sides.length > 2 ||
    termB === undefined ||
    termA === undefined ||
    more.length > 0 ||
    !all.every((term) => TERM.test(term))
  ) {
    throw new ShapeError('einsum', `"${equation}" is no equation of two operands`, EXAMPLE);
  }
  const hiddenA = hiddenAxes(equation, termA, rankA, 'first');
  const hiddenB = hiddenAxes(equation, termB, rankB, 'second');
  const hidden = Math.max(hiddenA, hiddenB);
  const a = expand(termA, hiddenA);
  const b = expand(termB, hiddenB);
  const out = sides[1] === undefined ? implicit(a, b, hidden) : expand(sides[1], hidden);
  const twice = out.find((label, index) => out.indexOf(label) !== index);
  if (twice !== undefined)
    throw new ShapeError(
      'einsum',
      `label "${twice}" occurs twice in the result of "${equation}"`,
      'name each axis of the result once',
    );
  const unknown = out.find((label) => !a.includes(label) && !b.includes(label));
  if (unknown !== undefined) {
    throw new ShapeError(
      'einsum',
      `label "${unknown}" of the result of "${equation}" is in neither operand`,
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
  return { a, b, out };
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

function implicit(a: readonly string[], b: readonly string[], hidden: number): string[] {
  const labels = [...a, ...b].filter((label) => !label.startsWith('.'));
  const once = labels.filter((label) => labels.indexOf(label) === labels.lastIndexOf(label));
  return [...expand('...', hidden), ...once.sort()];
}
