/**
 * Everything of single runs that a sweep needs, in one place: configurations, data sets, training, evaluation and the files of a run's
 * folder. No other file of the sweep knows how a run is made.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Device, InputError } from '@mudpt/tensor';
import { inputOf } from '../runs/input.ts';
import { exists } from '../data/files.ts';
import type { SharedFeatures } from '../evaluation/shared-features.ts';
import { type Dataset, fingerprint, SPLITS } from '../data/index.ts';
import { openDataset } from '../datasets/index.ts';
import { methodNamed } from '../methods/index.ts';
import { loadedPlugins, loadRecorded, type PluginRecord } from '../plugins/load.ts';
import { fitToModel } from '../runs/config.ts';
import { identityOfSeeds } from '../runs/identity.ts';
import { settingsFor } from '../runs/settings.ts';
import {
  evaluateRun,
  openRun,
  type Prediction,
  resolveConfig,
  resumeRun,
  type RunConfig,
  RunFolder,
  type RunInput,
  runName,
  type RunObserver,
  type RunSummary,
} from '../runs/index.ts';
import type { Cell, FollowUp, PlannedSet } from './cell.ts';
import { ModelPool } from './model-pool.ts';
import { type Protocol, variantsFor } from './protocols.ts';

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
  /** Assignments as `train --set` takes them, for the methods that have such a setting; `maple:lr=0.01` is for one method alone. */
  readonly assignments: readonly string[];
}

export interface CellConfig {
  readonly config: RunConfig;
  readonly asked: readonly string[];
  readonly id: string;
}

/** A run's configuration: the method's published settings for the protocol, then what was assigned. */
export async function cellConfig(request: CellRequest): Promise<CellConfig> {
  const { protocol, set, root, model, shots, seed } = request;
  const [method = '', variant] = request.method.split('@');
  const assigned = request.assignments.flatMap((text) => assignmentFor(request.method, method, text));
  const given = await inputOf({ method, set: assigned, plugins: loadedPlugins() });
  const published = publishedInput(method, variant, model === 'embedded' ? [] : variantsFor(protocol, set.name, shots));
  const config = resolveConfig(
    {
      alternatives: false,
      ...given,
      settings: { ...published.settings, ...given.settings },
      training: { ...published.training, ...given.training },
      method,
      data: set.data,
      root,
      model,
      shots,
      seed,
      classes: protocol === 'base-to-new' ? 'base' : 'all',
    },
    `${request.method} on ${set.name}`,
  );
  const mark = sha256(JSON.stringify([request.method, identityOfSeeds(config), set.structure])).slice(0, 8);
  return { config, asked: Object.keys(given.settings ?? {}), id: runName(config, set.name, mark) };
}

/** What published variants say beyond a method's defaults. @throws InputError for a variant that the method does not have */
function publishedInput(method: string, variant: string | undefined, standard: readonly string[]) {
  const { variants } = methodNamed(method);
  if (variant !== undefined && !Object.hasOwn(variants, variant))
    throw new InputError(
      '--methods',
      `${method} has no variant "${variant}"`,
      Object.keys(variants).length > 0 ? `use one of ${Object.keys(variants).join(', ')}` : 'it has none: leave it out',
    );
  const names = [...standard.filter((name) => Object.hasOwn(variants, name)), ...(variant === undefined ? [] : [variant])];
  const merged: { settings: Record<string, unknown>; training: Record<string, unknown> } = { settings: {}, training: {} };
  for (const name of names) {
    Object.assign(merged.settings, variants[name]?.settings);
    Object.assign(merged.training, variants[name]?.training);
  }
  return merged;
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
  await loadRecorded([...new Map(records.map((record) => [JSON.stringify(record), record])).values()], sweep);
}

