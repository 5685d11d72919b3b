/** `results.csv`: one line a measurement, for spreadsheets. */
import { csvLine } from '@mudpt/clip';
import type { Evaluation, RunSummary } from './records.ts';
import type { RunConfig } from '../settings/settings.ts';
import { describeVariation, isPlain } from './variation.ts';

const PLACE = ['time', 'data', 'split', 'classes', 'method', 'model', 'shots', 'seed', 'what', 'pictures'];
const MEASURED = ['accuracy', 'error', 'macro_f1', 'balanced_accuracy', 'ece', 'adaptive_ece'];

/** Columns of every table. */
export const RESULT_COLUMNS = [...PLACE, ...MEASURED];

/** More columns, where a run was measured against unknown images. */
const UNKNOWN = ['unknown', 'unknown_pictures', 'auroc_softmax', 'fpr95_softmax', 'auroc_logit', 'fpr95_logit'];

/**
 * All measurements of a summary; what an evaluation of an earlier version lacks is empty. `what` of a line against unknown images says so: whoever
 * picks `tuned` gets accuracies alone. The last column is `variation`, where a measurement is not of the run as it ended.
 */
export function resultsTable({ evaluations, unknown = [], model, method }: RunSummary, { shots, seed }: RunConfig): string {
  const written = (values: readonly (number | undefined)[]): string[] => values.map((value) => value?.toFixed(4) ?? '');
  const placeOf = ({ time, data, split, classes }: Pick<Evaluation, 'time' | 'data' | 'split' | 'classes'>) => [
    ...[time, data, split, classes, method.name, model.name, shots, seed],
  ];
  const more = unknown.length > 0 ? UNKNOWN : [];
  const hasVariations = [...evaluations, ...unknown].some(({ variation }) => !isPlain(variation));
  const varied = ({ variation }: Pick<Evaluation, 'variation'>): string[] =>
    hasVariations ? [describeVariation(variation)] : [];
  const rows = evaluations.map((evaluation) => {
    const { count, accuracy, error, macroF1, balancedAccuracy, calibration } = evaluation.metrics;
    const numbers = [accuracy, error, macroF1, balancedAccuracy, calibration?.ece, calibration?.adaptiveEce];
    return [...placeOf(evaluation), evaluation.what, count, ...written(numbers), ...more.map(() => ''), ...varied(evaluation)];
  });
  const against = unknown.map((one) => {
    const numbers = [one.softmax.auroc, one.softmax.fpr95, one.logit.auroc, one.logit.fpr95];
    const told = [`${one.what} against unknown`, one.known, ...MEASURED.map(() => ''), one.unknown, one.count];
    return [...placeOf(one), ...told, ...written(numbers), ...varied(one)];
  });
  return `${[[...RESULT_COLUMNS, ...more, ...(hasVariations ? ['variation'] : [])], ...rows, ...against].map(csvLine).join('\n')}\n`;
}
