/** The tables of the four protocols, as the papers have them. */
import { mean, type Spread, SPREAD_NAMES } from '../../evaluation/statistics.ts';
import type { Plan, PlanHead } from '../cell.ts';
import { titleOf } from '../protocols.ts';
import { titleOfMethod } from '../runs.ts';
import { isPublishedSelection, published, type PublishedTable } from './published.ts';
import type { Measurement, Results } from './results.ts';
import {
  averageBySeed,
  averageOf,
  type BySeed,
  GAP,
  harmonicBySeed,
  harmonicOf,
  ranked,
  type Row,
  type Table,
  type Value,
  valueOf,
} from './table.ts';

export interface TableOptions {
  readonly spread: Spread;
  /** Whether published numbers are shown beside. */
  readonly isPublishedBeside: boolean;
}

type Part = 'base' | 'new' | 'H' | '';
/** Accuracies by seed on a data set's classes. */
type Lookup = (classes: 'base' | 'new' | 'all', data: string) => BySeed;

/** One table a protocol, and for several numbers of shots one each. */
export function tablesOf({ head }: Plan, results: Results, options: TableOptions): Table[] {
  return head.protocols.flatMap((protocol) =>
    protocol.shots.map((shots) => new TableMaker({ head, protocol, shots, results, ...options }).make()),
  );
}

interface Parts extends TableOptions {
  readonly head: PlanHead;
  readonly protocol: PlanHead['protocols'][number];
  readonly shots: number | 'all';
  readonly results: Results;
}

/** Two means of percentages, subtracted: equal ones that were rounded differently on the way give 0. */
function differenceOf(one: number, other: number): number {
  const difference = one - other;
  return Math.abs(difference) < 1e-9 ? 0 : difference;
}

class TableMaker {
  /** Names of data sets, the source first. */
  private readonly sets: readonly string[];
  private readonly partNames: readonly Part[];
  /** Index of the first data set in the average: a source that was trained on is left out. */
  private readonly firstAveraged: number;
  private readonly beside: PublishedTable | undefined;
  private readonly measurements: readonly Measurement[];
  /** Sources of the published rows that are shown. */
  private readonly shown = new Set<string>();

  constructor(private readonly parts: Parts) {
    const { protocol, shots, results, isPublishedBeside } = parts;
    const { name, train, targets } = protocol;
    this.sets = [...train, ...targets];
    this.firstAveraged = targets.length > 0 ? 1 : 0;
    this.partNames = name === 'base-to-new' ? ['base', 'new', 'H'] : [''];
    this.beside = isPublishedBeside ? published(name, shots) : undefined;
    this.measurements = results.measurements.filter((one) => one.shots === shots && one.protocols.includes(name));
  }

  make(): Table {
    const { head, protocol, shots, spread } = this.parts;
    const { methods, seeds } = head;
    const rows = this.partNames.flatMap((part) => {
      const zeroShot = this.row('zero-shot', part, this.zeroShot, [0], undefined);
      const learnt = methods.flatMap((method) => {
        const row = this.row(titleOfMethod(method), part, this.tuned(method), seeds, zeroShot);
        return [row, ...this.publishedRows(method, part, row)];
      });
      return [zeroShot, ...this.publishedRows('zero-shot', part, zeroShot), ...learnt];
    });
    const shotsText = shots === 'all' ? 'all training images' : `${shots} ${shots === 1 ? 'shot' : 'shots'}`;
    const isPartial = rows.some(({ values }) => values.some((value) => value.isPartial));
    return {
      name: protocol.shots.length > 1 ? `${protocol.name}-${shots}shots` : protocol.name,
      title: `${protocol.name}, ${shotsText}, ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}: accuracy in percent`,
      columns: [...this.sets.map(titleOf), 'average'],
      hasParts: this.partNames.length > 1,
      rows: ranked(rows, this.sets.length),
      notes: [
        `average: over the data sets${this.firstAveraged > 0 ? ' after the source' : ''}${this.partNames.length > 1 ? '; its H is that of the averages of base and new' : ''}`,
        ...(seeds.length > 1 ? [`±: ${SPREAD_NAMES[spread]}`] : []),
        ...(isPartial ? ['*: some seeds, or some data sets of an average, are missing'] : []),
        ...this.disagreements(),
        ...this.publishedNotes(),
      ],
    };
  }

