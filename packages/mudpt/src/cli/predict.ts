/** `pnpm predict` */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { csvLine, printable, printableJson } from '@mudpt/clip';
import { IMAGE_KINDS, imagesBelow } from '@mudpt/clip/files';
import { Device, FormatError } from '@mudpt/tensor';
import { type FilePrediction, openRun, predictFiles } from '../train/index.ts';
import { table } from './terminal.ts';

export interface PredictFlags {
  readonly top: string;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly model?: string;
}

/** Runs the command; the table, JSON or CSV goes to standard output, all else to standard error. @returns 1 when a file could not be read */
export async function predictCommand(path: string, inputs: readonly string[], flags: PredictFlags): Promise<number> {
  const top = Number(flags.top);
  if (!Number.isSafeInteger(top) || top < 1) throw new FormatError('--top', `is "${flags.top}"`, 'give a whole number from 1 up');
  const files = await filesOf(inputs);
  using device = await Device.open();
  const run = await openRun(path, { device, ...(flags.model !== undefined && { model: flags.model }) });
  try {
    const predictions = await predictFiles(run, files, top);
    process.stdout.write(`${written(predictions, flags)}\n`);
    const bad = predictions.filter(({ why }) => why !== undefined);
    for (const { file, why } of bad) process.stderr.write(`${printable(file)}: ${printable(why ?? '')}\n`);
    return bad.length > 0 ? 1 : 0;
  } finally {
    await run.close();
  }
}

/** Files as they are, and all pictures below folders. @throws FormatError for what is not there, or when nothing is left */
async function filesOf(inputs: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const input of inputs) {
    const found = await stat(input).catch(() => undefined);
    if (!found) throw new FormatError('predict', `there is no file or folder ${input}`, 'check the path');
    if (found.isDirectory()) for (const name of (await imagesBelow(input)).images) files.push(join(input, name));
    else files.push(input);
  }
  if (files.length > 0) return [...new Set(files)];
  throw new FormatError('predict', `there are no pictures in ${inputs.join(', ')}`, `give ${IMAGE_KINDS} files`);
}

/** The output in the form asked for. */
export function written(predictions: readonly FilePrediction[], { json, csv }: Pick<PredictFlags, 'json' | 'csv'>): string {
  if (json) return printableJson(predictions, 2);
  if (csv) {
    const rows = predictions.flatMap(({ file, top }) =>
      top.map(({ label, name, probability }, rank) => [file, String(rank + 1), String(label), name, probability.toFixed(6)]),
    );
    return [['file', 'rank', 'label', 'class', 'probability'], ...rows].map(csvLine).join('\n');
  }
  const rows = predictions
    .filter(({ why }) => why === undefined)
    .map(({ file, top }) => [file, ...top.map(({ name, probability }) => `${name} ${(100 * probability).toFixed(1)} %`)]);
  return table(rows).join('\n');
}
