/** From predictions to numbers. Percentages are 0 to 100, as papers print them. */

export interface ClassMetrics {
  readonly label: number;
  /** Pictures of this class. */
  readonly count: number;
  readonly correct: number;
  /** Share of its pictures that were recognised, in percent; 0 for a class without pictures. */
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
  /** confusion[truth][prediction] counts pictures. */
  readonly confusion: readonly (readonly number[])[];
}

/**
 * Metrics of predictions.
 * @param labels true labels
 * @param predictions labels predicted, in the same order
 */
export function metricsOf(labels: ArrayLike<number>, predictions: ArrayLike<number>, classes: number): Metrics {
  const confusion = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  for (let i = 0; i < labels.length; i++) {
    const row = confusion[labels[i] ?? -1];
    if (!row || (predictions[i] ?? -1) >= classes)
      throw new RangeError(`label ${labels[i]} or prediction ${predictions[i]} of ${classes} classes`);
    row[predictions[i] ?? 0] = (row[predictions[i] ?? 0] ?? 0) + 1;
  }
  const perClass = confusion.map((row, label): ClassMetrics => {
    const count = row.reduce((sum, cell) => sum + cell, 0);
    const correct = row[label] ?? 0;
    const predicted = confusion.reduce((sum, other) => sum + (other[label] ?? 0), 0);
    return { label, count, correct, accuracy: percent(correct, count), f1: percent(2 * correct, count + predicted) };
  });
  const correct = perClass.reduce((sum, own) => sum + own.correct, 0);
  const present = perClass.filter(({ count }) => count > 0);
  const accuracy = percent(correct, labels.length);
  return {
    count: labels.length,
    correct,
    accuracy,
    error: labels.length === 0 ? 0 : 100 - accuracy,
    macroF1: present.length === 0 ? 0 : present.reduce((sum, { f1 }) => sum + f1, 0) / present.length,
    perClass,
    confusion,
  };
}

/** How many classes the macro average is over. */
export function classesWithPictures({ perClass }: Pick<Metrics, 'perClass'>): number {
  return perClass.filter(({ count }) => count > 0).length;
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}

/** Harmonic mean of base and new accuracy; of averages over data sets for a table's last row, not the average of each set's. */
export function harmonicMean(base: number, fresh: number): number {
  return base + fresh === 0 ? 0 : (2 * base * fresh) / (base + fresh);
}

/** Mean of runs and half the width of its 95 % interval, 1.96 std / sqrt(k) with the population's std (numpy's default), as Dassl prints. */
export function meanAndInterval(values: readonly number[]): {
  readonly mean: number;
  readonly std: number;
  readonly interval: number;
} {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { mean, std, interval: (1.96 * std) / Math.sqrt(values.length) };
}
