/** Every measurement of a sweep, read from the folders of its runs. What cannot be read is a gap with its reason. */
import type { Cell, Plan } from '../cell.ts';
import type { Protocol } from '../protocols.ts';
import { readRecord } from '../record.ts';
import { evaluationOn, readCell } from '../runs.ts';

export interface Measurement {
  readonly what: 'zero-shot' | 'tuned';
  /** Protocol that planned the run. */
  readonly protocols: readonly Protocol[];
  /** Row of a table. */
  readonly method: string;
  /** What was trained on, and how. */
  readonly trained: string;
  readonly shots: number | 'all';
  readonly trainedClasses: string;
  readonly seed: number;
  /** Index of the cell in the plan. */
  readonly cell: number;
  /** What it was measured on. */
  readonly data: string;
  readonly classes: string;
  /** In percent. */
  readonly accuracy: number;
  readonly images: number;
}

/** A cell without results, or with some missing. */
export interface Gap {
  readonly id: string;
  readonly reason: string;
}

export interface Results {
  readonly measurements: readonly Measurement[];
  readonly gaps: readonly Gap[];
}

interface Read {
  readonly cell: Cell;
  readonly marks: { readonly data: string; readonly model: string };
  readonly measurements: readonly Measurement[];
}

/** Reads all cells. Those whose data or model is not what most others had are set aside: their numbers are of something else. */
export async function readResults(sweep: string, { cells }: Plan): Promise<Results> {
  const gaps: Gap[] = [];
  const found: Read[] = [];
  for (const cell of cells) {
    try {
      const summary = await readCell(sweep, cell);
      const measurements = summary ? measurementsOf(cell, summary) : [];
      if (summary && summary.state === 'finished') found.push({ cell, marks: summary.marks, measurements });
      const expected = new Set(['own', ...cell.evaluations.map(({ name, classes }) => `${name} ${classes}`)]).size;
      const there = measurements.filter(({ what }) => what === 'tuned').length;
      if (summary?.state === 'finished' && there >= expected) continue;
      const record = await readRecord(sweep, cell);
      const state =
        summary?.state === 'finished' ? `${there} of ${expected} evaluations are there` : (summary?.state ?? 'not begun');
      gaps.push({ id: cell.id, reason: record?.reason ?? (state === 'running' ? 'not finished' : state) });
    } catch (error) {
      gaps.push({ id: cell.id, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  const kept = setOutliersAside(found, gaps);
  return { measurements: kept.flatMap(({ measurements }) => measurements), gaps };
}

function measurementsOf(cell: Cell, summary: NonNullable<Awaited<ReturnType<typeof readCell>>>): Measurement[] {
  const { protocols, method, data: trained, shots, seed, config, index } = cell;
  const trainedClasses = String(config['classes']);
  const wanted = [{ name: trained, classes: trainedClasses }, ...cell.evaluations];
  return wanted.flatMap(({ name, classes }) =>
    (['zero-shot', 'tuned'] as const).flatMap((what) => {
      const last = evaluationOn(summary, what, { name, classes });
      if (!last) return [];
      const { accuracy, count } = last.metrics;
      const place = { protocols, method, trained, shots, trainedClasses, seed, cell: index };
      return [{ what, ...place, data: name, classes, accuracy, images: count }];
    }),
  );
}

/** By content: what the runs of one data set and class half have most often is what the others should have. */
function setOutliersAside(found: readonly Read[], gaps: Gap[]): Read[] {
  const model = mostFrequent(found.map(({ marks }) => marks.model));
  const keyOf = ({ cell }: Read): string => `${cell.data} ${String(cell.config['classes'])}`;
  const data = new Map<string, string | undefined>();
  for (const key of new Set(found.map(keyOf)))
    data.set(key, mostFrequent(found.filter((one) => keyOf(one) === key).map(({ marks }) => marks.data)));
  return found.filter((one) => {
    const isSame = one.marks.model === model && one.marks.data === data.get(keyOf(one));
    if (!isSame) {
      const what = one.marks.model === model ? 'other data (classes, template or test images)' : 'another base model';
      gaps.push({ id: one.cell.id, reason: `was run on ${what} than the other runs` });
    }
    return isSame;
  });
}

/** The most frequent value; the first of equally frequent ones. */
function mostFrequent(values: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce<readonly [string, number] | undefined>(
    (best, one) => (best && best[1] >= one[1] ? best : one),
    undefined,
  )?.[0];
}
