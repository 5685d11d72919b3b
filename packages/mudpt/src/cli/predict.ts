/** `pnpm predict` */
import { Device, InputError } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import * as z from 'zod';
import { counted, someOf } from '../data/dataset.ts';
import { flagValue } from '../settings/fields.ts';
import { type FilePrediction, openRun, predictFiles } from '../runs/index.ts';
import { copyToClass, UNSURE } from './copy-to.ts';
import { epochFlag } from './epoch-flag.ts';
import { findRun } from './find-run.ts';
import { imagePaths } from './image-paths.ts';
import { type OutputForm, PredictionWriter, statusOf } from './predict-output.ts';
import { StatusLine } from '../terminal/status-line.ts';

export interface PredictFlags {
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
  const { files, others } = await imagePaths(inputs);
  const path = await findRun(given, flags.runs);
  const note = new StatusLine(process.stderr);
  if (others.length > 0)
    note.print(`${counted(others.length, 'file is', 'files are')} no image by name and left aside: ${someOf(others)}`);
  using device = await Device.open();
  const run = await openRun(path, {
    device,
    epoch,
    ...(flags.model !== undefined && { model: flags.model }),
    ...(flags.exif && { exif: flags.exif }),
  });
  for (const text of run.notes) note.print(text);
  if (epoch !== undefined) note.print(`by what was learnt after epoch ${epoch}`);
  try {
    const writer = new PredictionWriter(
      formOf(flags),
      threshold,
      (text) => process.stdout.write(text),
      process.stdout.isTTY,
      epoch,
    );
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
