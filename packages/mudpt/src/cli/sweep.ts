/** `pnpm sweep`: a protocol's runs planned, run on one machine or as the tasks of an array, and looked at. */
import { InputError } from '@mudpt/tensor';
import { command, pathFromHere } from '../command.ts';
import { counted, someOf } from '../data/dataset.ts';
import { methodNames } from '../methods/index.ts';
import { unpublished } from '../runs/settings/published.ts';
import type { RunConfig } from '../runs/settings/settings.ts';
import { suggestion } from '../settings/suggestion.ts';
import type { Plan } from '../sweep/cell.ts';
import { EXIT_AGAIN, EXIT_DONE, EXIT_FAILED } from '../sweep/exit-codes.ts';
import { makePlan } from '../sweep/make-plan.ts';
import { readPlan, writePlan } from '../sweep/plan.ts';
import { type PlanSettings, type Protocol, PROTOCOLS } from '../sweep/protocols.ts';
import { type CellStatus, sweepStatus } from '../sweep/status.ts';
import { StatusLine } from '../terminal/status-line.ts';
import { duration, table } from '../terminal/text.ts';

export interface PlanFlags {
  readonly methods: string;
  readonly data: string;
  readonly source?: string;
  readonly shots?: string;
  readonly seeds: string;
  readonly root: string;
  readonly model: string;
  readonly settings?: PlanSettings;
  readonly set?: readonly string[];
  readonly out: string;
}

/** `sweep plan` */
export async function planCommand(protocols: string, flags: PlanFlags): Promise<number> {
  const line = new StatusLine(process.stdout);
  const list = (text: string): string[] =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean);
  const methods = list(flags.methods);
  for (const [name = ''] of methods.map((label) => label.split('@')))
    if (!methodNames().includes(name))
      throw new InputError('--methods', `there is no method "${name}"`, suggestion(name, methodNames()));
  const plan = await makePlan({
    protocols: list(protocols).map(protocolNamed),
    methods,
    data: list(flags.data),
    source: flags.source,
    shots: flags.shots === undefined ? undefined : numbers('--shots', flags.shots, 1),
    seeds: numbers('--seeds', flags.seeds, 0) as number[],
    root: flags.root,
    model: flags.model,
    settings: flags.settings,
    assignments: flags.set ?? [],
  });
  const written = await writePlan(flags.out, plan);
  for (const text of describePlan(plan)) line.print(text);
  for (const note of new Set(plan.cells.flatMap(({ config }) => unpublished(config as RunConfig) ?? [])))
    line.print(`${line.paint('caution', 'note:')} ${note}`);
  line.print(`${written === 'unchanged' ? 'already planned, unchanged' : 'written'}: ${pathFromHere(flags.out)}/plan.jsonl`);
  line.print(`go on with: ${command(`sweep run ${pathFromHere(flags.out)}`)}`);
  return EXIT_DONE;
}

function protocolNamed(text: string): Protocol {
  const found = PROTOCOLS.find((name) => name === text);
  if (found) return found;
  throw new InputError('sweep plan', `there is no protocol "${text}"`, `use ${PROTOCOLS.join(', ')}, or several with commas`);
}

