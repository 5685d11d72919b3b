/** `results.csv`: one line a measurement, for spreadsheets. */
import { csvLine } from '@mudpt/clip';
import type { RunSummary } from './records.ts';
import { describeVariation, isPlain } from './variation.ts';
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
];

/** All measurements of a summary; with a column more, `variation`, where one of them is not of the run as it ended. */
export function resultsTable({ evaluations, model, method }: RunSummary, { shots, seed }: RunConfig): string {
  const hasVariations = evaluations.some(({ variation }) => !isPlain(variation));
  const rows = evaluations.map(({ what, data, split, classes, variation, metrics, time }) => {
    const { count, accuracy, error, macroF1 } = metrics;
    const numbers = [accuracy, error, macroF1].map((value) => value.toFixed(4));
    return [
      time,
      data,
      split,
      classes,
      method.name,
      model.name,
      shots,
      seed,
      what,
      count,
      ...numbers,
      ...(hasVariations ? [describeVariation(variation)] : []),
    ];
  });
  const columns = [...RESULT_COLUMNS, ...(hasVariations ? ['variation'] : [])];
  return `${[columns, ...rows].map(csvLine).join('\n')}\n`;
}
