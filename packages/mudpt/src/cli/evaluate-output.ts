/** What `pnpm evaluate` shows: one evaluation in detail, or a table of many. */
import { nth } from '@mudpt/tensor/internal';
import { counted } from '../data/dataset.ts';
import { harmonicMean } from '../evaluation/index.ts';
import { classesWithImages } from '../evaluation/metrics.ts';
import type { Evaluation, EvaluationResult } from '../runs/index.ts';
import { accuracyOf, nameOfEvaluation } from '../runs/records/records.ts';
import { describeVariation, isPlain, ofFrozenModel } from '../runs/records/variation.ts';
import { percent, table } from '../terminal/text.ts';

/** One run on one data set: its evaluation, or why there is none. */
export type Measured =
  | { readonly run: string; readonly data: string; readonly zeroShot: Evaluation; readonly tuned: Evaluation }
  | { readonly run: string; readonly data: string; readonly gap: string };

/** Classes shown: those that gained or lost most. */
const SHOWN = 10;

/** @param evaluations all of the run, for the harmonic mean of base and new classes @param adapter its name */
export function detailsOf(
  { zeroShot, tuned, classNames, unreadable }: EvaluationResult,
  method: string,
  evaluations: readonly Evaluation[],
  adapter: string,
): string[] {
  return [
    `${tuned.data}, ${tuned.classes} classes (${classNames.length}), ${tuned.metrics.count} test pictures${isPlain(tuned.variation) ? '' : `, ${describeVariation(tuned.variation)}`}, adapter ${adapter}`,
    '',
    ...table(numbers([zeroShot, tuned], method), { right: [1, 2, 3, 4, 5, 6] }),
    '',
    ...table(largestChanges(zeroShot, tuned, classNames), { right: [1, 2, 3, 4] }),
    ...unreadable.map(({ id, why }) => `left out: ${id}: ${why}`),
    ...baseToNew(evaluations, tuned),
  ];
}

/** A line for each run and data set. */
export function tableOf(measured: readonly Measured[]): string[] {
  const rows = measured.map((one) => {
    if ('gap' in one) return [one.run, one.data, '', '', '', '', 'gap'];
    const { run, data, zeroShot, tuned } = one;
    const on = isPlain(tuned.variation) ? data : `${data}, ${describeVariation(tuned.variation)}`;
    const [before, after] = [zeroShot.metrics.accuracy, tuned.metrics.accuracy];
    return [
      run,
      on,
      tuned.classes,
      String(tuned.metrics.count),
      percent(before),
      percent(after),
      signed(after - before),
      ...tunedColumns(tuned),
    ];
  });
  return table([['run', 'data', 'classes', 'pictures', 'zero-shot', 'tuned', 'gain', 'balanced', 'ECE'], ...rows], {
    right: [3, 4, 5, 7, 8],
    most: Number.POSITIVE_INFINITY,
  });
}

/** The reasons why evaluations are missing, printed below the table so that long ones do not widen a column. */
export function gapLines(measured: readonly Measured[]): string[] {
  return measured.flatMap((one) => ('gap' in one ? [`gap: ${one.run}, ${one.data}: ${one.gap}`] : []));
}

/** Balanced accuracy and calibration error, for the columns that only the tuned model has. */
function tunedColumns({ metrics: { balancedAccuracy, calibration } }: Evaluation): string[] {
  return [optionalPercent(balancedAccuracy), optionalPercent(calibration?.ece)];
}

function signed(points: number): string {
  return `${points >= 0 ? '+' : ''}${points.toFixed(2)}`;
}

function numbers(evaluations: readonly Evaluation[], method: string): string[][] {
  const rows = evaluations.map(({ what, metrics }) => [
    nameOfEvaluation(what, method),
    percent(metrics.accuracy),
    optionalPercent(metrics.balancedAccuracy),
    percent(metrics.error),
    percent(metrics.macroF1),
    optionalPercent(metrics.calibration?.ece),
    optionalPercent(metrics.calibration?.adaptiveEce),
  ]);
  const over = evaluations[0] ? ` (${counted(classesWithImages(evaluations[0].metrics), 'class', 'classes')})` : '';
  return [['', 'accuracy', 'balanced accuracy', 'error', `macro F1${over}`, 'ECE', 'adaptive ECE'], ...rows];
}

const optionalPercent = (value: number | undefined): string => (value === undefined ? '' : percent(value));

function largestChanges(before: Evaluation, after: Evaluation, names: readonly string[]): string[][] {
  const rows = after.metrics.perClass.map(({ label, accuracy, count }) => {
    const old = nth(before.metrics.perClass, label).accuracy;
    return { name: nth(names, label), count, old, accuracy, change: accuracy - old };
  });
  rows.sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
  const shown = rows
    .slice(0, SHOWN)
    .map(({ name, count, old, accuracy, change }) => [
      name,
      String(count),
      percent(old),
      percent(accuracy),
      `${change >= 0 ? '+' : ''}${change.toFixed(1)}`,
    ]);
  return [['class', 'pictures', 'zero-shot', 'tuned', 'change'], ...shown];
}

/** The harmonic mean, once both halves of a data set were measured. */
function baseToNew(evaluations: readonly Evaluation[], { data, variation: varied = {} }: Evaluation): string[] {
  return (['zero-shot', 'tuned'] as const).flatMap((what) => {
    const variation = what === 'zero-shot' ? ofFrozenModel(varied) : varied;
    const [base, fresh] = (['base', 'new'] as const).map((classes) =>
      accuracyOf(evaluations, { what, data, classes, variation }),
    );
    if (base === undefined || fresh === undefined) return [];
    return [`${what}: base ${percent(base)}, new ${percent(fresh)}, harmonic mean ${percent(harmonicMean(base, fresh))}`];
  });
}