/** The numbers in a list such as `1,2,4` or `1-3`; `all` for shots. */
export function numbers(flag: string, text: string, least: number): (number | 'all')[] {
  const found = text.split(',').flatMap((part): (number | 'all')[] => {
    if (part === 'all' && flag === '--shots') return ['all'];
    const [, first, last = first] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === undefined || from < least || to < from || to - from > 10_000)
      throw new InputError(flag, `"${part}" is no number from ${least} up`, 'write numbers and ranges, such as 1,2,4 or 1-3');
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
  return [...new Set(found)];
}

function describePlan({ head, cells }: Plan): string[] {
  const evaluations = cells.reduce((sum, { evaluations: followUps }) => sum + followUps.length, 0);
  const rows = head.sets.map(({ name, classes, train, val, test }) => [name, ...[classes, train, val, test].map(String)]);
  return [
    ...table([['data', 'classes', 'train', 'val', 'test'], ...rows], { right: [1, 2, 3, 4] }),
    '',
    `${counted(cells.length, 'cell', 'cells')}: ${head.protocols.map(({ name }) => name).join(', ')}; ${head.methods.join(', ')}; ${counted(head.seeds.length, 'seed', 'seeds')}`,
    ...(evaluations > 0 ? [`${counted(evaluations, 'evaluation follows', 'evaluations follow')} the training`] : []),
    ...(head.model === 'embedded' && cells.every(({ config }) => config['protocol'] === undefined)
      ? ['settings are those of the embedded model: what was published for a protocol was made for ViT-B/16']
      : []),
  ];
}

export interface RunFlags {
  readonly jobs?: string;
  readonly index?: string;
  readonly chunk?: string;
  readonly cache?: string;
}

/** What schedulers call the number of a task. */
const TASK_VARIABLES = ['SLURM_ARRAY_TASK_ID', 'JOB_COMPLETION_INDEX'] as const;

/** `sweep run` */
export async function runCommand(sweep: string, flags: RunFlags): Promise<number> {
  const plan = await readPlan(sweep);
  const variable = TASK_VARIABLES.find((name) => process.env[name] !== undefined);
  const index = flags.index ?? (flags.jobs === undefined && variable ? process.env[variable] : undefined);
  const { runTask, runOnThisMachine } = await import('./sweep-run.ts');
  if (index === undefined) return runOnThisMachine(sweep, plan, wholeNumber('--jobs', flags.jobs ?? '1', 1), flags.cache);
  const chunk = wholeNumber('--chunk', flags.chunk ?? '1', 1);
  const task = wholeNumber(flags.index === undefined && variable ? variable : '--index', index, 0);
  const cells = plan.cells.slice(task * chunk, (task + 1) * chunk);
  if (cells.length === 0)
    throw new InputError(
      '--index',
      `there is no task ${task}: ${plan.cells.length} cells in chunks of ${chunk} are tasks 0 to ${Math.ceil(plan.cells.length / chunk) - 1}`,
      'make the array as long as that',
    );
  return runTask(sweep, plan, cells, flags.cache);
}

export function wholeNumber(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text.trim()) && value >= least && Number.isSafeInteger(value)) return value;
  throw new InputError(flag, `"${text}" is no whole number from ${least} up`, `give a whole number from ${least} up`);
}

/** `sweep status` @returns exit code: 0 all done, 1 some failed, 75 something is left */
export async function statusCommand(sweep: string, { json = false }: { json?: boolean }): Promise<number> {
  const line = new StatusLine(process.stdout);
  const status = await sweepStatus(sweep, await readPlan(sweep));
  const { counts, secondsLeft, cells } = status;
  if (json) process.stdout.write(`${JSON.stringify(status, undefined, 2)}\n`);
  else {
    line.print(
      `${cells.length} cells: ${counts.done} done, ${counts.running} running, ${counts.failed} failed, ${counts.begun} begun, ${counts.left} left`,
    );
    for (const { id, holder = '' } of cells.filter(({ state }) => state === 'running')) line.print(`running  ${id}: ${holder}`);
    for (const text of failures(cells)) line.print(text);
    const open = counts.running + counts.begun + counts.left;
    if (open > 0)
      line.print(
        secondsLeft === undefined
          ? 'time to go: not known before a cell is done'
          : `time to go: about ${duration(secondsLeft)} with ${counted(Math.max(1, status.running), 'cell', 'cells')} at once`,
      );
  }
  if (counts.running + counts.begun + counts.left > 0) return EXIT_AGAIN;
  return counts.failed > 0 ? EXIT_FAILED : EXIT_DONE;
}

/** Failed cells, those with one reason together. */
export function failures(cells: readonly CellStatus[]): string[] {
  const byReason = new Map<string, CellStatus[]>();
  for (const cell of cells.filter(({ state }) => state === 'failed')) {
    const reason = cell.reason ?? '';
    byReason.set(reason, [...(byReason.get(reason) ?? []), cell]);
  }
  return [...byReason].flatMap(([reason, group]) => [
    `failed   ${someOf(
      group.map(({ id }) => id),
      3,
    )}`,
    `         ${reason}`,
    ...(group[0]?.fix === undefined ? [] : [`         ${group[0].fix}`]),
  ]);
}
