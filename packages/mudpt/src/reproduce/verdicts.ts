/** Measured accuracies beside published ones, cell by cell. */
import type { Plan } from '../sweep/cell.ts';
import type { Protocol } from '../sweep/protocols.ts';
import { titleOfMethod } from '../sweep/runs.ts';
import { isPublishedSelection, published, type PublishedRow } from '../sweep/tables/published.ts';
import { tablesOf } from '../sweep/tables/protocol-tables.ts';
import type { Results } from '../sweep/tables/results.ts';
import type { Table } from '../sweep/tables/table.ts';

/** Tolerance in points around a published accuracy: no source gives the spread over seeds of each cell, so it is one point for all. */
export const TOLERANCE = 1;

/** One published number, and what was measured here. Accuracies in percent. */
export interface Verdict {
  readonly protocol: Protocol;
  readonly shots: number;
  /** `base`, `new`, `H`; empty for all classes. */
  readonly part: string;
  readonly method: string;
  /** Name of a data set, or `average`. */
  readonly data: string;
  readonly published: number;
  readonly measured?: number;
  /** Over seeds, where there are several. */
  readonly spread?: number | undefined;
  /** Why no comparable number was measured. */
  readonly gap?: string;
}

export function isWithin({ measured, published: theirs }: Verdict): boolean {
  // With the two decimals that accuracies are published with.
  return measured !== undefined && Math.round(100 * Math.abs(measured - theirs)) <= 100 * TOLERANCE;
}

/**
 * A verdict on every published number of these methods.
 * @param run what was planned and measured; or the reason why nothing was
 * @param missing why data sets could not be opened
 */
export function verdictsOf(
  protocol: Protocol,
  shots: readonly (number | 'all')[],
  methods: readonly string[],
  run: { readonly plan: Plan; readonly results: Results } | { readonly why: string },
  missing: ReadonlyMap<string, string>,
): Verdict[] {
  const tables = 'why' in run ? [] : tablesOf(run.plan, run.results, { spread: 'std', isPublishedBeside: false });
  const sets = 'why' in run ? [] : setsOf(run.plan);
  return shots.flatMap((count, place) =>
    (published(protocol, count)?.rows ?? [])
      .filter(({ method }) => methods.includes(method))
      .flatMap((row) =>
        Object.entries(row.values).map(([data, value]): Verdict => {
          const { part, method } = row;
          const about = { protocol, shots: row.shots, part, method, data, published: value };
          const problem = missing.get(data) ?? ('why' in run ? run.why : undefined);
          if (problem !== undefined) return { ...about, gap: problem };
          if (data === 'average' && !isPublishedSelection(protocol, sets))
            return { ...about, gap: `it is over other data sets: ${missing.size} are missing` };
          return { ...about, ...measuredIn(tables[place], row, sets.indexOf(data)) };
        }),
      ),
  );
}

function setsOf({ head }: Plan): string[] {
  return head.protocols.flatMap(({ train, targets }) => [...train, ...targets]);
}

/** @param column of the data set; -1: the average */
function measuredIn(table: Table | undefined, { method, part }: PublishedRow, column: number): Partial<Verdict> {
  const title = method === 'zero-shot' ? method : titleOfMethod(method);
  const value = table?.rows.find((row) => row.title === title && row.part === part)?.values.at(column);
  if (value?.mean === undefined) return { gap: 'it was not measured' };
  if (value.isPartial) return { gap: 'some of its runs failed' };
  return { measured: value.mean, spread: value.spread };
}
