/** `results.csv`: one line a measurement, for spreadsheets. */
import { csvLine } from '@mudpt/clip';
import type { RunSummary } from './records.ts';
import type { RunConfig } from './settings.ts';

export const RESULT_COLUMNS = [
  'time',
  'data',
  'split',
  'classes',
  'method',
  'model',
  'shots',
  'seed',
  'what',
  'pictures',
  'accuracy',
  'error',
  'macro_f1',
  'balanced_accuracy',
  'ece',
  'adaptive_ece',
];

/** All measurements of a summary; columns that an evaluation of an earlier version lacks are empty. */
export function resultsTable({ evaluations, model, method }: RunSummary, { shots, seed }: RunConfig): string {
  const rows = evaluations.map(({ what, data, split, classes, metrics, time }) => {
    const { count, accuracy, error, macroF1, balancedAccuracy, calibration } = metrics;
    const numbers = [accuracy, error, macroF1, balancedAccuracy, calibration?.ece, calibration?.adaptiveEce].map(
      (value) => value?.toFixed(4) ?? '',
    );
    return [time, data, split, classes, method.name, model.name, shots, seed, what, count, ...numbers];
  });
  return `${[RESULT_COLUMNS, ...rows].map(csvLine).join('\n')}\n`;
}
