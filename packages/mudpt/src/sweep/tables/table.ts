/** A table of accuracies: rows are methods, columns data sets and their average. Output formats are in render.ts. */
import { harmonicMean } from '../../evaluation/comparison.ts';
import { mean, type Spread, spreadOf } from '../../evaluation/statistics.ts';

/** One number of a table. */
export interface Value {
  /** Undefined: a gap. */
  readonly mean: number | undefined;
  readonly spread: number | undefined;
  /** Some seeds, or some data sets of an average, are missing. */
  readonly isPartial: boolean;
  /** Among the rows it is compared with. */
  readonly rank?: 'best' | 'second' | undefined;
}

export interface Row {
  readonly title: string;
  /** What the row is of, where a method has several: base, new, H. Ranks are among rows of one part. */
  readonly part: string;
  /** Rows that are there to compare with, such as published numbers, take no rank. */
  readonly isRanked: boolean;
  /** One a column. */
  readonly values: readonly Value[];
  /** Average minus the zero-shot average, and the data sets on which the method is below it. */
  readonly gain?: Value | undefined;
  readonly below?: string | undefined;
}

export interface Table {
  /** Name of its files. */
  readonly name: string;
  readonly title: string;
  readonly columns: readonly string[];
  /** Whether rows have parts. */
  readonly hasParts: boolean;
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

export const GAP: Value = { mean: undefined, spread: undefined, isPartial: false };

/** Accuracies of one method on one data set by seed. */
export type BySeed = ReadonlyMap<number, number>;

/** The mean over the seeds that are there. */
export function valueOf(found: BySeed, seeds: readonly number[], spread: Spread): Value {
  const values = seeds.flatMap((seed) => found.get(seed) ?? []);
  if (values.length === 0) return GAP;
  return { mean: mean(values), spread: spreadOf(values, spread), isPartial: values.length < seeds.length };
}

/**
 * The average over data sets: its mean is that of their means, and its spread that of the averages of single seeds. Data sets that are gaps
 * are left out, and the value says so.
 */
export function averageOf(sets: readonly BySeed[], seeds: readonly number[], spread: Spread): Value {
  const values = sets.map((found) => valueOf(found, seeds, spread));
  const means = values.flatMap((value) => value.mean ?? []);
  if (means.length === 0) return GAP;
  const isPartial = means.length < sets.length || values.some((value) => value.isPartial);
  const bySeed = [...averageBySeed(sets, seeds).values()];
  return { mean: mean(means), spread: isPartial ? undefined : spreadOf(bySeed, spread), isPartial };
}

/** The harmonic mean of two values, as papers have it: of the means, not the mean of every seed's. Its spread is that of every seed's. */
export function harmonicOf(base: Value, fresh: Value, bySeed: readonly number[], spread: Spread): Value {
  if (base.mean === undefined || fresh.mean === undefined) return GAP;
  const isPartial = base.isPartial || fresh.isPartial;
  return { mean: harmonicMean(base.mean, fresh.mean), spread: isPartial ? undefined : spreadOf(bySeed, spread), isPartial };
}

/** Harmonic means of the seeds that both have. */
export function harmonicBySeed(base: BySeed, fresh: BySeed): Map<number, number> {
  const both = [...base].filter(([seed]) => fresh.has(seed));
  return new Map(both.map(([seed, accuracy]) => [seed, harmonicMean(accuracy, fresh.get(seed) ?? 0)]));
}

/** Averages over data sets of the seeds that have all of them. */
export function averageBySeed(sets: readonly BySeed[], seeds: readonly number[]): Map<number, number> {
  const averages = seeds.flatMap((seed): [number, number][] => {
    const of = sets.flatMap((found) => found.get(seed) ?? []);
    return of.length === sets.length && of.length > 0 ? [[seed, mean(of)]] : [];
  });
  return new Map(averages);
}

/** Decimals of all tables; ranks are of what is shown, so equal numbers are equally good. */
export const DECIMALS = 2;

/** Rows with the best and the second of every column and part marked. Averages over different data sets are not compared. */
export function ranked(rows: readonly Row[], average: number): Row[] {
  const marks = new Map<string, Map<string, 'best' | 'second'>>();
  const counts = ({ isPartial }: Value, column: number): boolean => column !== average || !isPartial;
  for (const part of new Set(rows.map((row) => row.part)))
    for (const column of rows[0]?.values.keys() ?? []) {
      const shown = rows
        .filter((row) => row.part === part && row.isRanked)
        .flatMap(({ values }) => {
          const value = values[column] ?? GAP;
          return value.mean !== undefined && counts(value, column) ? [value.mean.toFixed(DECIMALS)] : [];
        });
      const [best, second] = [...new Set(shown)].sort((a, b) => Number(b) - Number(a));
      // If all values are equal, none is marked as the best.
      if (best === undefined || second === undefined) continue;
      marks.set(
        `${part} ${column}`,
        new Map([
          [best, 'best'],
          [second, 'second'],
        ]),
      );
    }
  return rows.map((row) => {
    if (!row.isRanked) return row;
    const values = row.values.map((value, column) => {
      const rank = counts(value, column)
        ? marks.get(`${row.part} ${column}`)?.get(value.mean?.toFixed(DECIMALS) ?? '')
        : undefined;
      return rank ? { ...value, rank } : value;
    });
    return { ...row, values };
  });
}
