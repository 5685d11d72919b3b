/** Rows of problems that another engine was not measured on, with the reason. */
import { notMeasured } from '../../../../bench/row.ts';
import type { StudioError } from '../worker/rpc.ts';
import type { Row, ShownRow } from './protocol.ts';

type Problem = Pick<Row, 'suite' | 'name'>;

/** Suites of single operations, which other engines are measured on too. */
const PEER_SUITES: readonly string[] = ['gemm', 'attention', 'layernorm'];

/** @param why as the page says it, in every language */
export function absentRow({ suite, name }: Problem, engine: string, { told }: StudioError): ShownRow {
  return { ...notMeasured({ suite, name, engine }, told.problem), told };
}

/** One of `engine` for every problem of single operations that `rows` lack one for. @param problems that our engine was measured on */
export function missingRows(
  rows: readonly ShownRow[],
  problems: readonly Problem[],
  engine: string,
  why: StudioError,
): ShownRow[] {
  const done = new Set(rows.filter((row) => row.engine === engine).map(({ name }) => name));
  return problems
    .filter(({ suite, name }) => PEER_SUITES.includes(suite) && !done.has(name))
    .map((problem) => absentRow(problem, engine, why));
}
