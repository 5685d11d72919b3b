/** Inputs and outputs of a whole run. */
import type { Clip } from '@mudpt/clip';
import type { Device } from '@mudpt/tensor';
import type { Dataset } from '../../data/index.ts';
import type { Method } from '../../methods/index.ts';
import type { RunConfig } from '../settings/settings.ts';
import type { OpenModel } from '../material/model.ts';
import type { RunCache } from '../material/run-cache.ts';
import type { SampledFeatures } from '../../evaluation/feature-sample.ts';
import type { StepChoice } from '../../memory/choice.ts';
import type { MetricsLine } from '../../train/metrics-line.ts';
import type { AlternativeFacts, Evaluation, RunSummary } from '../records/records.ts';
import type { RunFolder } from '../files/run-folder.ts';
import type { TrainingProgress } from '../../train/trainer-options.ts';

/** Callbacks of a run. */
export interface RunObserver {
  /** Everything is loaded; nothing has been computed yet. */
  onReady?(summary: RunSummary, config: RunConfig): void;
  /** A note for people, one sentence. */
  onNote?(note: string): void;
  /** A part that takes a while: `done` of `total` images. */
  onPart?(what: string, done: number, total: number): void;
  onEvaluation?(evaluation: Evaluation): void;
  /** What other methods reach on the same validation images; `validation`: the run's accuracy there, in percent. */
  onAlternatives?(alternatives: readonly AlternativeFacts[], validation: number): void;
  /** How the steps of a new run will run, and what they take. */
  onChoice?(choice: StepChoice): void;
  onProgress?(progress: TrainingProgress): void;
  onEpoch?(line: MetricsLine & { kind: 'epoch' }): void;
}

/** A run that has finished or diverged, with everything still open. */
export interface FinishedRun {
  readonly folder: RunFolder;
  readonly dataset: Dataset;
  readonly clip: Clip;
  /** Holds what was learnt; undefined where training diverged. */
  readonly method: Method | undefined;
  /** Features of some test images, for a drawing: of a run that has finished in this session, and has a report. */
  readonly features?: SampledFeatures;
}

/** Options of a run. */
export interface RunOptions {
  readonly device: Device | Promise<Device>;
  /** Folder of all runs; the run's own is named by its configuration. Default `runs`. */
  readonly out?: string;
  /** Continue in place what was begun. */
  readonly resume?: boolean;
  /** Begin anew where a run of this configuration is already. */
  readonly fresh?: boolean;
  /** Asks to stop: the run saves where it is and returns. */
  readonly signal?: AbortSignal;
  readonly observer?: RunObserver;
  /** How the base model is opened: several runs of one process may share one. Default: each opens it and closes it. */
  readonly openModel?: OpenModel;
  /** Cache that runs share: features of the frozen model and digests of images. Default: each computes them. */
  readonly cache?: RunCache;
  /** Called once the run has finished or diverged, before the model is closed: reports are made here. */
  readonly afterwards?: (run: FinishedRun) => Promise<void>;
}

/** Options of a run that is continued. */
export interface ResumeOptions extends RunOptions {
  /** The data set of a run that was given one as a value. */
  readonly data?: Dataset;
}

/** A run that is done, or was stopped. */
export interface RunResult {
  readonly folder: RunFolder;
  readonly config: RunConfig;
  readonly summary: RunSummary;
}
