/** What the page and the worker that computes say to each other. */
import type {
  Confusion,
  LoweredSetting,
  Metrics,
  MetricsLine,
  NumberRange,
  PromptDescription,
  PromptLayout,
  Rematerialization,
} from 'mudpt/core';
import type { Told } from './rpc.ts';

/** What the adapter is. */
export interface AdapterFacts {
  readonly name: string;
  /** 'gpu', or a software adapter. */
  readonly kind: string;
  readonly hasF16: boolean;
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
}

/** Where a model comes from. */
export type ModelSource =
  | { readonly kind: 'embedded' }
  | { readonly kind: 'files'; readonly name: string; readonly files: readonly File[] }
  | { readonly kind: 'hub'; readonly name: string };

/** What the hub has of a name, before it is fetched. */
export interface HubOffer {
  readonly name: string;
  readonly commit: string;
  /** To fetch. */
  readonly bytes: number;
  /** On the device; undefined where the model does not tell its sizes before. */
  readonly deviceBytes: number | undefined;
  /** A tensor of it is larger than the adapter binds. */
  readonly isTooLarge: boolean;
}

/** A model that is loaded. */
export interface ModelFacts {
  readonly name: string;
  readonly kind: ModelSource['kind'];
  readonly hash: string;
  readonly embed: number;
  readonly imageSize: number;
  readonly context: number;
  readonly layers: { readonly text: number; readonly image: number };
  readonly widths: { readonly text: number; readonly image: number };
  readonly parameters: number;
}

/** An image on its way to the worker: blobs are handed over by reference. */
export interface WireItem {
  readonly id: string;
  readonly label: number;
  readonly image: Blob;
}

export interface WireDataset {
  readonly classNames: readonly string[];
  readonly template: string;
  readonly train: readonly WireItem[];
  readonly test: readonly WireItem[];
}

/** What one image is taken for. */
export interface Guess {
  readonly id: string;
  readonly label: number;
  /** Labels and probabilities, best first. */
  readonly top: readonly (readonly [label: number, probability: number])[];
  readonly loss: number;
}

export interface Measured {
  /** By label. */
  readonly classNames: readonly string[];
  readonly guesses: readonly Guess[];
  readonly metrics: Metrics;
  readonly confusion: Confusion;
  readonly seconds: number;
  /** Images that could not be read, and why. */
  readonly unreadable: readonly { readonly id: string; readonly why: string }[];
}

/** What a person asks for; what is left out has the defaults of method and model. */
export interface TrainingRequest {
  readonly method: string;
  readonly shots: number | 'all';
  readonly seed: number;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly training: Readonly<Record<string, unknown>>;
}

/** The same, complete. */
export interface TrainingPlan extends TrainingRequest {
  readonly title: string;
  readonly isFitted: boolean;
  readonly notes: readonly string[];
  /** Settings that were lowered to the model's layers; plans that an earlier version kept do not say. */
  readonly lowered?: readonly LoweredSetting[];
  /** Hash of classes, images, model and settings: a saved state fits one plan only. */
  readonly mark: string;
}

export type TrainingEnd = 'finished' | 'paused';

/** What training left. */
export interface TrainingOutcome {
  readonly end: TrainingEnd;
  readonly plan: TrainingPlan;
  readonly seconds: number;
  readonly peakBytes: number;
  /** Numbers learnt. */
  readonly parameters: number;
  /** The frozen model, and where training ended, on the same test images. */
  readonly before?: Measured;
  readonly tuned?: Measured;
  readonly remarks: readonly string[];
}

/** The nearest tokens of a learnt prompt token. */
export interface InsideFacts {
  readonly layout: PromptLayout | undefined;
  readonly words: readonly {
    readonly layer: number;
    readonly name: string;
    readonly rows: readonly {
      readonly row: number;
      readonly words: readonly { readonly word: string; readonly distance: number }[];
    }[];
  }[];
}

/** What a report is made of. */
export interface ReportRequest {
  readonly name: string;
  readonly template: string;
  /** By label, with the images of either side. */
  readonly classes: readonly { readonly name: string; readonly train: number; readonly test: number }[];
  readonly outcome: TrainingOutcome;
  /** The curve; empty for methods that are fitted. */
  readonly lines: readonly MetricsLine[];
  readonly before: Measured;
  readonly after: Measured;
  /** The confusion matrix as {@link EngineCalls.drawMatrix} draws it. */
  readonly matrix: string;
  /** Data URIs by image. */
  readonly thumbnails: readonly (readonly [id: string, address: string])[];
}

