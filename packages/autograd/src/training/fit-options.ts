/** Options, progress, state and result of {@link fit}. */
import type { CaptureInput, Tensor } from '@mudpt/tensor/functions';
import type { Module } from '../nn/module.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { CommonOptions } from '../optim/options.ts';
import type { Plateau, PlateauState } from '../optim/plateau.ts';
import type { Schedule } from '../optim/schedule.ts';
import type { Loss } from '../transforms/loss.ts';

/** A batch: an input of a captured function, or some by name. */
export type Batch = CaptureInput | { readonly [name: string]: CaptureInput };
/** The tensors of a batch. */
export type TensorsOf<B> = B extends CaptureInput ? Tensor : { readonly [K in keyof B]: Tensor };

/** Batches by epoch, such as a `DataLoader`. */
export interface EpochSource<B> {
  /** Batches of an epoch, where that is known. */
  readonly length?: number | undefined;
  epoch(epoch: number, from?: number): Iterable<B> | AsyncIterable<B>;
}

/** Where batches come from: a loader, an iterable that can be read for every epoch, or a function of the epoch. */
export type BatchSource<B> =
  | EpochSource<B>
  | Iterable<B>
  | AsyncIterable<B>
  | ((epoch: number) => Iterable<B> | AsyncIterable<B>);

/** Means over the examples of an epoch, or of its batches so far: the loss, and what else the loss function returned. */
export type Means = Readonly<Record<string, number>> & { readonly loss: number };

/** What {@link fit} tells after an epoch. */
export type EpochReport = {
  /** From 0. */
  readonly epoch: number;
  readonly train: Means;
  /** Absent without validation. */
  readonly validation?: Means;
  /** Learning rate of the last update. */
  readonly lr: number | undefined;
  readonly seconds: number;
  /** Whether the watched value is the best so far: the time to save. */
  readonly isBest: boolean;
  /** For a checkpoint: what {@link fit} goes on from. */
  readonly state: FitState;
};

/** What {@link fit} tells after an update. */
export type StepReport = {
  readonly epoch: number;
  /** Updates of this epoch that are done. */
  readonly step: number;
  /** Means over the epoch so far. */
  readonly train: Means;
  readonly lr: number | undefined;
};

/** Where training stands, as plain numbers for JSON. The tensors are those of the module and `optimizer.stateDict()`. */
export type FitState = {
  /** The epoch to go on with, and its updates and batches that are done. */
  readonly epoch: number;
  readonly step: number;
  readonly batch: number;
  /** Sums over the epoch's examples so far, by name, and their number. */
  readonly sums: Readonly<Record<string, number>>;
  readonly examples: number;
  /** The best watched value, null before the first; epochs since then. */
  readonly best: number | null;
  readonly waited: number;
  readonly plateau?: PlateauState;
};

/** When {@link fit} ends before its epochs are done. */
export type EarlyStopping = {
  /** Epochs without improvement after which training ends. */
  readonly patience: number;
};

/** What is watched for the best epoch, early stopping and a plateau: a mean of validation, or of training without one. */
export type Watch = {
  /** Default 'loss'. */
  readonly name?: string;
  /** Default 'min'. */
  readonly mode?: 'min' | 'max';
};

/** What {@link fit} trains, on what, and for how long. */
export type FitOptions<B extends Batch> = {
  /**
   * The loss of a batch, a mean over its examples; or an object with it under `loss` and other means (metrics) under their names, all tensors of one element.
   */
  readonly loss: (batch: TensorsOf<B>) => Loss;
  readonly optimizer: Optimizer<CommonOptions>;
  readonly data: BatchSource<B>;
  readonly epochs: number;
  /** Switched to training for updates and to evaluation for validation. */
  readonly module?: Module;
  /** Learning rate of every update. Default: the optimizer's. */
  readonly schedule?: Schedule | Plateau;
  /** Batches whose gradients are averaged before an update; the last of an epoch takes those that are left. Default 1. */
  readonly accumulate?: number;
  /** Clips gradients by their common norm, or by value, before an update. */
  readonly clipNorm?: number;
  readonly clipValue?: number;
  readonly validation?: {
    readonly data: BatchSource<B>;
    /** Default: the loss of training. */
    readonly loss?: (batch: TensorsOf<B>) => Loss;
  };
  readonly watch?: Watch;
  readonly earlyStopping?: EarlyStopping;
  /** Source of dropout and other random ops in the loss; with the same seed a run is the same. Default 0. */
  readonly seed?: number;
  /** Whether the step is recorded once and replayed; false for losses that cannot be. Default true. */
  readonly capture?: boolean;
  /** Updates between two calls of `onStep`, each of which waits for the device. Default 10. */
  readonly every?: number;
  readonly onStep?: (report: StepReport) => void | Promise<void>;
  readonly onEpoch?: (report: EpochReport) => void | Promise<void>;
  /** Ends training after the update under way; the result's state is where to go on. */
  readonly signal?: AbortSignal;
  /** Goes on from here. Load the module's and the optimizer's tensors first. */
  readonly state?: FitState;
};

/** What {@link fit} gives: the course of training, and the state to go on from. */
export type FitResult = {
  readonly history: readonly Omit<EpochReport, 'state'>[];
  readonly state: FitState;
  readonly ended: 'epochs' | 'early' | 'aborted';
};
