/** The JSON that `pnpm bench` writes, as pictures read it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Row } from '../harness.ts';

/** A row as JSON has it: what was not timed is null. */
export type StoredRow = Omit<Row, 'best' | 'median'> & { readonly best: number | null; readonly median: number | null };

export type Results = {
  readonly adapter: string;
  readonly processor: string;
  readonly cores: number;
  readonly date: string;
  readonly commit: string;
  readonly rows: readonly StoredRow[];
};

/** @throws Error when there is no such file */
export function readResults(name: string): Results {
  return JSON.parse(readFileSync(fileURLToPath(new URL(`../results/${name}`, import.meta.url)), 'utf8')) as Results;
}

/** Where and when: for the foot of a picture. */
export function provenance({ adapter, processor, cores, date, commit }: Results): string {
  return `${adapter.replace(/ 0\.0\.1$/, '')} · ${processor}, ${cores} cores · ${date.slice(0, 10)} · commit ${commit.split(' ')[0]}`;
}
