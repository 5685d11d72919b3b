/** Confusion matrices, sparse because with many classes most cells are empty. */
import { nth } from '@mudpt/tensor/internal';

/** How many images of one class were taken for another. */
export interface ConfusionCell {
  readonly truth: number;
  readonly prediction: number;
  /** Images of the class `truth` that were taken for the class `prediction`; 1 at least. */
  readonly count: number;
}

/** How often each class is taken for which. */
export interface Confusion {
  readonly classes: number;
  /** The cells that are not empty, by truth and then by prediction. */
  readonly cells: readonly ConfusionCell[];
}

/**
 * Counts predictions by true and predicted class.
 * @param labels true labels
 * @param predictions labels predicted, in the same order
 * @throws RangeError for labels beyond the classes
 */
export function confusionOf(labels: ArrayLike<number>, predictions: ArrayLike<number>, classes: number): Confusion {
  const isLabel = (label: number | undefined): label is number => label !== undefined && label >= 0 && label < classes;
  const counts = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) {
    const [truth, prediction] = [labels[i], predictions[i]];
    if (!isLabel(truth) || !isLabel(prediction))
      throw new RangeError(`label ${truth} or prediction ${prediction} of ${classes} classes`);
    const place = truth * classes + prediction;
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  const places = Float64Array.from(counts.keys()).sort();
  const cells = Array.from(places, (place) => {
    const truth = Math.floor(place / classes);
    return { truth, prediction: place - truth * classes, count: counts.get(place) ?? 0 };
  });
  return { classes, cells };
}

/** Images of each true class, and images taken for each class. */
export function marginsOf({ classes, cells }: Confusion): { readonly labelled: Uint32Array; readonly predicted: Uint32Array } {
  const [labelled, predicted] = [new Uint32Array(classes), new Uint32Array(classes)];
  for (const { truth, prediction, count } of cells) {
    labelled[truth] = nth(labelled, truth) + count;
    predicted[prediction] = nth(predicted, prediction) + count;
  }
  return { labelled, predicted };
}
