/** The form of a results file, checked: files come from other machines, and from the studio's bench page. */
import type { Peaks } from '@mudpt/testing/measure/peaks';
import type { Row } from './harness.ts';

/** Where, when and of what: the same in every file of a run. */
export type Head = {
  /** The driver's name of it. */
  readonly adapter: string;
  readonly kind: string;
  readonly processor: string;
  readonly cores: number;
  readonly commit: string;
  readonly date: string;
  readonly peaks: Peaks;
};

/** A row as JSON has it: what was not timed is null. */
export type StoredRow = Omit<Row, 'best' | 'median'> & { readonly best: number | null; readonly median: number | null };

/** What a file holds. */
export type Results = Head & { readonly rows: readonly StoredRow[] };

type Test = (value: unknown) => boolean;

const isText: Test = (value) => typeof value === 'string' && value !== '';
const isCount: Test = (value) => typeof value === 'number' && value >= 0;
const isTime: Test = (value) => value === null || (typeof value === 'number' && value > 0);
const isRecord: Test = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const orAbsent =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);

const HEAD: Readonly<Record<string, Test>> = {
  adapter: isText,
  kind: isText,
  processor: isText,
  cores: isCount,
  commit: isText,
  date: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  peaks: isRecord,
  rows: Array.isArray,
};
const PEAKS: Readonly<Record<string, Test>> = { gflops: isCount, gbps: isCount, dispatchMicroseconds: orAbsent(isCount) };
const ROW: Readonly<Record<keyof StoredRow, Test>> = {
  suite: isText,
  name: isText,
  engine: isText,
  best: isTime,
  median: isTime,
  busy: orAbsent(isTime),
  flops: orAbsent(isCount),
  bytes: orAbsent(isCount),
  error: orAbsent((value) => value === null || isCount(value)),
  problem: orAbsent(isText),
  extra: orAbsent(isRecord),
};

/** @param name of the file, for errors. @throws TypeError naming the first entry that is missing or wrong */
export function checkResults(value: unknown, name: string): Results {
  const check = (found: unknown, form: Readonly<Record<string, Test>>, place: string): Readonly<Record<string, unknown>> => {
    if (!isRecord(found)) throw new TypeError(`${name}: ${place || 'the file'} is no object`);
    const entries = found as Readonly<Record<string, unknown>>;
    for (const [key, test] of Object.entries(form))
      if (!test(entries[key]))
        throw new TypeError(
          `${name}: ${place}${key} is ${JSON.stringify(entries[key])}: write the file with pnpm bench or the studio`,
        );
    return entries;
  };
  const head = check(value, HEAD, '');
  check(head['peaks'], PEAKS, 'peaks.');
  for (const [place, row] of (head['rows'] as readonly unknown[]).entries()) {
    const { best, problem, extra } = check(row, ROW, `rows[${place}].`);
    if (best === null && problem === undefined && extra === undefined)
      throw new TypeError(`${name}: rows[${place}] has no time, no other figure, and no problem that says why`);
  }
  return value as Results;
}
