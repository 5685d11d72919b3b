/** The best settings of a method on validation images, from one sweep for each candidate with the same data, shots and seeds. */
import { canonicalText } from '@mudpt/tensor/internal';
import { mean, sampleStd } from '../../evaluation/statistics.ts';
import type { Cell } from '../cell.ts';

/** What a run of a sweep reached on its validation images, in percent; undefined: not finished, or without any. */
export interface Validated {
  readonly cell: Cell;
  readonly accuracy: number | undefined;
}

export interface Candidate {
  readonly method: string;
  /** Settings that differ between the candidates of the method, as `--set` takes them. */
  readonly assignments: readonly string[];
  /** Mean over runs in percent, and its sample standard deviation where there are two or more. */
  readonly accuracy: number;
  readonly std: number | undefined;
  readonly runs: number;
}

export interface Choice {
  readonly candidates: readonly Candidate[];
  /** One for each method: the highest mean, the first of equal ones. */
  readonly chosen: readonly Candidate[];
  /** Ids of runs without a result. */
  readonly gaps: readonly string[];
}

/** Compares the settings of each method. Test images play no part. */
export function choose(runs: readonly Validated[]): Choice {
  const candidates = methodsOf(runs).flatMap((method) => candidatesOf(method, runs));
  const chosen = methodsOf(runs).flatMap((method) => {
    const found = candidates.filter((one) => one.method === method);
    return found.length === 0 ? [] : [found.reduce((best, one) => (one.accuracy > best.accuracy ? one : best))];
  });
  const gaps = runs.filter(({ accuracy }) => accuracy === undefined).map(({ cell }) => cell.id);
  return { candidates, chosen, gaps };
}

/** Why the candidates of a method cannot be compared; undefined where they can: all were run with the same data, shots and seeds. */
export function unevenness(runs: readonly Validated[]): string | undefined {
  for (const method of methodsOf(runs)) {
    const groups = groupsOf(runs.filter(({ cell }) => cell.method === method));
    const tasks = [...groups.values()].map((group) =>
      group.map(({ cell: { data, shots, seed } }) => `${data} ${shots} ${seed}`).toSorted(),
    );
    const odd = tasks.find((one) => canonicalText(one) !== canonicalText(tasks[0]));
    if (odd) return `${method} was run on ${tasks[0]?.join(', ')} with some settings and on ${odd.join(', ')} with others`;
  }
  return undefined;
}

const methodsOf = (runs: readonly Validated[]): string[] => [...new Set(runs.map(({ cell }) => cell.method))];

function candidatesOf(method: string, runs: readonly Validated[]): Candidate[] {
  const groups = groupsOf(runs.filter(({ cell }) => cell.method === method));
  const settings = [...groups.values()].map(([first]) => settingsOf(first?.cell));
  const names = [...new Set(settings.flatMap((one) => [...one.keys()]))];
  const differing = names.filter((name) => new Set(settings.map((one) => one.get(name))).size > 1);
  return [...groups.values()].flatMap((group, index) => {
    const values = group.flatMap(({ accuracy }) => accuracy ?? []);
    if (values.length === 0) return [];
    const assignments = differing.map((name) => `${name}=${settings[index]?.get(name) ?? ''}`);
    return [{ method, assignments, accuracy: mean(values), std: sampleStd(values), runs: values.length }];
  });
}

/** Runs with one configuration but for what is trained on. */
function groupsOf(runs: readonly Validated[]): Map<string, Validated[]> {
  const groups = new Map<string, Validated[]>();
  for (const run of runs) {
    const key = canonicalText([...settingsOf(run.cell)]);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return groups;
}

/** Settings of the method, of its training and of the run, as text. */
function settingsOf(cell: Cell | undefined): Map<string, string> {
  const {
    settings = {},
    training = {},
    data: _d,
    root: _r,
    shots: _s,
    seed: _e,
    ...run
  } = (cell?.config ?? {}) as Record<string, object>;
  const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
  return new Map(Object.entries({ ...run, ...training, ...settings }).map(([name, value]) => [name, text(value)]));
}
