/**
 * What a sweep knows of configurations and data sets before anything runs: the one place where it asks how a run is configured (runs.ts is
 * where it asks how one goes).
 */
import { createHash } from 'node:crypto';
import { InputError } from '@mudpt/tensor';
import { type Dataset, fingerprint, SPLITS } from '../data/index.ts';
import { methodNamed, methodNames } from '../methods/index.ts';
import { loadedPlugins, loadRecorded, type PluginRecord } from '../plugins/load.ts';
import { identityOfSeeds } from '../runs/settings/identity.ts';
import { resolveConfig, type RunConfig, type RunInput, runName } from '../runs/index.ts';
import { inputOf } from '../runs/settings/input.ts';
import { settingsFor } from '../runs/settings/schemas.ts';
import { recordDescriptions } from '../runs/settings/text-files.ts';
import { canonicalText } from '@mudpt/tensor/internal';
import type { Cell, PlannedSet } from './cell.ts';
import type { Protocol } from './protocols.ts';

/** What one run of a sweep is asked for. */
export interface CellRequest {
  readonly protocol: Protocol;
  /** `maple`, or with a variant of it `mudpt@released-defaults`. */
  readonly method: string;
  readonly set: PlannedSet;
  readonly root: string;
  readonly model: string;
  readonly shots: number | 'all';
  readonly seed: number;
  /** Whether it takes the settings that were published for the protocol. */
  readonly published: boolean;
  /** Assignments as `train --set` takes them, for the methods that have such a setting; `maple:lr=0.01` is for one method alone. */
  readonly assignments: readonly string[];
}

export interface CellConfig {
  readonly config: RunConfig;
  readonly asked: readonly string[];
  readonly id: string;
  /** Row and id of the cell that teaches it. */
  readonly teacher?: { readonly method: string; readonly id: string };
}

/** What a plan goes through or says once for all runs, and the flags that say it. */
const PLANNED = {
  method: 'with --methods',
  variant: 'with --methods METHOD@VARIANT',
  data: 'with --data',
  root: 'with --root',
  model: 'with --model',
  shots: 'with --shots',
  seed: 'with --seeds',
  classes: 'with the protocol',
  protocol: 'with the protocol',
} as const;

/** @throws InputError for an assignment of what the plan says; a method that reads no labels may have images that the others have not */
function expectUnplanned(given: RunInput, label: string, readsLabels: boolean): void {
  for (const [name, how] of Object.entries(PLANNED) as [keyof typeof PLANNED, string][]) {
    if (given[name] === undefined || name === 'method') continue;
    const isOfImages = name === 'shots' || name === 'classes';
    if (isOfImages && !readsLabels) continue;
    throw new InputError(
      '--set',
      `${name} of ${label} is what the plan says${isOfImages ? ', because its loss reads labels' : ''}`,
      `say it ${how}`,
    );
  }
}

/**
 * The method whose run of the same data, shots and seed teaches, where the setting names one; its cell is another one of the plan.
 * @throws InputError where it cannot teach
 */
function teachingMethod({ method, settings }: RunConfig): string | undefined {
  const named = settings['teacher'];
  if (!methodNamed(method).needsTeacher || typeof named !== 'string') return undefined;
  const [name = ''] = named.split('@');
  if (!methodNames().includes(name)) return undefined;
  const { needsTeacher, training } = methodNamed(name);
  if (training && !needsTeacher) return named;
  throw new InputError(
    '--set',
    `${named} cannot teach ${method}: it ${training ? 'has a teacher itself' : 'is fitted to features'}`,
    'name a method that learns prompts from labels, a folder, or a model',
  );
}

/** A run's configuration: the method's published settings for the protocol, then what was assigned. */
export async function cellConfig(request: CellRequest): Promise<CellConfig> {
  const { protocol, set, root, model, shots, seed, published } = request;
  const [method = '', variant] = request.method.split('@');
  const assigned = request.assignments.flatMap((text) => assignmentFor(request.method, method, text));
  const given = await inputOf({ method, set: assigned, plugins: loadedPlugins() });
  expectUnplanned(given, request.method, methodNamed(method).readsLabels ?? true);
  const config = resolveConfig(
    {
      alternatives: false,
      ...given,
      ...(typeof given.descriptions === 'string' && { descriptions: await recordDescriptions(given.descriptions) }),
      method,
      data: set.data,
      root,
      model,
      shots: given.shots ?? shots,
      seed,
      classes: given.classes ?? (protocol === 'base-to-new' ? 'base' : 'all'),
      ...(published && { protocol }),
      ...(variant !== undefined && { variant }),
    },
    `${request.method} on ${set.name}`,
  );
  const teaching = teachingMethod(config);
  const teacher =
    teaching === undefined ? undefined : { method: teaching, id: (await cellConfig({ ...request, method: teaching })).id };
  const parts = [request.method, identityOfSeeds(config), set.structure, ...(teacher ? [teacher.id] : [])];
  const mark = sha256(canonicalText(parts)).slice(0, 8);
  // A run that several protocols need is one cell, so its folder names none of them.
  const { protocol: _p, variant: _v, ...shared } = config;
  const id = runName(shared, set.name, mark);
  return { config, asked: Object.keys(given.settings ?? {}), id, ...(teacher && { teacher }) };
}

/** The assignment as this method takes it; nothing where it is meant for others. */
function assignmentFor(label: string, method: string, text: string): string[] {
  const [, scope, rest] = /^([\w@-]+):([\w.]+\s*=.*)$/s.exec(text) ?? [];
  if (scope !== undefined && rest !== undefined) return scope === label || scope === method ? [rest] : [];
  return hasSetting(method, text) ? [text] : [];
}

/** Whether a method knows what `key=value` assigns. */
export function hasSetting(method: string, assignment: string): boolean {
  const [group, name] = /^\s*(?:(run|training|settings)\.)?([^=]*?)\s*=/s.exec(assignment)?.slice(1) ?? [];
  const sections = settingsFor(method);
  return (['run', 'training', 'settings'] as const)
    .filter((section) => group === undefined || section === group)
    .some((section) => sections[section].some((setting) => setting.name === name));
}

/** Loads the plugins that the cells of a plan were made with. @throws InputError for one that is not there */
export async function loadPlannedPlugins(sweep: string, cells: readonly Cell[]): Promise<void> {
  const records = cells.flatMap(({ config }) => (config['plugins'] ?? []) as (string | PluginRecord)[]);
  await loadRecorded([...new Map(records.map((record) => [canonicalText(record), record])).values()], sweep);
}

/** What a plan says of a data set: its name, its sizes, and what it is. */
export function plannedSet(data: string, dataset: Dataset): PlannedSet {
  const { name, classNames, splits } = dataset;
  return {
    name,
    data,
    structure: structureOf(dataset),
    classes: classNames.length,
    train: splits.train.length,
    val: splits.val.length,
    test: splits.test.length,
  };
}

/** SHA-256 of classes, template, and the names and labels of images in every split. */
export function structureOf({ classNames, template, splits }: Dataset): string {
  return sha256(canonicalText([classNames, template, ...SPLITS.map((split) => fingerprint(splits[split]))]));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
