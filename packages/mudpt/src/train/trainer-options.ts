/** Options, progress and result of prompt training. */
import type { Clip } from '@mudpt/clip';
import type { BatchLoader, Item } from '../data/index.ts';
import type { ClassContext, PromptMethod, TrainingSettings } from '../methods/index.ts';
import type { Budget, StepChoice } from '../memory/choice.ts';
import type { MetricsLine } from './metrics-line.ts';
import type { TrainingRecorder } from './state.ts';

/** Progress of training, for a status line. */
export interface TrainingProgress {
  readonly epoch: number;
  readonly epochs: number;
  /** Steps of this epoch that are done. */
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  /** Accuracy on the training images of the last steps, in percent. */
  readonly accuracy: number;
  readonly lr: number;
  readonly imagesPerSecond: number;
  /** GPU memory held. */
  readonly bytes: number;
  /** Seconds to go; infinite while nothing is known. */
  readonly eta: number;
}

/** Settings of the loop around the steps. */
export interface LoopSettings {
  /** Batches whose gradients are averaged before an update. */
  readonly accumulate: number;
  /** Epochs without a better validation accuracy after which training ends; 0: it never does. */
  readonly patience: number;
  /** What training ends with, in Dassl's words: the last step's tensors, or those of the best epoch on validation, the first of equal ones. Default: the last step's. */
  readonly finalModel?: 'last_step' | 'best_val';
  /** Epochs between two validations, where validation decides something. Default 1. */
  readonly validateEvery?: number;
  /** Validation images at once. */
  readonly evaluationBatch: number;
  /** Steps between two readings of the loss. */
  readonly logEvery: number;
  /** Seconds between two checkpoints within an epoch. */
  readonly checkpointSeconds: number;
}

/** What is trained, on what, and how. */
export interface TrainerOptions {
  readonly clip: Clip;
  readonly method: PromptMethod;
  readonly loader: BatchLoader;
  /** Training images, readable ones: see `BatchLoader.check`. */
  readonly train: readonly Item[];
  readonly val: readonly Item[];
  readonly settings: TrainingSettings;
  readonly loop: LoopSettings;
  /** Device memory that steps and validation may take. */
  readonly budget: Budget;
  /** Validation after each epoch. Default: none. */
  readonly newClasses?: NewClasses | undefined;
  /** Stores metrics and state. Default: nothing is kept. */
  readonly recorder?: TrainingRecorder;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TrainingProgress) => void) | undefined;
  /** How the steps will run, where training begins. */
  readonly onChoice?: ((choice: StepChoice) => void) | undefined;
  readonly onEpoch?: ((line: MetricsLine & { kind: 'epoch' }) => void) | undefined;
}

/** Images of classes that are not trained on, whose accuracy is logged after each epoch and decides nothing. */
export interface NewClasses {
  readonly context: ClassContext;
  /** Labelled by the context's classes. */
  readonly items: readonly Item[];
}

/** Progress when training ended or stopped. */
export interface TrainingReached {
  readonly epochsDone: number;
  readonly stepsPerEpoch: number;
  readonly seconds: number;
  readonly peakBytes: number;
}

/** How far training came, and why it ended. */
export interface TrainingResult extends TrainingReached {
  /** The signal was aborted: the recorder has the progress so far. */
  readonly isStopped: boolean;
  readonly stoppedEarlyAt?: number;
  /** The epoch, from 0, that training ended with by its accuracy on validation, in percent. */
  readonly best?: { readonly accuracy: number; readonly epoch: number };
}
