/** Making a plan: every run of the requested protocols as a cell, with the evaluations that follow it. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InputError, TensorError } from '@mudpt/tensor';
import { datasetNames, openDataset } from '../datasets/index.ts';
import { type Cell, type FollowUp, PLAN_FORMAT, type PlanHead, type PlannedSet } from './cell.ts';
import { cellConfig, type CellRequest, hasSetting, plannedSet } from './configurations.ts';
import { digestOf, type MadePlan } from './plan.ts';
import { listingOf } from './planned-data.ts';
import { groupNames, type PlanSettings, type Protocol, STANDARD_SHOTS, type Tasks, tasksOf } from './protocols.ts';

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
    const tested = targets.map((one) => setOf(sets, one));
    for (const from of train)
      for (const method of methods)
        for (const count of shots)
          for (const seed of seeds) {
            const set = setOf(sets, from);
            await addCell(cells, methods, tested, {
              protocol,
              method,
              set,
              root,
              model,
              shots: count,
              seed,
              assignments,
              published,
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

/** Adds the cell of one run, or what this protocol evaluates to a cell that is there already. */
async function addCell(
  cells: Map<string, Cell>,
  methods: readonly string[],
  targets: readonly PlannedSet[],
  parts: CellRequest,
): Promise<void> {
  const { protocol, method, set, shots, seed } = parts;
  const { id, config, asked, teacher } = await cellConfig(parts);
  if (teacher && !methods.includes(teacher.method))
    throw new InputError(
      '--set',
      `runs of ${teacher.method} teach ${method}, and the plan has none`,
      `add ${teacher.method} to --methods`,
    );
  const before = cells.get(id);
  const followUps = [...(before?.evaluations ?? []), ...followUpsOf(protocol, set, config.classes, targets)];
  const unique = new Map(followUps.map((one) => [`${one.name} ${one.classes}`, one]));
  cells.set(id, {
    index: before?.index ?? cells.size,
    id,
    protocols: [...new Set([...(before?.protocols ?? []), protocol])],
    method,
    data: set.name,
    shots,
    seed,
    config: before?.config ?? config,
    asked: [...asked],
    ...(teacher && { teacher: teacher.id }),
    evaluations: [...unique.values()],
  });
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
