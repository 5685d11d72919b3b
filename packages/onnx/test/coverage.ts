/** The table of operators in the README: what of the standard domain is one op of the engine, what a composition, what is missing. */
import { operators } from '../src/operators/index.ts';
import { STANDARD } from './standard.ts';

/** Marks in the README around what is made here. */
export const MARKS = ['<!-- operators -->\n', '<!-- /operators -->'] as const;

/** Operators of the standard domain that are there now, in order. */
export const standard = Object.values(STANDARD)
  .flatMap((names) => names.split(' '))
  .toSorted();

const kindOf = (name: string): 'op' | 'composition' | 'missing' =>
  // Constants are read when a model is loaded.
  name === 'Constant' ? 'op' : Object.hasOwn(operators, name) ? (operators[name]?.by ?? 'missing') : 'missing';

/** The table, as Markdown. */
export function operatorTable(): string {
  const names = (kind: ReturnType<typeof kindOf>): string[] => standard.filter((name) => kindOf(name) === kind);
  const row = (title: string, kind: ReturnType<typeof kindOf>): string => {
    const list = names(kind);
    return `| ${title} | ${list.length} | ${list.join(', ')} |\n`;
  };
  return [
    `| of ${standard.length} operators | | |\n| --- | --- | --- |\n`,
    row('one op of the engine, or a view', 'op'),
    row('a composition of ops, or work of the host', 'composition'),
    row('not supported', 'missing'),
  ].join('');
}

/** `page` with the table as it is now. */
export function withTable(page: string): string {
  const [open, close] = MARKS;
  const start = page.indexOf(open) + open.length;
  const end = page.indexOf(close);
  if (start < open.length || end < start) throw new Error(`the page has no ${open.trim()} ... ${close}`);
  return `${page.slice(0, start)}\n${operatorTable()}\n${page.slice(end)}`;
}
