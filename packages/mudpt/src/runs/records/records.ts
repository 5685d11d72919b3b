/** The records of a run: the contents of `summary.json` and `predictions.jsonl` (see run-folder.ts). */
import type { Divergence } from '../../train/diverged.ts';
import type { Dataset } from '../../data/index.ts';
import type { RunMarks } from '../settings/identity.ts';
import type { Detection } from '../../evaluation/detection.ts';
import type { Metrics } from '../../evaluation/metrics.ts';
import type { RankedLabels } from '../../evaluation/predictions.ts';
import { isEqual } from '@mudpt/tensor/internal';
import type { Variation } from './variation.ts';

/** A class of a run, and its images. */
export interface ClassFacts {
  readonly name: string;
  /** Its text for zero-shot classification. */
  readonly prompt: string;
  /** Images it has in each split, training and validation after few-shot sampling. */
  readonly train: number;
  readonly val: number;
  readonly test: number;
}

/** One evaluation of one split. */
export interface Evaluation {
  /** 'zero-shot': the frozen model with the data set's template; 'tuned': what was learnt. */
  readonly what: 'zero-shot' | 'tuned';
  /** Data set the images and classes came from. */
  readonly data: string;
  readonly split: 'train' | 'val' | 'test';
  readonly classes: 'all' | 'base' | 'new';
  /** What was measured in place of the run as it ended; absent: nothing else was. */
  readonly variation?: Variation | undefined;
  readonly metrics: Metrics;
  /** ISO 8601. */
  readonly time: string;
}

/** How well the certainty of a model tells the test images of an evaluation from images that belong to no class. */
export interface UnknownEvaluation extends Pick<Evaluation, 'what' | 'data' | 'split' | 'classes' | 'variation' | 'time'> {
  /** Folder or data set of the unknown images. */
  readonly unknown: string;
  /** Images of the classes. */
  readonly known: number;
  /** Unknown images. */
  readonly count: number;
  /** By the probability of the likeliest class (maximum softmax probability). */
  readonly softmax: Detection;
  /** By its logit: of CLIP's logits the cosine times their scale. */
  readonly logit: Detection;
  /** By its probability at the temperature that `predict` uses; absent where none was fitted, and for the frozen model. */
  readonly scaled?: Detection | undefined;
  readonly temperature?: number | undefined;
}

/** The contents of `summary.json`. */
export interface RunSummary {
  readonly format: 2;
  /** Hashes that identify the run by content. */
  readonly marks: RunMarks;
  /** 'diverged': training stopped at numbers that are not finite; see `training.divergence`. */
  readonly state: 'running' | 'stopped' | 'finished' | 'diverged';
  readonly data: {
    readonly name: string;
    /** Where it was read from, and how it came to its splits. */
    readonly origin?: Dataset['origin'] | undefined;
    readonly template: string;
    /** By label. */
    readonly classes: readonly ClassFacts[];
    /** Warnings, in whole sentences. */
    readonly warnings: readonly string[];
    readonly unreadable: readonly { readonly id: string; readonly why: string }[];
  };
  readonly model: {
    readonly name: string;
    /** SHA-256 of its weights, as the loader tells it. */
    readonly hash: string;
    /** Side of its images, in pixels. */
    readonly imageSize: number;
    readonly config: unknown;
  };
  readonly method: {
    readonly name: string;
    readonly title: string;
    readonly summary: string;
    /** How many numbers are learnt. */
    readonly parameters: number;
    /** Where prompts enter the towers (`PromptLayout`); undefined for methods on features. */
    readonly layout?: unknown;
    /** What fitting chose, for methods that are fitted. */
    readonly fit?: unknown;
  };
  readonly adapter: string;
  /** Lengths of finished files: bytes of metrics.jsonl, lines of predictions.jsonl. */
  readonly lengths?: { readonly metrics: number; readonly predictions: number } | undefined;
  /** Accuracy of the run's method on its validation images, in percent. */
  readonly validation?: number;
  /** Absent for methods on features, without validation images, and where nobody asked. */
  readonly alternatives?: readonly AlternativeFacts[];
  /** In the order they were made; the last of each kind counts. */
  readonly evaluations: readonly Evaluation[];
  /** Results of `evaluate --unknown`, only the last of each kind. */
  readonly unknown?: readonly UnknownEvaluation[] | undefined;
  readonly training: {
    readonly epochs: number;
    readonly stepsPerEpoch: number;
    readonly epochsDone: number;
    /** Seconds of training, all sessions of the run together. */
    readonly seconds: number;
    readonly peakBytes: number;
    readonly stoppedEarlyAt?: number;
    /** The epoch, from 0, that training ended with by its accuracy on validation, in percent. */
    readonly best?: { readonly accuracy: number; readonly epoch: number };
    readonly divergence?: Divergence;
  };
}

/** What a method reaches that was fitted to the same images beside the run's own. Accuracies in percent. */
export interface AlternativeFacts {
  readonly method: string;
  readonly title: string;
  /** On the validation images, which chose its hyper-parameters. */
  readonly validation: number;
  readonly test: number;
  /** Validation images. */
  readonly count: number;
  /** Than the run's method, on validation, beyond what chance explains. */
  readonly isClearlyBetter: boolean;
}

/** `embedding.json`: where test images lie when their features are laid out in a plane, in pixels of a drawing. */
export interface Embedding {
  readonly images: readonly { readonly id: string; readonly label: number }[];
  /** By the frozen features, in the order of the images. */
  readonly zeroShot: readonly (readonly [x: number, y: number])[];
  /** By those after learning; absent where learning leaves them as they are. */
  readonly tuned?: readonly (readonly [x: number, y: number])[] | undefined;
}

/** One line of `predictions.jsonl`. */
export interface Prediction {
  /** The image's id in the data set. */
  readonly id: string;
  /** Its file, where it is one. */
  readonly path?: string;
  readonly label: number;
  /** The five likeliest labels with their probabilities, best first. */
  readonly zeroShot: RankedLabels;
  readonly tuned: RankedLabels;
  /** Cross-entropy of the tuned prediction: large where it is surely wrong. */
  readonly loss: number;
}

/** The name of an evaluation for people: one of an untuned model is not called tuned. */
export function nameOfEvaluation(what: Evaluation['what'], method: string): string {
  if (what === 'zero-shot') return 'zero-shot';
  return method === 'zero-shot' ? 'zero-shot by the method' : 'tuned';
}

/** Which evaluations are meant; data and classes that are left out match any, a variation that is left out is none. */
export type EvaluationKind = Pick<Evaluation, 'what'> & Partial<Pick<Evaluation, 'data' | 'classes' | 'variation'>>;

/** The accuracy last measured, in percent; undefined where there was none. */
export function accuracyOf(evaluations: readonly Evaluation[], wanted: EvaluationKind): number | undefined {
  return evaluations.findLast((one) => isOfKind(one, wanted))?.metrics.accuracy;
}

/** Whether an evaluation is of some kind, data, classes and variation. */
export function isOfKind(
  evaluation: Evaluation,
  { what, data = evaluation.data, classes = evaluation.classes, variation = {} }: EvaluationKind,
): boolean {
  return (
    evaluation.what === what &&
    evaluation.data === data &&
    evaluation.classes === classes &&
    isEqual(evaluation.variation ?? {}, variation)
  );
}
