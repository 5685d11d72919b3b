/** Metrics of predictions. Percentages are 0 to 100, as papers print them. */
import { nth } from '@mudpt/tensor/internal';
import { type Confusion, confusionOf, marginsOf } from './confusion.ts';
import type { Calibration } from './reliability.ts';

/** Metrics of one class. */
export interface ClassMetrics {
  readonly label: number;
  /** Images of this class. */
  readonly count: number;
  readonly correct: number;
  /** Share of its images that were recognised, in percent; 0 for a class without images. */
  readonly accuracy: number;
  /** F1 of the class, in percent. */
  readonly f1: number;
}

/** Metrics of a set of predictions. */
export interface Metrics {
  readonly count: number;
  readonly correct: number;
  readonly accuracy: number;
  readonly error: number;
  /** Mean F1 over the classes that occur, in percent (scikit-learn's macro average over the labels in y_true). */
  readonly macroF1: number;
  /** Mean accuracy over the classes that occur, in percent (scikit-learn's balanced_accuracy_score). Absent in summaries of version 0.1. */
  readonly balancedAccuracy?: number | undefined;
  readonly perClass: readonly ClassMetrics[];
  /** Absent where predictions came without probabilities, and in summaries of version 0.1. */
  readonly calibration?: Calibration | undefined;
  /** In summaries of version 0.1 alone: confusion[truth][prediction] counts images. Since then it is a file of its own (`Confusion`). */
  readonly confusion?: readonly (readonly number[])[] | undefined;
}

/**
 * Metrics of predictions.
 * @param labels true labels
 * @param predictions labels predicted, in the same order
 */
export function metricsOf(labels: ArrayLike<number>, predictions: ArrayLike<number>, classes: number): Metrics {
  return metricsOfConfusion(confusionOf(labels, predictions, classes));
}

export function metricsOfConfusion(confusion: Confusion): Metrics {
  const { labelled, predicted } = marginsOf(confusion);
  const recognised = new Uint32Array(confusion.classes);
  for (const { truth, prediction, count } of confusion.cells) if (truth === prediction) recognised[truth] = count;
  const perClass = Array.from(labelled, (count, label): ClassMetrics => {
    const correct = nth(recognised, label);
    const f1 = percent(2 * correct, count + nth(predicted, label));
    return { label, count, correct, accuracy: percent(correct, count), f1 };
  });
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const [count, correct] = [sum(perClass.map((one) => one.count)), sum(perClass.map((one) => one.correct))];
  const present = perClass.filter((one) => one.count > 0);
  const accuracy = percent(correct, count);
  return {
    count,
    correct,
    accuracy,
    error: count === 0 ? 0 : 100 - accuracy,
    macroF1: present.length === 0 ? 0 : sum(present.map(({ f1 }) => f1)) / present.length,
    balancedAccuracy: present.length === 0 ? 0 : sum(present.map((one) => one.accuracy)) / present.length,
    perClass,
  };
}

/** The number of classes in the macro average. */
export function classesWithImages({ perClass }: Pick<Metrics, 'perClass'>): number {
  return perClass.filter(({ count }) => count > 0).length;
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}
