/** Metrics lines of training: one for each reading. Accuracies in percent; loss is the mean over the steps since the last line of the same kind. */
export type MetricsLine =
  | {
      readonly kind: 'step';
      /** Both from 0; `step` counts over all epochs and is the last step the line speaks of. */
      readonly epoch: number;
      readonly step: number;
      readonly loss: number;
      readonly accuracy: number;
      readonly lr: number;
      /** The parts of the loss, where a method has several. */
      readonly terms?: Readonly<Record<string, number>>;
      readonly imagesPerSecond: number;
      /** GPU memory held now. */
      readonly bytes: number;
    }
  | {
      readonly kind: 'epoch';
      readonly epoch: number;
      readonly loss: number;
      readonly accuracy: number;
      readonly lr: number;
      readonly seconds: number;
      /** Only with validation. */
      readonly valAccuracy?: number;
      /** On the test images of classes that are not trained on, where that is looked at: nothing is ever chosen by it. */
      readonly newAccuracy?: number;
    };