  private row(title: string, part: Part, of: Lookup, seeds: readonly number[], zeroShot: Row | undefined): Row {
    const { spread } = this.parts;
    const averaged = this.sets.slice(this.firstAveraged);
    const plain = (classes: 'base' | 'new' | 'all'): Value[] => [
      ...this.sets.map((data) => valueOf(of(classes, data), seeds, spread)),
      averageOf(
        averaged.map((data) => of(classes, data)),
        seeds,
        spread,
      ),
    ];
    const harmonic = (): Value[] => {
      const fresh = plain('new');
      const bySeed = [
        ...this.sets.map((data) => harmonicBySeed(of('base', data), of('new', data))),
        harmonicBySeed(
          averageBySeed(
            averaged.map((data) => of('base', data)),
            seeds,
          ),
          averageBySeed(
            averaged.map((data) => of('new', data)),
            seeds,
          ),
        ),
      ];
      return plain('base').map((base, column) =>
        harmonicOf(base, fresh[column] ?? GAP, [...(bySeed[column]?.values() ?? [])], spread),
      );
    };
    const values = part === 'H' ? harmonic() : plain(part === '' ? 'all' : part);
    return { title, part, isRanked: true, values, ...(zeroShot && this.gain(values, zeroShot.values)) };
  }

  /** The difference of the average from zero-shot's, and the number of data sets on which the method is below zero-shot. */
  private gain(values: readonly Value[], zeroShot: readonly Value[]): Pick<Row, 'gain' | 'below'> {
    const pairs = values.map((value, column) => [value, zeroShot[column] ?? GAP] as const);
    const compared = pairs
      .slice(this.firstAveraged, -1)
      .flatMap(([value, zero]) =>
        value.mean === undefined || zero.mean === undefined ? [] : [differenceOf(value.mean, zero.mean) < 0],
      );
    const [average, zeroAverage] = pairs.at(-1) ?? [GAP, GAP];
    const isKnown = average.mean !== undefined && zeroAverage.mean !== undefined && !average.isPartial;
    return {
      gain: isKnown ? { ...GAP, mean: differenceOf(average.mean ?? 0, zeroAverage.mean ?? 0) } : GAP,
      below: `${compared.filter(Boolean).length} of ${compared.length}`,
    };
  }

  private tuned(method: string): Lookup {
    return (classes, data) =>
      new Map(
        this.find(classes, data)
          .filter((one) => one.what === 'tuned' && one.method === method)
          .map((one) => [one.seed, one.accuracy]),
      );
  }

  /** The frozen model's accuracy, which every run measures: one number a data set. */
  private readonly zeroShot: Lookup = (classes, data) => {
    const all = this.find(classes, data).flatMap((one) => (one.what === 'zero-shot' ? [one.accuracy] : []));
    return all.length === 0 ? new Map() : new Map([[0, mean(all)]]);
  };

  private find(classes: string, data: string): readonly Measurement[] {
    const [source] = this.parts.protocol.train;
    const trained = this.firstAveraged > 0 ? source : data;
    return this.measurements.filter((one) => one.data === data && one.classes === classes && one.trained === trained);
  }

  /** Runs that disagree about the frozen model were not made alike. */
  private disagreements(): string[] {
    const classes = this.partNames.length > 1 ? (['base', 'new'] as const) : (['all'] as const);
    return this.sets.flatMap((data) =>
      classes.flatMap((which) => {
        const all = this.find(which, data).flatMap((one) => (one.what === 'zero-shot' ? [one.accuracy] : []));
        const apart = all.length > 0 ? Math.max(...all) - Math.min(...all) : 0;
        return apart > 1e-9
          ? [`zero-shot on ${titleOf(data)} differs by ${apart.toFixed(2)} between runs: were adapters or precisions different?`]
          : [];
      }),
    );
  }

  /** Sources and conditions of the published rows in the table. */
  private publishedNotes(): string[] {
    if (!this.parts.isPublishedBeside) return [];
    if (this.shown.size > 0) return [`published: ${[...this.shown].join('; ')}`];
    return [
      'published: nothing for these methods, shots and data sets; averages are compared where all of their data sets are here',
    ];
  }

  private publishedRows(method: string, part: Part, row: Row): Row[] {
    const found = this.beside?.rows.find((one) => one.method === method && one.part === part);
    if (!found) return [];
    // An average over other data sets cannot be compared.
    const isWhole = isPublishedSelection(this.parts.protocol.name, this.sets);
    const columns = [...this.sets, ...(isWhole ? ['average'] : [''])];
    const theirs = columns.map((data): Value => ({ ...GAP, mean: found.values[data] }));
    if (theirs.every(({ mean: their }) => their === undefined)) return [];
    this.shown.add(found.source);
    const differences = theirs.map(({ mean: their }, column): Value => {
      const { mean: here, isPartial } = row.values[column] ?? GAP;
      if (their === undefined || here === undefined) return GAP;
      return isPartial && column === this.sets.length ? GAP : { mean: here - their, spread: undefined, isPartial };
    });
    return [
      { title: '  published', part, isRanked: false, values: theirs },
      { title: '  difference', part, isRanked: false, values: differences },
    ];
  }
}
