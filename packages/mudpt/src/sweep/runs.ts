/**
 * Single runs as a sweep sees them: how one runs, how it is evaluated, what is in its folder. No other file of the sweep depends on that
 * (configurations.ts says what a run is asked for).
 */
import { join, resolve } from 'node:path';
import { type Device, FormatError, InputError, type TensorError } from '@mudpt/tensor';
import { exists } from '../data/files.ts';
import { MethodError, methodNamed } from '../methods/index.ts';
import { fitToModel } from '../runs/settings/config.ts';
import {
  type Evaluation,
  evaluateRun,
  openRun,
  type Prediction,
  resolveConfig,
  resumeRun,
  type RunCache,
  type RunConfig,
  RunFolder,
  type RunInput,
  type RunObserver,
  type RunSummary,
} from '../runs/index.ts';
import { isOfKind } from '../runs/records/records.ts';
import type { Cell, FollowUp } from './cell.ts';
import type { ModelPool } from './model-pool.ts';
import { readFollowUp, writeFollowUp } from './predictions.ts';

/** Resources and callbacks of a cell's run. */
export interface CellContext {
  readonly device: Device;
  readonly models: ModelPool;
  readonly cache: RunCache;
  readonly signal: AbortSignal;
  readonly observer?: RunObserver;
  /** Called before each evaluation that follows. */
  readonly onFollowUp?: (followUp: FollowUp) => void;
}

/**
 * Goes on with a cell from wherever it stands, and evaluates it.
 * @returns whether it has finished; false: it was asked to stop, and saved where it is
 * @throws what the run throws
 */
export async function runCell(sweep: string, cell: Cell, context: CellContext): Promise<boolean> {
  const { device, models, cache, signal, observer } = context;
  const folder = runFolder(sweep, cell);
  const config = cellRunConfig(sweep, cell);
  const openModel = models.open.bind(models);
  if (!(await exists(folder.file('config')))) {
    const base = await openModel(config, device, signal);
    const asked = Object.fromEntries(cell.asked.map((name) => [name, true]));
    const { config: fitted } = fitToModel(config, { settings: asked }, base.clip.config);
    await folder.create();
    await folder.writeConfig(fitted);
  }
  const { summary } = await resumeRun(folder.path, { device, signal, openModel, cache, ...(observer && { observer }) });
  if (summary.state !== 'finished') return false;
  return evaluateAfterwards(folder, cell, summary, context);
}

/** What is refused on one data set does not keep the others from being measured; it is thrown at the end. */
async function evaluateAfterwards(folder: RunFolder, cell: Cell, summary: RunSummary, context: CellContext): Promise<boolean> {
  const left = cell.evaluations.filter((followUp) => !isMeasured(summary, followUp));
  if (left.length === 0) return true;
  const { device, models, cache, signal, observer, onFollowUp } = context;
  const run = await openRun(folder.path, { device, signal, openModel: models.open.bind(models) });
  const refusals: TensorError[] = [];
  try {
    for (const followUp of left) {
      if (signal.aborted) return false;
      const { name, classes, data } = followUp;
      onFollowUp?.(followUp);
      try {
        await evaluateRun(run, {
          data,
          root: run.config.root,
          signal,
          classes,
          cache,
          onPart: (what, done, total) => observer?.onPart?.(`${name} ${classes}: ${what}`, done, total),
          onPredictions: (predictions) => writeFollowUp(folder.path, followUp, predictions),
        });
      } catch (error) {
        // The missing measurement is made when the cell is continued.
        if (signal.aborted && error === signal.reason) return false;
        if (!isRefusal(error)) throw error;
        refusals.push(error);
      }
    }
  } finally {
    await run.close();
  }
  if (refusals[0]) throw refusals[0];
  return true;
}

/** Whether a request was refused as impossible: it would be refused again, and the device is intact. */
export function isRefusal(error: unknown): error is TensorError {
  return error instanceof FormatError || error instanceof InputError || error instanceof MethodError;
}

/** What a finished or begun cell holds; undefined where nothing was begun. @throws FormatError for damaged files */
export async function readCell(sweep: string, cell: Cell): Promise<RunSummary | undefined> {
  const folder = runFolder(sweep, cell);
  return (await exists(folder.file('summary'))) ? folder.readSummary() : undefined;
}

/** Whether the run of a cell has written a summary. */
export function isBegun(sweep: string, cell: Cell): Promise<boolean> {
  return exists(runFolder(sweep, cell).file('summary'));
}

/** Whether a cell's run and all that follows it are done. */
export function isDone(cell: Cell, summary: RunSummary | undefined): boolean {
  return summary?.state === 'finished' && cell.evaluations.every((followUp) => isMeasured(summary, followUp));
}

function isMeasured(summary: RunSummary, followUp: FollowUp): boolean {
  return evaluationOn(summary, 'tuned', followUp) !== undefined;
}

/** What was last measured on test images of a data set, by the run as it ended. */
export function evaluationOn(
  { evaluations }: RunSummary,
  what: Evaluation['what'],
  { name: data, classes }: { readonly name: string; readonly classes: string },
): Evaluation | undefined {
  const wanted = { what, data, classes: classes as Evaluation['classes'] };
  return evaluations.findLast((made) => made.split === 'test' && isOfKind(made, wanted));
}

/**
 * What a cell predicted on the test images of one of its measurements.
 * @throws FormatError when that was not measured, or the file is damaged
 */
export async function readPredictions(sweep: string, cell: Cell, on: Pick<FollowUp, 'name' | 'classes'>): Promise<Prediction[]> {
  const folder = runFolder(sweep, cell);
  if (on.name !== cell.data || on.classes !== cell.config['classes']) return readFollowUp(folder.path, on);
  const { lengths } = await folder.readSummary();
  return folder.readPredictions(lengths?.predictions);
}

export function titleOfMethod(label: string): string {
  const [method = '', variant] = label.split('@');
  const { title } = methodNamed(method);
  return variant === undefined ? title : `${title} (${variant})`;
}

function runFolder(sweep: string, { id }: Pick<Cell, 'id'>): RunFolder {
  return new RunFolder(join(sweep, 'runs', id));
}

function cellRunConfig(sweep: string, { config, id, teacher }: Cell): RunConfig {
  const resolved = resolveConfig(config as RunInput, `the plan's ${id}`);
  if (teacher === undefined) return resolved;
  return { ...resolved, settings: { ...resolved.settings, teacher: resolve(runFolder(sweep, { id: teacher }).path) } };
}
