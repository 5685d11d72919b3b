/** What `pnpm train` prints while a run goes on, and at its end. */
import { command, pathFromHere } from '../command.ts';
import { counted } from '../data/dataset.ts';
import { classesWithImages } from '../evaluation/metrics.ts';
import { methodNamed } from '../methods/index.ts';
import type { Evaluation, RunObserver, RunResult } from '../runs/index.ts';
import { type AlternativeFacts, nameOfEvaluation } from '../runs/records/records.ts';
import { accuracies } from '../runs/training/summary.ts';
import { choiceText } from './memory-text.ts';
import type { StatusLine } from '../terminal/status-line.ts';
import { bar, bytes, duration, percent } from '../terminal/text.ts';
import { opening } from './train-opening.ts';

export function observe(line: StatusLine): RunObserver {
  let classes = 0;
  let method = '';
  return {
    onReady: (summary, config) => {
      classes = summary.data.classes.length;
      method = summary.method.name;
      for (const text of opening(summary, config, line)) line.print(text);
    },
    onNote: (note) => line.print(`${line.paint('caution', 'note:')} ${note}`),
    onPart: (what, done, total) => line.show(`${what} ${bar(done / total)} ${done}/${total}`),
    onEvaluation: (evaluation) => {
      line.print(line.paint('strong', `${nameOfEvaluation(evaluation.what, method)} accuracy: ${accuracyText(evaluation)}`));
      if (evaluation.what === 'zero-shot' && isNearChance(evaluation, classes))
        line.print(
          `${line.paint('caution', 'warning:')} that is near chance. Do the class names say what is in the pictures, in words?`,
        );
    },
    onAlternatives: (alternatives, validation) => {
      for (const text of alternativesText(alternatives, validation, method)) line.print(text);
    },
    onChoice: (choice) => {
      if (choice.budget.isAsked || choice.considered.length > 1) line.print(`memory   ${choiceText(choice)}`);
    },
    onProgress: ({ epoch, epochs, step, steps, loss, accuracy, imagesPerSecond, bytes: held, eta }) => {
      const done = (epoch * steps + step) / (epochs * steps);
      const numbers = `loss ${loss.toFixed(3)}  accuracy ${percent(accuracy)}  ${imagesPerSecond.toFixed(1)} images/s  ${bytes(held)}`;
      const left = Number.isFinite(eta) ? `  ${duration(eta)} left` : '';
      line.show(`epoch ${epoch + 1}/${epochs} ${bar(done)} ${numbers}${left}`);
    },
    onEpoch: ({ epoch, loss, accuracy, lr, seconds, valAccuracy, newAccuracy }) => {
      const validation = valAccuracy === undefined ? '' : `  validation ${percent(valAccuracy)}`;
      const others = newAccuracy === undefined ? '' : `  new classes ${percent(newAccuracy)} (chooses nothing)`;
      line.print(
        `epoch ${epoch + 1}: loss ${loss.toFixed(4)}  accuracy ${percent(accuracy)}${validation}${others}  lr ${Number(lr.toPrecision(3))}  ${duration(seconds)}`,
      );
    },
  };
}

/** What else was fitted to the same images, and whether one of them is clearly better. */
export function alternativesText(alternatives: readonly AlternativeFacts[], accuracy: number, method: string): string[] {
  const [first] = alternatives;
  if (!first) return [];
  const told = alternatives.map(({ title, validation, test }) => `${title} ${percent(validation)} (test ${percent(test)})`);
  const [best] = [...alternatives].filter(({ isClearlyBetter }) => isClearlyBetter).sort((a, b) => b.validation - a.validation);
  return [
    `on ${counted(first.count, 'validation picture', 'validation pictures')}: ${methodNamed(method).title} ${percent(accuracy)}; fitted to the same: ${told.join(', ')}`,
    ...(best
      ? [
          `${best.title} is clearly better here: ${command(`train --method ${best.method} ...`)} with the same flags takes seconds; --method auto chooses by itself`,
        ]
      : []),
  ];
}

function accuracyText({ metrics, split }: Evaluation): string {
  const { accuracy, macroF1, count } = metrics;
  return `${percent(accuracy)} of ${count} ${split} pictures, macro F1 over ${counted(classesWithImages(metrics), 'class', 'classes')} ${percent(macroF1)}`;
}

/** Within two standard deviations of guessing, and no more than half as often right again. */
function isNearChance({ metrics }: Evaluation, classes: number): boolean {
  const chance = 1 / Math.max(1, classes);
  const deviation = Math.sqrt((chance * (1 - chance)) / Math.max(1, metrics.count));
  return classes > 1 && metrics.count > 0 && metrics.accuracy / 100 <= chance + Math.min(2 * deviation, chance / 2);
}

export function finish(line: StatusLine, { folder, summary }: RunResult, report: string | undefined): number {
  const path = pathFromHere(folder.path);
  if (summary.state === 'stopped') {
    line.print(`stopped after ${summary.training.epochsDone} whole epochs; continue with: ${command(`train --resume ${path}`)}`);
    return 130;
  }
  const { zeroShot, tuned } = accuracies(summary.evaluations);
  const gain = tuned - zeroShot;
  line.print();
  const { best } = summary.training;
  if (best)
    line.print(`epoch ${best.epoch + 1} is the best on validation (${percent(best.accuracy)}), and what the run ended with`);
  const points = line.paint(gain >= 0 ? 'good' : 'bad', `${gain >= 0 ? '+' : ''}${gain.toFixed(1)} points`);
  // Zero-shot with other templates learns nothing, so it gains nothing.
  const word = summary.method.name === 'zero-shot' ? 'difference' : 'gain';
  line.print(line.paint('strong', `${word}: ${percent(zeroShot)} -> ${percent(tuned)} (${points})`));
  if (summary.data.unreadable.length > 0) {
    line.print(
      `${counted(summary.data.unreadable.length, 'picture could not be read and was', 'pictures could not be read and were')} left out:`,
    );
    for (const { id, why } of summary.data.unreadable.slice(0, 5)) line.print(`  ${id}: ${why}`);
  }
  line.print(`time ${duration(summary.training.seconds)}, most memory ${bytes(summary.training.peakBytes)}`);
  line.print(`results in ${path}`);
  if (report !== undefined) line.print(`report  ${pathFromHere(report)}`);
  else line.print(`no report was written; for one: ${command(`explain ${path}`)}`);
  return 0;
}
