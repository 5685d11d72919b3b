/** Making, writing and reading a plan: `plan.json` says what the sweep is, `plan.jsonl` holds one cell a line. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FormatError, InputError, TensorError, writeFileAtomic } from '@mudpt/tensor';
import { canonicalText } from '@mudpt/tensor/internal';
import { command, pathFromHere } from '../command.ts';
import { someOf } from '../data/dataset.ts';
import { exists } from '../data/files.ts';
import {
  type Cell,
  cellSchema,
  type FollowUp,
  headSchema,
  type Plan,
  PLAN_FORMAT,
  type PlanHead,
  type PlannedSet,
} from './cell.ts';
import { planDifferences } from './plan-differences.ts';
import { listingOf, writeListing } from './planned-data.ts';
import { datasetNames, openDataset } from '../datasets/index.ts';
import { groupNames, type PlanSettings, type Protocol, STANDARD_SHOTS, type Tasks, tasksOf } from './protocols.ts';
import { cellConfig, hasSetting, loadPlannedPlugins, plannedSet } from './configurations.ts';

export interface PlanRequest {
  readonly protocols: readonly Protocol[];
  /** `maple`, or a variant of one: `mudpt@released-defaults`. */
  readonly methods: readonly string[];
  /** `paper11`, `icons`, names, paths. */
  readonly data: readonly string[];
  readonly source?: string | undefined;
  /** Default: what each protocol is published with. */
  readonly shots?: readonly (number | 'all')[] | undefined;
  readonly seeds: readonly number[];
  readonly root: string;
  readonly model: string;
  /** Which settings: default the published ones for the protocol; for the embedded model those that were made for it. */
  readonly settings?: PlanSettings | undefined;
  /** As `train --set` takes them. */
  readonly assignments: readonly string[];
}

/** A plan with what its data sets are now, by their names: see planned-data.ts. */
export interface MadePlan extends Plan {
  readonly listings: ReadonlyMap<string, string>;
}

/**
 * Every cell of a request, data sets opened once each.
 * @throws InputError for what no run could do: all missing data sets are named at once
 */
export async function makePlan(request: PlanRequest): Promise<MadePlan> {
  const { protocols, methods, seeds, assignments } = request;
  for (const assignment of assignments.filter((text) => !text.includes(':')))
    if (!methods.some((label) => hasSetting(label.split('@')[0] ?? '', assignment)))
      throw new InputError(
        '--set',
        `none of ${methods.join(', ')} has the setting of "${assignment}"`,
        'see train --help for what may be set',
      );
  const root = resolve(request.root);
  const model = await absoluteIfPath(request.model, ['embedded']);
  const published = (request.settings ?? (model === 'embedded' ? 'model' : 'published')) === 'published';
  const names = [...groupNames, ...datasetNames()];
  const data = await Promise.all(request.data.map((one) => absoluteIfPath(one, names)));
  const source = await absoluteIfPath(request.source ?? '', names);
  const tasks = protocols.map((protocol) => tasksOf(protocol, data, source === '' ? undefined : source));
  const { sets, listings } = await openSets([...new Set(tasks.flatMap(({ train, targets }) => [...train, ...targets]))], root);
  expectUse(tasks, sets);
  const cells = new Map<string, Cell>();
  const planned: PlanHead['protocols'] = [];
  for (const [place, protocol] of protocols.entries()) {
    const { train, targets } = tasks[place] as Tasks;
    const shots = [...(request.shots ?? STANDARD_SHOTS[protocol])];
    const named = (from: readonly string[]): string[] => from.map((one) => setOf(sets, one).name);
    planned.push({ name: protocol, train: named(train), targets: named(targets), shots });
    for (const from of train)
      for (const label of methods)
        for (const count of shots)
          for (const seed of seeds) {
            const set = setOf(sets, from);
            const parts = { protocol, method: label, set, root, model, shots: count, seed, assignments, published };
            const { id, config, asked, teacher } = await cellConfig(parts);
            if (teacher && !methods.includes(teacher.method))
              throw new InputError(
                '--set',
                `runs of ${teacher.method} teach ${label}, and the plan has none`,
                `add ${teacher.method} to --methods`,
              );
            const before = cells.get(id);
            const followUps = [
              ...(before?.evaluations ?? []),
              ...followUpsOf(
                protocol,
                set,
                config.classes,
                targets.map((one) => setOf(sets, one)),
              ),
            ];
            const unique = new Map(followUps.map((one) => [`${one.name} ${one.classes}`, one]));
            cells.set(id, {
              index: before?.index ?? cells.size,
              id,
              protocols: [...new Set([...(before?.protocols ?? []), protocol])],
              method: label,
              data: set.name,
              shots: count,
              seed,
              config: before?.config ?? config,
              asked: [...asked],
              ...(teacher && { teacher: teacher.id }),
              evaluations: [...unique.values()],
            });
          }
  }
  const head: Omit<PlanHead, 'digest'> = {
    format: PLAN_FORMAT,
    model,
    root,
    protocols: planned,
    methods: [...methods],
    seeds: [...seeds],
    sets,
  };
  const list = [...cells.values()];
  return { head: { ...head, digest: digestOf(head, list) }, cells: list, listings };
}

