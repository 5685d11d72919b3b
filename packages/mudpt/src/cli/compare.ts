/** `pnpm compare`: runs in a table, those that differ only in their seed in one line. */
import { basename, dirname } from 'node:path';
import { csvLine, printable } from '@mudpt/clip';
import { command } from '../command.ts';
import { mean, spreadOf } from '../evaluation/index.ts';
import { SPREAD_NAMES } from '../evaluation/statistics.ts';
import { type Evaluation, type RunConfig, RunFolder, type RunSummary } from '../runs/index.ts';
import { identityOfSeeds } from '../runs/settings/identity.ts';
import { accuracyOf } from '../runs/records/records.ts';
import { describeVariation, isPlain, ofFrozenModel, type Variation } from '../runs/records/variation.ts';
import { InputError, TensorError } from '@mudpt/tensor';
import { canonicalText } from '@mudpt/tensor/internal';
import { runsBelow } from './find-run.ts';
import { table } from '../terminal/text.ts';

interface Loaded {
  readonly path: string;
  readonly config: RunConfig;
  readonly summary: RunSummary;
}

/** One line of the table: runs that differ in their seed alone. */
export interface Comparison {
  readonly name: string;
  readonly data: string;
  readonly classes: string;
  readonly shots: string;
  readonly seeds: readonly number[];
  readonly zeroShot: number;
  readonly mean: number;
  /** What Dassl prints as a 95 % interval, see `spreadOf`; undefined for one seed. */
  readonly interval: number | undefined;
}

/** Runs the command: paths are runs, or folders with runs below them. @returns exit code: 1 when a run is damaged and was left out */
export async function compareCommand(paths: readonly string[], { csv = false }: { csv?: boolean }): Promise<number> {
  const runs: Loaded[] = [];
  let damaged = 0;
  for (const path of paths)
    for (const found of await runsBelow(path)) {
      try {
        runs.push(await loadRun(found));
      } catch (error) {
        if (!(error instanceof TensorError)) throw error;
        damaged += 1;
        process.stderr.write(`left out: ${error.problem}; ${error.fix}\n`);
      }
    }
  const finished = runs.filter(({ summary }) => summary.state === 'finished');
  for (const { path, summary } of runs.filter((run) => !finished.includes(run)))
    process.stderr.write(
      `${printable(path)} has ${summary.state === 'diverged' ? 'diverged' : 'not finished'} and is left out\n`,
    );
  if (finished.length === 0)
    throw new InputError(
      'compare',
      `no finished run is in ${paths.join(', ')}`,
      `give folders that \`${command('train')}\` made`,
    );
  const lines = comparisons(finished);
  const rows = lines.map(({ name, data, classes, shots, seeds, zeroShot, mean: accuracy, interval }) => [
    name,
    data,
    classes,
    shots,
    seeds.join(' '),
    zeroShot.toFixed(2),
    accuracy.toFixed(2),
    interval === undefined ? '' : `± ${interval.toFixed(2)}`,
    (accuracy - zeroShot).toFixed(2),
  ]);
  const heading = ['method', 'data', 'classes', 'shots', 'seeds', 'zero-shot', 'accuracy', '1.96 std / sqrt(n)', 'gain'];
  const text = csv ? [heading, ...rows].map(csvLine) : table([heading, ...rows], { right: [3, 5, 6, 8] });
  if (!csv && lines.some(({ interval }) => interval !== undefined)) text.push('', `±: ${SPREAD_NAMES.dassl95}`);
  process.stdout.write(`${text.join('\n')}\n`);
  return damaged > 0 ? 1 : 0;
}

/** Runs that differ in their seed alone, measured on the same data and classes. */
interface Group {
  readonly data: string;
  readonly classes: Evaluation['classes'];
  readonly variation: Variation;
  readonly runs: readonly [Loaded, ...Loaded[]];
}

function groupsOf(runs: readonly Loaded[]): Group[] {
  const groups = new Map<string, Group>();
  for (const run of runs)
    for (const { data, classes, variation = {} } of run.summary.evaluations.filter(({ what }) => what === 'tuned')) {
      // Seeds choose other training images of the same data; another data set of the same name is another line.
      const { marks } = run.summary;
      // The run's data is known by its contents, whatever its folder is called; what else was measured, by its name.
      const measured = data === run.summary.data.name ? '' : data;
      const key = canonicalText([identityOfSeeds(run.config), measured, classes, variation, marks.data, marks.model]);
      const group = groups.get(key);
      groups.set(key, group ? { ...group, runs: [...group.runs, run] } : { data, classes, variation, runs: [run] });
    }
  return [...groups.values()];
}

/** Groups runs by configuration, best mean first. */
export function comparisons(runs: readonly Loaded[]): Comparison[] {
  const lines = groupsOf(runs).map(({ data: on, classes, variation: varied, runs: group }): Comparison => {
    const isOfRun = on === group[0].summary.data.name;
    const accuracy = (what: Evaluation['what']) =>
      group.map(({ summary }) => {
        const variation = what === 'zero-shot' ? ofFrozenModel(varied) : varied;
        const measured = { what, data: isOfRun ? summary.data.name : on, classes, variation };
        return accuracyOf(summary.evaluations, measured) ?? Number.NaN;
      });
    const data = isPlain(varied) ? on : `${on}, ${describeVariation(varied)}`;
    const tuned = accuracy('tuned');
    const [first] = group;
    const seeds = group.map(({ config }) => config.seed).sort((a, b) => a - b);
    return {
      ...{ name: nameOf(first, runs), data, classes, shots: String(first.config.shots), seeds },
      ...{ zeroShot: mean(accuracy('zero-shot')), mean: mean(tuned), interval: spreadOf(tuned, 'dassl95') },
    };
  });
  return lines.sort((a, b) => (a.data === b.data ? b.mean - a.mean : a.data < b.data ? -1 : 1));
}

/** The method, with its folder's name where several configurations of it are compared. */
function nameOf({ config, path }: Loaded, all: readonly Loaded[]): string {
  const same = new Set(
    all.filter((other) => other.config.method === config.method).map((other) => identityOfSeeds(other.config)),
  );
  return same.size > 1 ? basename(dirname(path)) : config.method;
}

async function loadRun(path: string): Promise<Loaded> {
  const folder = new RunFolder(path);
  return { path, config: await folder.readConfig(), summary: await folder.readSummary() };
}