/** Opens a data set to plan with: its name, its sizes, and what it is. */
export async function planSet(data: string, root: string): Promise<PlannedSet> {
  const dataset = await openDataset(data, { root });
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

function structureOf({ classNames, template, splits }: Dataset): string {
  return sha256(JSON.stringify([classNames, template, ...SPLITS.map((split) => fingerprint(splits[split]))]));
}

/** Goes on with a cell from wherever it stands, and evaluates it. */
export interface CellContext {
  readonly device: Device;
  readonly models: ModelPool;
  readonly features: SharedFeatures;
  readonly signal: AbortSignal;
  readonly observer?: RunObserver;
  /** Called before each evaluation that follows. */
  readonly onFollowUp?: (followUp: FollowUp) => void;
}

/** @returns whether it has finished; false: it was asked to stop, and saved where it is. @throws what the run throws */
export async function runCell(sweep: string, cell: Cell, context: CellContext): Promise<boolean> {
  const { device, models, features: sharedFeatures, signal, observer } = context;
  const folder = runFolder(sweep, cell);
  const config = cellRunConfig(cell);
  const openModel = models.open.bind(models);
  if (!(await exists(folder.file('config')))) {
    const base = await openModel(config, device, signal);
    const asked = Object.fromEntries(cell.asked.map((name) => [name, true]));
    const { config: fitted } = fitToModel(config, { settings: asked }, base.clip.config);
    await folder.create();
    await folder.writeConfig(fitted);
  }
  const { summary } = await resumeRun(folder.path, { device, signal, openModel, sharedFeatures, ...(observer && { observer }) });
  if (summary.state !== 'finished') return false;
  return evaluateAfterwards(folder, cell, summary, context);
}

async function evaluateAfterwards(folder: RunFolder, cell: Cell, summary: RunSummary, context: CellContext): Promise<boolean> {
  const left = cell.evaluations.filter((followUp) => !isMeasured(summary, followUp));
  if (left.length === 0) return true;
  const run = await openRun(folder.path, { device: context.device, openModel: context.models.open.bind(context.models) });
  try {
    for (const followUp of left) {
      if (context.signal.aborted) return false;
      context.onFollowUp?.(followUp);
      await evaluateRun(run, {
        data: followUp.data,
        root: run.config.root,
        classes: followUp.classes,
        sharedFeatures: context.features,
        onPart: (what, done, total) => context.observer?.onPart?.(`${followUp.name} ${followUp.classes}: ${what}`, done, total),
      });
    }
  } finally {
    await run.close();
  }
  return true;
}

/** What a finished or begun cell holds; undefined where nothing was begun. @throws FormatError for damaged files */
export async function readCell(sweep: string, cell: Cell): Promise<RunSummary | undefined> {
  const folder = runFolder(sweep, cell);
  return (await exists(folder.file('summary'))) ? folder.readSummary() : undefined;
}

/** Whether a cell's run and all that follows it are done. */
export function isDone(cell: Cell, summary: RunSummary | undefined): boolean {
  return summary?.state === 'finished' && cell.evaluations.every((followUp) => isMeasured(summary, followUp));
}

function isMeasured({ evaluations }: RunSummary, { name, classes }: FollowUp): boolean {
  return evaluations.some((made) => made.what === 'tuned' && made.data === name && made.classes === classes);
}

/** @throws FormatError when the cell has not finished, or the file is damaged */
export async function readPredictions(sweep: string, cell: Cell): Promise<Prediction[]> {
  const folder = runFolder(sweep, cell);
  const { lengths } = await folder.readSummary();
  return folder.readPredictions(lengths?.predictions);
}

export function titleOfMethod(label: string): string {
  const [method = '', variant] = label.split('@');
  const { title } = methodNamed(method);
  return variant === undefined ? title : `${title} (${variant})`;
}

function runFolder(sweep: string, { id }: Cell): RunFolder {
  return new RunFolder(join(sweep, 'runs', id));
}

function cellRunConfig({ config, id }: Cell): RunConfig {
  return resolveConfig(config as RunInput, `the plan's ${id}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