/** The evaluations that follow a run of a protocol. */
function followUpsOf(
  protocol: Protocol,
  trained: PlannedSet,
  classes: FollowUp['classes'],
  targets: readonly PlannedSet[],
): FollowUp[] {
  const on = (half: FollowUp['classes']): FollowUp => ({ data: trained.data, name: trained.name, classes: half });
  // The run itself already measures the classes it trained on.
  if (protocol === 'base-to-new') return (['base', 'new'] as const).filter((half) => half !== classes).map(on);
  return targets.map(({ data, name }) => ({ data, name, classes: 'all' }));
}

async function openSets(names: readonly string[], root: string) {
  const listings = new Map<string, string>();
  const sets: PlannedSet[] = [];
  const problems: string[] = [];
  for (const name of names) {
    try {
      const dataset = await openDataset(name, { root });
      sets.push(plannedSet(name, dataset));
      listings.set(dataset.name, listingOf(dataset));
    } catch (error) {
      if (!(error instanceof TensorError)) throw error;
      problems.push(`${name}: ${error.problem}`);
    }
  }
  if (problems.length > 0)
    throw new InputError(
      '--data',
      `${problems.length} of ${names.length} data sets cannot be opened:\n  ${problems.join('\n  ')}\n`,
      `put them under --root (now ${root}), or name those that are there with --data`,
    );
  const found = sets.map(({ name }) => name);
  const twice = sets.find(({ name }, index) => found.indexOf(name) !== index);
  if (twice)
    throw new InputError(
      '--data',
      `two data sets are called ${twice.name}`,
      'rename one of the folders: tables name data sets by it',
    );
  return { sets, listings };
}

function expectUse(tasks: readonly Tasks[], sets: readonly PlannedSet[]): void {
  for (const { train } of tasks)
    for (const name of train) {
      const set = setOf(sets, name);
      if (set.train === 0) throw new InputError('--data', `${set.name} has no training image`, 'name another set to train on');
    }
  for (const { name, test } of sets)
    if (test === 0) throw new InputError('--data', `${name} has no test image`, 'leave it out: nothing can be measured on it');
}

function setOf(sets: readonly PlannedSet[], data: string): PlannedSet {
  const found = sets.find((set) => set.data === data);
  if (!found) throw new TypeError(`${data} was not opened`);
  return found;
}

/** Tasks of an array may start in another folder, so paths do not count from here. @param names what is meant even where such a path exists */
async function absoluteIfPath(text: string, names: readonly string[]): Promise<string> {
  if (text === '' || names.includes(text)) return text;
  const isThere = await stat(text).then(
    () => true,
    () => false,
  );
  return isThere ? resolve(text) : text;
}

/**
 * Writes a plan into the folder of the sweep. The same plan is left as it is.
 * @throws InputError saying in what a plan that is there differs
 */
export async function writePlan(sweep: string, plan: MadePlan): Promise<'written' | 'unchanged'> {
  const { head, cells, listings } = plan;
  if (await exists(join(sweep, 'plan.json'))) {
    const before = await readPlan(sweep);
    const differences = planDifferences(before, plan);
    if (differences.length === 0) return 'unchanged';
    throw new InputError(
      'plan',
      `${pathFromHere(sweep)} holds another plan: ${someOf(differences, 6)}`,
      'give another folder with --out, or the words the plan was made with',
    );
  }
  await mkdir(sweep, { recursive: true });
  for (const [name, listing] of listings) await writeListing(sweep, name, listing);
  await writeFileAtomic('plan', join(sweep, 'plan.jsonl'), cells.map((cell) => `${JSON.stringify(cell)}\n`).join(''));
  await writeFileAtomic('plan', join(sweep, 'plan.json'), `${JSON.stringify(head, undefined, 2)}\n`);
  return 'written';
}

/** @throws FormatError when the folder holds no plan, or it was changed after it was made */
export async function readPlan(sweep: string): Promise<Plan> {
  const fix = `make one with \`${command('sweep plan')}\`, or put its files back`;
  const read = async (file: string): Promise<string> => {
    const path = join(sweep, file);
    return readFile(path, 'utf8').catch((cause: unknown) => {
      throw new FormatError('sweep', `${path} cannot be read (${(cause as Error).message})`, fix, { cause });
    });
  };
  const damaged = (file: string, why: string): FormatError => new FormatError('sweep', `${join(sweep, file)}: ${why}`, fix);
  const [headText, cellText] = [await read('plan.json'), await read('plan.jsonl')];
  const head = headSchema.safeParse(parsed(headText));
  if (!head.success) throw damaged('plan.json', head.error.issues[0]?.message ?? 'is no plan');
  const cells = cellText
    .split('\n')
    .filter(Boolean)
    .map((line, index) => {
      const cell = cellSchema.safeParse(parsed(line));
      if (!cell.success) throw damaged('plan.jsonl', `line ${index + 1}: ${cell.error.issues[0]?.message}`);
      return cell.data;
    });
  const { digest, ...rest } = head.data;
  if (digest !== digestOf(rest, cells)) throw damaged('plan.jsonl', 'was changed after the plan was made');
  await loadPlannedPlugins(sweep, cells);
  return { head: head.data, cells };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function digestOf(head: Omit<PlanHead, 'digest'>, cells: readonly Cell[]): string {
  return createHash('sha256')
    .update(canonicalText([head, cells]))
    .digest('hex');
}
