/** `pnpm predict`: classifies files, folders and shards of images with a run. */
import { findShards, isShardName, type ShardFlags, shardsOfFlags } from '@mudpt/clip/shards';
import { Device, InputError } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import * as z from 'zod';
import { counted, someOf } from '../data/dataset.ts';
import { flagValue } from '../settings/fields.ts';
import { type FilePrediction, openRun, predictFiles, type TunedModel } from '../runs/index.ts';
import { EXIT_AGAIN } from '../sweep/exit-codes.ts';
import { stopOnSignals } from '../sweep/signals.ts';
import { copyToClass, UNSURE } from './copy-to.ts';
import { epochFlag } from './epoch-flag.ts';
import { findRun } from './find-run.ts';
import { imagePaths } from './image-paths.ts';
import { type OutputForm, PredictionWriter, statusOf } from './predict-output.ts';
import { predictShards } from './predict-shards.ts';
import { StatusLine } from '../terminal/status-line.ts';

export interface PredictFlags extends ShardFlags {
  readonly top: string;
  readonly json?: boolean;
  readonly jsonl?: boolean;
  readonly csv?: boolean;
  readonly threshold?: string;
  readonly copyTo?: string;
  readonly exif?: 'ignore' | 'apply';
  readonly model?: string;
  readonly runs?: string;
  readonly loadEpoch?: string;
}

/** Exit codes: all files were classified, some were not, none was. */
const [ALL, NONE, SOME] = [0, 1, 3];

/** Runs the command; predictions go to standard output, all else to standard error. @returns exit code: 0 all files, 3 some, 1 none */
export async function predictCommand(given: string, inputs: readonly string[], flags: PredictFlags): Promise<number> {
  const top = flagValue('top', flags.top, z.int().positive());
  const threshold = flags.threshold === undefined ? 0 : flagValue('threshold', flags.threshold, z.number().min(0).max(1));
  const epoch = epochFlag(flags.loadEpoch);
  if (flags.out !== undefined || inputs.some(isShardName)) return predictShardInputs(given, inputs, flags, { top, threshold });
  expectNoShardFlags(flags);
  const { files, others } = await imagePaths(inputs);
  const path = await findRun(given, flags.runs);
  const note = new StatusLine(process.stderr);
  if (others.length > 0)
    note.print(`${counted(others.length, 'file is', 'files are')} no image by name and left aside: ${someOf(others)}`);
  using device = await Device.open();
  const run = await openWith(flags, path, device, note);
  try {
    const { isTTY: isTerminal } = process.stdout;
    const writer = new PredictionWriter(formOf(flags), threshold, (text) => process.stdout.write(text), { isTerminal, epoch });
    const predictions = await predictFiles(run, files, top, { onPrediction: (one) => writer.add(one) });
    writer.end();
    if (flags.copyTo !== undefined) {
      await copyAll(predictions, threshold, flags.copyTo);
      note.print(`copies are in ${flags.copyTo}, a folder a class${threshold > 0 ? ` and ${UNSURE}` : ''}`);
    }
    const bad = predictions.filter(({ why }) => why !== undefined).length;
    if (bad > 0) note.print(`${bad} of ${counted(files.length, 'file', 'files')} could not be read`);
    return bad === 0 ? ALL : bad < files.length ? SOME : NONE;
  } finally {
    await run.close();
  }
}

async function openWith(flags: PredictFlags, path: string, device: Device, note: StatusLine): Promise<TunedModel> {
  const { model, exif } = flags;
  const epoch = epochFlag(flags.loadEpoch);
  const run = await openRun(path, { device, epoch, ...(model !== undefined && { model }), ...(exif && { exif }) });
  for (const text of run.notes) note.print(text);
  if (epoch !== undefined) note.print(`by what was learnt after epoch ${epoch}`);
  return run;
}

/** Predicts shards: predictions go to a folder, progress to standard output. */
async function predictShardInputs(
  given: string,
  inputs: readonly string[],
  flags: PredictFlags,
  { top, threshold }: { top: number; threshold: number },
): Promise<number> {
  const { out, json, jsonl, csv, copyTo } = flags;
  if (out === undefined) throw new InputError('predict', 'shards need a folder for their predictions', 'add --out FOLDER');
  if (json || copyTo !== undefined)
    throw new InputError(
      'predict',
      `${json ? '--json' : '--copy-to'} is not for shards`,
      'use --jsonl, --csv, or neither for Parquet',
    );
  const shards = shardsOfFlags(await findShards(inputs, out), flags);
  const path = await findRun(given, flags.runs);
  const line = new StatusLine(process.stdout);
  using stop = stopOnSignals(() => line.print('asked to stop'));
  using device = await Device.open();
  const run = await openWith(flags, path, device, line);
  try {
    const { rows, unreadable } = await predictShards(
      run,
      shards,
      { top, threshold, form: jsonl ? 'jsonl' : csv ? 'csv' : 'parquet' },
      { ...flags, out },
      { signal: stop.signal, tell: (text) => line.print(text), show: (text) => line.show(text) },
    );
    if (unreadable > 0) line.print(`${unreadable} of ${counted(rows + unreadable, 'image', 'images')} could not be read`);
    return unreadable === 0 ? ALL : rows > 0 ? SOME : NONE;
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) return EXIT_AGAIN;
    throw error;
  } finally {
    await run.close();
  }
}

/** @throws InputError for a flag that only shards have */
function expectNoShardFlags(flags: PredictFlags): void {
  const { index, chunk, column, idColumn, images, allowOutside, redis, attempts, silence } = flags;
  const given = Object.entries({ index, chunk, column, idColumn, images, allowOutside, redis, attempts, silence }).find(
    ([, value]) => value !== undefined,
  );
  if (!given) return;
  const name = given[0].replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new InputError(`--${name}`, 'is for shards', 'give .tar or .parquet files and --out FOLDER, or leave it away');
}

function formOf({ json, jsonl, csv }: PredictFlags): OutputForm {
  if (json) return 'json';
  if (jsonl) return 'jsonl';
  return csv ? 'csv' : 'table';
}

async function copyAll(predictions: readonly FilePrediction[], threshold: number, target: string): Promise<void> {
  if (target.trim() === '') throw new InputError('--copy-to', 'is empty', 'give the folder to copy to');
  for (const one of predictions) {
    const status = statusOf(one, threshold);
    if (status !== 'error') await copyToClass(one.file, status === 'unsure' ? UNSURE : nth(one.top, 0).name, target);
  }
}
