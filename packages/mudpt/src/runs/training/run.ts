/** A whole run, begun or continued: where it lies, and what it goes on from. All checks come before anything is written. */
import { join } from 'node:path';
import { makeFolder } from '@mudpt/clip/files';
import { InputError } from '@mudpt/tensor';
import { exists } from '../../data/files.ts';
import type { Dataset } from '../../data/index.ts';
import { describeImported } from '../../import/index.ts';
import { methodNamed } from '../../methods/index.ts';
import { changedPlugins } from '../../plugins/load.ts';
import { fitToModel, runName } from '../settings/config.ts';
import { loadConfig } from '../settings/config-plugins.ts';
import { effectNotes } from '../settings/notes.ts';
import { protocolNotes } from '../settings/published.ts';
import type { RunConfig, TrainInput } from '../settings/settings.ts';
import { findCheckpoint } from '../files/generations.ts';
import { differences, folderMark, marksOf, type RunMarks } from '../settings/identity.ts';
import { type BaseModel, openModel } from '../material/model.ts';
import { teacherMark } from '../material/teacher.ts';
import { mostOfRun } from '../settings/length.ts';
import { expectTrainable, openRunData, separateData } from '../material/run-data.ts';
import type { RunSummary } from '../records/records.ts';
import { RunFolder } from '../files/run-folder.ts';
import type { ResumeOptions, RunOptions, RunResult } from './run-options.ts';
import { runSession } from './session.ts';

/** Where a run goes; `datasetName` as in `Dataset.name`. */
export function runFolderOf(config: RunConfig, datasetName: string, marks: RunMarks, out = 'runs'): RunFolder {
  return new RunFolder(join(out, runName(config, datasetName, folderMark(config, marks))));
}

/**
 * Trains and evaluates as it is asked to. The data set may be a value: such a run is known by its contents, and goes on with the same value.
 * @throws InputError for settings, data, models, folders that cannot be used; when the run is there already and neither resume nor fresh is given
 */
export async function train(asked: TrainInput, options: RunOptions): Promise<RunResult> {
  const { input, given } = separateData(asked);
  const resolved = await loadConfig(input);
  // Images are listed while the device is opened.
  const [dataset, device] = await Promise.all([openRunData(resolved, resolved.classes, given), options.device]);
  expectTrainable(dataset);
  // An unwritable place is reported before the model is loaded.
  await makeFolder(options.out ?? 'runs');
  const base = await (options.openModel ?? openModel)(resolved, device, options.signal);
  const { config, notes } = fitToModel(resolved, input, base.clip.config);
  return closingOnError(base, async () => {
    const marks = await readMarks(config, dataset, base, options);
    const folder = runFolderOf(config, dataset.name, marks, options.out);
    const effects = effectNotes(config, dataset.splits.train.length, input);
    return begin({ config, dataset, base, marks, folder, given }, options, [...notes, ...protocolNotes(config), ...effects]);
  });
}

/**
 * Continues the run in a folder, whatever it was started with. One that has finished is left as it is.
 * @throws InputError when the folder holds no run, or its data or model changed; FormatError when it is damaged
 */
export async function resumeRun(path: string, { data, ...options }: ResumeOptions): Promise<RunResult> {
  const folder = new RunFolder(path);
  const config = await folder.readConfig();
  if (await exists(folder.file('summary'))) {
    const summary = await folder.readSummary();
    if (summary.state === 'finished') return finished(folder, config, summary, options);
  }
  const [changed] = changedPlugins(config.plugins);
  if (changed !== undefined)
    throw new InputError('run', `${path} cannot be continued: ${changed}`, 'put the plugin back, or start a new run with --out');
  const [dataset, device] = await Promise.all([openRunData(config, config.classes, data), options.device]);
  const base = await (options.openModel ?? openModel)(config, device, options.signal);
  return closingOnError(base, async () => {
    const marks = await readMarks(config, dataset, base, options);
    return begin({ config, dataset, base, marks, folder, given: data }, { ...options, resume: true }, []);
  });
}

/** Gives the model back when `body` fails before a session takes it over. */
async function closingOnError(base: BaseModel, body: () => Promise<RunResult>): Promise<RunResult> {
  try {
    return await body();
  } finally {
    base.close();
  }
}

async function readMarks(
  config: RunConfig,
  dataset: Dataset,
  base: BaseModel,
  { signal, observer, cache }: RunOptions,
): Promise<RunMarks> {
  return marksOf(config, dataset, base.hash, {
    teacher: await teacherMark(config),
    signal,
    known: cache?.digests,
    onProgress: (done, total) => observer?.onPart?.('images looked at', done, total),
  });
}

interface Parts {
  readonly folder: RunFolder;
  readonly config: RunConfig;
  readonly dataset: Dataset;
  readonly base: BaseModel;
  readonly marks: RunMarks;
  readonly given: Dataset | undefined;
}

async function begin(parts: Parts, options: RunOptions, notes: readonly string[]): Promise<RunResult> {
  const { folder } = parts;
  const { resume = false, fresh = false } = options;
  await using lock = await folder.lock();
  const summary = (await exists(folder.file('summary'))) ? await folder.readSummary() : undefined;
  if (summary) {
    const differing = differences(summary.marks, parts.marks)[0];
    if (differing) throw new InputError('run', `${folder.path} holds a run with ${differing.what}`, differing.fix);
    if (resume && summary.state === 'finished') return finished(folder, await folder.readConfig(), summary, options);
    if (!resume && !fresh) throw isThere(folder, summary);
  }
  const more: string[] = [...notes];
  const goesOn = resume && summary !== undefined && (await folder.isBegun());
  if (resume && !goesOn) more.push(`nothing to resume in ${folder.path}: a new run begins`);
  let { config } = parts;
  if (goesOn) {
    config = await folder.readConfig();
    if (summary.state === 'diverged') more.push('this run diverged; it goes on from its last finite checkpoint');
    if (methodNamed(config.method).training) {
      const { note } = await findCheckpoint(folder, parts.marks, mostOfRun(config, parts.dataset.splits.train.length));
      if (note !== undefined) more.push(note);
    }
  }
  return await runSession({ ...parts, config, resume: goesOn ? summary : undefined, lock, options }, more);
}

function finished(folder: RunFolder, config: RunConfig, summary: RunSummary, { observer }: RunOptions): RunResult {
  if (config.imported)
    throw new InputError(
      'run',
      `the run in ${folder.path} has finished: it was imported from ${describeImported(config.imported)}, and no state of an optimizer came with it`,
      'evaluate it and predict with it as it is, or train a new run',
    );
  observer?.onNote?.(`the run in ${folder.path} has finished: there is nothing to resume`);
  return { folder, config, summary };
}

function isThere(folder: RunFolder, { state }: RunSummary): InputError {
  return new InputError(
    'run',
    `${folder.path} is there already${state === 'finished' ? ' and has finished' : state === 'diverged' ? ' and has diverged' : ', unfinished'}`,
    `${state === 'finished' ? 'look at its results' : 'add --resume to continue it'}, add --fresh to begin anew, or choose another folder with --out`,
  );
}
