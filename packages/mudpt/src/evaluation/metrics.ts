/** From predictions to numbers. Percentages are 0 to 100, as papers print them. */
import { at } from '../at.ts';

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

export interface Metrics {
  readonly count: number;
  readonly correct: number;
  readonly accuracy: number;
  readonly error: number;
  /** Mean F1 over the classes that occur, in percent (scikit-learn's macro average over the labels in y_true). */
  readonly macroF1: number;
  readonly perClass: readonly ClassMetrics[];
  /** confusion[truth][prediction] counts images. */
  readonly confusion: readonly (readonly number[])[];
}

/**
 * Metrics of predictions.
 * @param labels true labels
 * @param predictions labels predicted, in the same order
 */
export function metricsOf(labels: ArrayLike<number>, predictions: ArrayLike<number>, classes: number): Metrics {
  const confusion = Array.from({ length: classes }, () => new Uint32Array(classes));
  for (let i = 0; i < labels.length; i++) {
    const [label, prediction] = [labels[i], predictions[i]];
    const row = label === undefined ? undefined : confusion[label];
    if (!row || prediction === undefined || prediction < 0 || prediction >= classes)
      throw new RangeError(`label ${label} or prediction ${prediction} of ${classes} classes`);
    row[prediction] = at(row, prediction) + 1;
  }
  const predicted = new Uint32Array(classes);
  for (const row of confusion) row.forEach((count, label) => (predicted[label] = at(predicted, label) + count));
  const perClass = confusion.map((row, label): ClassMetrics => {
    const count = row.reduce((sum, cell) => sum + cell, 0);
    const correct = at(row, label);
    const f1 = percent(2 * correct, count + at(predicted, label));
    return { label, count, correct, accuracy: percent(correct, count), f1 };
  });
  const correct = perClass.reduce((sum, { correct: right }) => sum + right, 0);
  const present = perClass.filter(({ count }) => count > 0);
  const accuracy = percent(correct, labels.length);
  return {
    count: labels.length,
    correct,
    accuracy,
    error: labels.length === 0 ? 0 : 100 - accuracy,
    macroF1: present.length === 0 ? 0 : present.reduce((sum, { f1 }) => sum + f1, 0) / present.length,
    perClass,
    confusion: confusion.map((row) => [...row]),
  };
}

/** How many classes the macro average is over. */
export function classesWithImages({ perClass }: Pick<Metrics, 'perClass'>): number {
  return perClass.filter(({ count }) => count > 0).length;
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}
