/** Training state and the recorder that stores it, so that a later session resumes with the same bits. */
import type { Optimizer } from '@mudpt/autograd';
import { keep, type Tensor, zeros } from '@mudpt/tensor';
import type { PromptMethod, Rematerialization } from '../methods/index.ts';
import type { MetricsLine } from './metrics-line.ts';

/** Sums of an epoch's readings. */
export interface EpochSums {
  readonly batches: number;
  readonly loss: number;
  readonly accuracy: number;
}

/** Where training is, and all it needs to go on with the same bits. */
export interface TrainingState {
  /** The next step to do: `step` of `epoch`, both from 0. */
  readonly epoch: number;
  readonly step: number;
  /** Seconds of training so far. */
  readonly seconds: number;
  /** State of the loss curve: the step of the epoch after which the loss was last read, the count in the sums on the device, and the epoch's readings. */
  readonly curve: { readonly read: number; readonly batches: number; readonly images: number; readonly epoch: EpochSums };
  /** How steps run: it decides the order of sums, so a resumed run keeps it. Absent: everything is kept. */
  readonly rematerialization?: Rematerialization | undefined;
  /** The best validation accuracy and its epoch, where validation decides. */
  readonly best?: { readonly accuracy: number; readonly epoch: number } | undefined;
  /** Epoch that early stopping ended after. */
  readonly stoppedAfter?: number | undefined;
}

/** The loss curve's state at the beginning of an epoch. */
export const NO_CURVE: TrainingState['curve'] = { read: 0, batches: 0, images: 0, epoch: { batches: 0, loss: 0, accuracy: 0 } };

/** The state at the beginning of training. */
export const BEGINNING: TrainingState = { epoch: 0, step: 0, seconds: 0, curve: NO_CURVE };

/** The end of training, beyond which no valid state lies. */
export interface Extent {
  readonly epochs: number;
  /** Updates of an epoch. */
  readonly updates: number;
}

/**
 * Stores metrics lines and training state. All numbers that training changes are the named tensors; order and augmentation of images
 * follow from seed, epoch and step, so there is nothing else.
 */
export interface TrainingRecorder {
  /**
   * Copies the tensors of an earlier session into `tensors`, all or none, and drops the lines after its checkpoint.
   * @returns where that session stood; undefined where there is nothing to go on from: training begins
   */
  restore(tensors: ReadonlyMap<string, Tensor>, extent: Extent): Promise<TrainingState | undefined>;
  /** @param step counted over all epochs: the last one the line speaks of */
  log(line: MetricsLine, step: number): Promise<void>;
  /** Stores tensors, all of them finite, and the state, in place of the previous ones. */
  save(tensors: ReadonlyMap<string, Tensor>, state: TrainingState): Promise<void>;
}

/** Training of which nothing is kept. */
export const UNRECORDED: TrainingRecorder = {
  restore: () => Promise.resolve(undefined),
  log: () => Promise.resolve(),
  save: () => Promise.resolve(),
};

/** The tensors that training changes, which a checkpoint stores. */
export interface Learning {
  readonly method: PromptMethod;
  readonly optimizer: Pick<Optimizer<never>, 'stateDict' | 'loadStateDict'>;
  /** Sums of the loss since it was last read. */
  readonly sums: Tensor;
  /** Copies of the learnt tensors at the best epoch, by name; empty where validation decides nothing. */
  readonly best: ReadonlyMap<string, Tensor>;
}

/** Beginning of the names of learnt tensors among those that training changes. */
export const LEARNT = 'learnt.';

/** Calls `body` with all of them by name, to be read: `learnt.…`, `method.…` (what else the method carries on), `curve.sums`, `best.…`, `optimizer.…`. */
export async function withTensors<T>(learning: Learning, body: (tensors: ReadonlyMap<string, Tensor>) => Promise<T>): Promise<T> {
  const states = learning.optimizer.stateDict();
  try {
    return await body(named(learning, states));
  } finally {
    for (const state of Object.values(states)) state.dispose();
  }
}

/**
 * Calls `restore` with all of them by the same names, to be written. The optimizer takes over its own from copies: it keeps a number of a parameter, such as its
 * count of steps, for each block of it, and what `stateDict` shows is one of them.
 * @param restore gives undefined where it wrote nothing
 */
export async function restoreTensors<T>(
  learning: Learning,
  restore: (tensors: ReadonlyMap<string, Tensor>) => Promise<T | undefined>,
): Promise<T | undefined> {
  const shown = learning.optimizer.stateDict();
  const copies = Object.fromEntries(
    Object.entries(shown).map(([name, { shape, dtype, device }]) => [name, keep(zeros(shape, { dtype, device }))]),
  );
  for (const state of Object.values(shown)) state.dispose();
  try {
    const found = await restore(named(learning, copies));
    if (found !== undefined) learning.optimizer.loadStateDict(copies);
    return found;
  } finally {
    for (const copy of Object.values(copies)) copy.dispose();
  }
}

function named(
  { method, sums, best }: Pick<Learning, 'method' | 'sums' | 'best'>,
  states: Readonly<Record<string, Tensor>>,
): ReadonlyMap<string, Tensor> {
  const groups: readonly (readonly [string, Iterable<readonly [string, Tensor]>])[] = [
    ['learnt', method.learnable],
    ['method', method.state],
    ['curve', [['sums', sums]]],
    ['best', best],
    ['optimizer', Object.entries(states)],
  ];
  return new Map(
    groups.flatMap(([group, tensors]) => [...tensors].map(([name, tensor]) => [`${group}.${name}`, tensor] as const)),
  );
}
