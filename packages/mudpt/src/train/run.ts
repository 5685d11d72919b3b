/** A whole run, begun or continued: where it lies, and what it goes on from. */
import { join } from 'node:path';
import { makeFolder } from '@mudpt/clip/files';
import { FormatError } from '@mudpt/tensor';
import { exists } from '../data/files.ts';
import { resolveConfig, type RunConfig, type RunInput, runName } from './config.ts';
import { openModel } from './model.ts';
import { expectTrainable, fitDepths, openRunData } from './prepare.ts';
import { RunFolder } from './run-folder.ts';
import type { RunOptions, RunResult } from './run-options.ts';
import { Session } from './session.ts';

/** Where a new run of this configuration goes; `datasetName` as in `Dataset.name`. */
export function runFolderOf(config: RunConfig, datasetName: string, out = 'runs'): RunFolder {
  return new RunFolder(join(out, runName(config, datasetName)));
}

/**
 * Trains and evaluates as `input` says.
 * @throws FormatError for data, models, folders that cannot be used; when the run is there already and neither resume nor fresh is given
 */
export async function train(input: RunInput, options: RunOptions): Promise<RunResult> {
  const resolved = resolveConfig(input);
  // Pictures are listed while the device is opened.
  const [dataset, device] = await Promise.all([openRunData(resolved, resolved.classes), options.device]);
  expectTrainable(dataset);
  const folder = runFolderOf(resolved, dataset.name, options.out);
  // A place where nothing can be written is told before the model is loaded.
  await makeFolder(options.out ?? 'runs');
  const resume = await decide(folder, options);
  const stored = resume ? await folder.readConfig() : resolved;
  const base = await openModel(stored, device, options.signal);
  const { config, notes } = resume ? { config: stored, notes: [] } : fitDepths(stored, input, base.clip);
  return new Session({ folder, config, dataset, base, resume, options }).go(notes);
}

/**
 * Continues the run in a folder, whatever it was started with.
 * @throws FormatError when the folder holds no run, or its data or model changed
 */
export async function resumeRun(path: string, options: RunOptions): Promise<RunResult> {
  const folder = new RunFolder(path);
  const config = await folder.readConfig();
  const [dataset, device] = await Promise.all([openRunData(config, config.classes), options.device]);
  const base = await openModel(config, device, options.signal);
  return new Session({ folder, config, dataset, base, resume: await folder.isBegun(), options }).go([]);
}

/** Whether to go on from what is there. */
async function decide(folder: RunFolder, { resume = false, fresh = false }: RunOptions): Promise<boolean> {
  const isThere = await exists(folder.file('config'));
  if (!isThere) return false;
  if (resume) return folder.isBegun();
  if (fresh) return false;
  const finished = (await exists(folder.file('summary'))) && (await folder.readSummary()).state === 'finished';
  throw new FormatError(
    'run',
    `${folder.path} is there already${finished ? ' and has finished' : ', unfinished'}`,
    `${finished ? 'look at its results' : 'add --resume to continue it'}, add --fresh to begin anew, or choose another folder with --out`,
  );
}
