/** What the training of prompts is given, tells on the way, and gives back. */
import type { Clip } from '@mudpt/clip';
import type { BatchLoader, Item } from '../data/index.ts';
import type { PromptMethod, TrainingSettings } from '../methods/index.ts';
import type { RunConfig } from '../runs/settings.ts';
import type { RunMarks } from '../runs/identity.ts';
import type { Budget, StepChoice } from '../memory/choice.ts';
import type { MetricsLine } from '../runs/records.ts';
import type { RunFolder } from '../runs/run-folder.ts';

/** Where training stands, for a progress line. */
export interface TrainingProgress {
  readonly epoch: number;
  readonly epochs: number;
  /** Steps of this epoch that are done. */
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  /** On the training pictures of the last steps, in percent. */
  readonly accuracy: number;
  readonly lr: number;
  readonly imagesPerSecond: number;
  /** GPU memory held. */
  readonly bytes: number;
  /** Seconds to go; infinite while nothing is known. */
  readonly eta: number;
}

export interface TrainerOptions {
  readonly clip: Clip;
  readonly method: PromptMethod;
  readonly loader: BatchLoader;
  /** Readable ones: see `BatchLoader.check`. */
  readonly train: readonly Item[];
  readonly val: readonly Item[];
  readonly config: RunConfig;
  readonly settings: TrainingSettings;
  readonly folder: RunFolder;
  /** What a checkpoint must belong to. */
  readonly marks: RunMarks;
  /** Go on from the folder's checkpoint. */
  readonly resume: boolean;
  /** Called before each checkpoint; throws when this process may no longer write the run. */
  readonly expectWriter?: (() => Promise<void>) | undefined;
  /** Default: what the configuration says. */
  readonly budget?: Budget;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TrainingProgress) => void) | undefined;
  /** How a new run's steps will run. */
  readonly onChoice?: ((choice: StepChoice) => void) | undefined;
  readonly onEpoch?: ((line: MetricsLine & { kind: 'epoch' }) => void) | undefined;
}

export interface TrainingResult {
  readonly epochsDone: number;
  readonly stepsPerEpoch: number;
  readonly seconds: number;
  readonly peakBytes: number;
  /** The signal was aborted: the checkpoint holds what was reached. */
  readonly isStopped: boolean;
  readonly stoppedEarlyAt?: number;
}