/** What was learnt, as its files tell it. */
export type LearntDescription = Omit<PromptDescription, 'exif'> & { readonly exif: 'apply' | undefined };

export interface PromptFiles {
  readonly tensors: Uint8Array<ArrayBuffer>;
  readonly facts: string;
  /** `config.yaml`, with which the three are a run's folder. */
  readonly config: string;
}

/** One setting of a method as the page shows it, from the method's schema. */
export interface SettingField {
  readonly section: 'settings' | 'training';
  readonly name: string;
  readonly description: string;
  /** Valid values: as numbers where they are a range, and in the engine's words. */
  readonly range?: NumberRange;
  readonly takes: string;
  readonly type: 'whole' | 'number' | 'choice' | 'switch' | 'text';
  readonly choices: readonly string[];
  /** As method and model have it. */
  readonly value: unknown;
  /** Shown at once; the others on demand. */
  readonly isMain: boolean;
}

export interface MethodFacts {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly isFitted: boolean;
  /** What it needs and the page does not have, so that it cannot be chosen: the method's teacher is a second model. Absent: nothing. */
  readonly lacks?: 'teacher';
  readonly fields: readonly SettingField[];
}

export interface EngineCalls {
  /** @throws DeviceError where there is no adapter */
  open(): Promise<AdapterFacts>;
  load(source: ModelSource): Promise<ModelFacts>;
  lookAtHub(name: string): Promise<HubOffer>;
  /** Methods with the defaults that the loaded model gives them. */
  methods(): Promise<readonly MethodFacts[]>;
  zeroShot(dataset: WireDataset): Promise<Measured>;
  plan(dataset: WireDataset, request: TrainingRequest): Promise<TrainingPlan>;
  /** Trains from the beginning, or from the kept state where there is one and `resume` asks for it. */
  train(dataset: WireDataset, request: TrainingRequest, options: { readonly resume: boolean }): Promise<TrainingOutcome>;
  /** Asks training to keep its state and end. */
  pause(): Promise<void>;
  /** What was learnt before the page was opened is loaded again. @returns whether there was something */
  restore(): Promise<LearntDescription | undefined>;
  /** Classes of the tuned model and what images are taken for; `zeroShot` asks the frozen model. */
  classify(
    images: readonly Blob[],
    which: 'tuned' | 'zero-shot',
    classes: Pick<WireDataset, 'classNames' | 'template'>,
  ): Promise<readonly Classified[]>;
  /** The frozen model and what was learnt on the same test images. */
  measureTuned(dataset: WireDataset): Promise<{ readonly before: Measured; readonly tuned: Measured }>;
  inside(): Promise<InsideFacts>;
  /** The confusion matrix of the report, as SVG. */
  drawMatrix(names: readonly string[], confusion: Confusion): Promise<string>;
  /** Where prompts enter a model of so many layers, as SVG. */
  drawPrompts(layout: PromptLayout, layers: ModelFacts['layers']): Promise<string>;
  /** One HTML file with the sections of Node's report. */
  report(request: ReportRequest): Promise<string>;
  exportPrompts(): Promise<PromptFiles>;
  /** @param config of the run of Node that they are of, where a person gives it */
  importPrompts(tensors: Blob, facts: string, config: string | undefined): Promise<LearntDescription>;
  forget(): Promise<void>;
  memory(): Promise<MemoryFacts>;
}

export interface Classified {
  /** Labels and probabilities, best first; empty where the image cannot be read. */
  readonly top: Guess['top'];
  readonly told?: Told;
}

export interface MemoryFacts {
  readonly liveTensors: number;
  readonly totalBytes: number;
  readonly peakBytes: number;
}

/** What the worker tells while it works. */
export type EngineEvent =
  | { readonly kind: 'part'; readonly what: string; readonly done: number; readonly total: number }
  | { readonly kind: 'choice'; readonly rematerialization: Rematerialization; readonly bytes: number }
  | {
      readonly kind: 'progress';
      readonly epoch: number;
      readonly epochs: number;
      readonly step: number;
      readonly steps: number;
      readonly imagesPerSecond: number;
      readonly bytes: number;
      readonly eta: number;
    }
  /** What was kept is of other images or settings: training begins anew. */
  | { readonly kind: 'anew' }
  /** The curve from its beginning, where training goes on from a kept state. */
  | { readonly kind: 'curve'; readonly lines: readonly MetricsLine[] }
  | { readonly kind: 'line'; readonly line: MetricsLine }
  | { readonly kind: 'lost'; readonly why: string }
  | { readonly kind: 'reopened'; readonly adapter: AdapterFacts };
