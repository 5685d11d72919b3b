/** `pnpm evaluate` */
import { Device } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { harmonicMean } from '../evaluation/index.ts';
import { type Evaluation, evaluateRun, openRun, RunFolder } from '../runs/index.ts';
import { counted } from '../data/dataset.ts';
import { classesWithImages } from '../evaluation/metrics.ts';
import { accuracyOf, nameOfEvaluation } from '../runs/records.ts';
import { findRun } from './find-run.ts';
import { StatusLine } from '../terminal/status-line.ts';
import { bar, percent, table } from '../terminal/text.ts';

export interface EvaluateFlags {
  readonly data?: string;
  readonly root?: string;
  readonly classes?: 'all' | 'base' | 'new';
  readonly model?: string;
  readonly allowOutside?: boolean;
  readonly runs?: string;
}

/** Classes shown: those that gained or lost most. */
const SHOWN = 10;

/** Runs the command. @returns exit code */
export async function evaluateCommand(given: string, flags: EvaluateFlags): Promise<number> {
  const line = new StatusLine(process.stdout);
  using device = await Device.open();
  const path = await findRun(given, flags.runs);
  const run = await openRun(path, { device, ...(flags.model !== undefined && { model: flags.model }) });
  for (const note of run.notes) line.print(note);
  try {
    const { data, root, classes } = flags;
    const result = await evaluateRun(run, {
      ...(data !== undefined && { data }),
      ...(root !== undefined && { root }),
      ...(flags.allowOutside && { allowOutside: true }),
      ...(classes !== undefined && { classes }),
      onPart: (what, done, total) => line.show(`${what} ${bar(done / total)} ${done}/${total}`),
    });
    const { zeroShot, tuned, classNames, unreadable } = result;
    line.print(
      `${tuned.data}, ${tuned.classes} classes (${classNames.length}), ${tuned.metrics.count} test pictures, adapter ${device.adapter.name}`,
    );
    line.print();
    for (const row of table(numbers([zeroShot, tuned], run.config.method), { right: [1, 2, 3] })) line.print(row);
    line.print();
    for (const row of table(largestChanges(zeroShot, tuned, classNames), { right: [1, 2, 3, 4] })) line.print(row);
    for (const { id, why } of unreadable) line.print(`left out: ${id}: ${why}`);
    const summary = await new RunFolder(path).readSummary();
    for (const text of baseToNew(summary.evaluations, tuned.data)) line.print(text);
    return 0;
  } finally {
    line.clear();
    await run.close();
  }
}

function numbers(evaluations: readonly Evaluation[], method: string): string[][] {
  const rows = evaluations.map(({ what, metrics }) => [
    nameOfEvaluation(what, method),
    percent(metrics.accuracy),
    percent(metrics.error),
    percent(metrics.macroF1),
  ]);
  const over = evaluations[0] ? ` (${counted(classesWithImages(evaluations[0].metrics), 'class', 'classes')})` : '';
  return [['', 'accuracy', 'error', `macro F1${over}`], ...rows];
}

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
function baseToNew(evaluations: readonly Evaluation[], data: string): string[] {
  return (['zero-shot', 'tuned'] as const).flatMap((what) => {
    const [base, fresh] = (['base', 'new'] as const).map((classes) => accuracyOf(evaluations, { what, data, classes }));
    if (base === undefined || fresh === undefined) return [];
    return [`${what}: base ${percent(base)}, new ${percent(fresh)}, harmonic mean ${percent(harmonicMean(base, fresh))}`];
  });
}
