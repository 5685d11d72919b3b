/** `confusion/`: one sealed file for each evaluation with the cells of its confusion matrix that are not empty. */
import { createHash } from 'node:crypto';
import { FormatError } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import type { Confusion, ConfusionCell } from '../../evaluation/confusion.ts';
import { marginsOf } from '../../evaluation/confusion.ts';
import { checkRecord, CONFUSION_FORMAT, confusionSchema } from '../records/record-schema.ts';
import type { Evaluation } from '../records/records.ts';
import { openSealedJson, sealJson } from './sealed.ts';
import { isPlain } from '../records/variation.ts';
import { canonicalText } from '@mudpt/tensor/internal';

const FIX = 'evaluate the run again (evaluate RUN, with the same --data and --classes)';

/** The file name of an evaluation: a hash, because data sets may have any names. */
export function confusionFile({ what, data, split, classes, variation }: Evaluation): string {
  const named = isPlain(variation) ? data : canonicalText([data, variation]);
  return `${what}-${split}-${classes}-${createHash('sha256').update(named).digest('hex').slice(0, 12)}.json`;
}

export function sealConfusion({ what, data, split, classes }: Evaluation, confusion: Confusion): string {
  const rows = Array.from({ length: confusion.classes }, (): number[] => []);
  for (const { truth, prediction, count } of confusion.cells) nth(rows, truth).push(prediction, count);
  return sealJson({ format: CONFUSION_FORMAT, what, data, split, classes, rows }, 0);
}

/**
 * The confusions of an evaluation: from its file, or from the summary, where version 0.1 had them.
 * @throws FormatError when the file is damaged, or counts other images than the evaluation; whatever `read` throws
 */
export async function openConfusion(path: string, evaluation: Evaluation, read: () => Promise<Uint8Array>): Promise<Confusion> {
  const { confusion: dense, perClass } = evaluation.metrics;
  if (dense) return { classes: dense.length, cells: dense.flatMap(cellsOfRow) };
  const { rows } = checkRecord(confusionSchema, openSealedJson('run', path, await read(), CONFUSION_FORMAT), path);
  const confusion = { classes: rows.length, cells: rows.flatMap(cellsOfPairs) };
  const isOf = rows.length === perClass.length && confusion.cells.every(({ prediction }) => prediction < rows.length);
  const { labelled } = isOf ? marginsOf(confusion) : { labelled: [] };
  const recognised = new Map(
    confusion.cells.flatMap((cell) => (cell.truth === cell.prediction ? [[cell.truth, cell.count]] : [])),
  );
  if (
    !isOf ||
    !perClass.every(({ count, correct }, label) => labelled[label] === count && (recognised.get(label) ?? 0) === correct)
  )
    throw new FormatError('run', `${path} counts other images than the summary's evaluation`, FIX);
  return confusion;
}

function cellsOfRow(row: readonly number[], truth: number): ConfusionCell[] {
  return row.flatMap((count, prediction) => (count > 0 ? [{ truth, prediction, count }] : []));
}

function cellsOfPairs(row: readonly number[], truth: number): ConfusionCell[] {
  return Array.from({ length: Math.floor(row.length / 2) }, (_, pair) => ({
    truth,
    prediction: nth(row, 2 * pair),
    count: nth(row, 2 * pair + 1),
  }));
}
