/**
 * A run is a folder, named by its configuration ({@link runName}), and everything a reader of it needs is in these files:
 *
 * - `config.yaml`: the {@link RunConfig}, complete.
 * - `summary.json`: a {@link RunSummary}: data, model, classes, and what was measured. Rewritten whenever something new is known.
 * - `metrics.jsonl`: one {@link MetricsLine} as JSON per line, in the order of training. After a resume it goes on where the checkpoint
 *   stood: lines of steps that are done again are cut off.
 * - `predictions.jsonl`: one {@link Prediction} per test picture, zero-shot and tuned.
 * - `results.csv`: one line per measurement, for spreadsheets ({@link RESULT_COLUMNS}).
 * - `prompts.safetensors`: what was learnt, f32, by the authors' names; `prompts.json` says what it belongs to (prompt-file.ts).
 * - `last.safetensors`: the checkpoint (checkpoint.ts).
 *
 * All but the appended `metrics.jsonl` are replaced as a whole: a reader never sees half a file.
 */
import { appendFile, mkdir, open, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError, writeFileAtomic } from '@mudpt/tensor';
import { parse, stringify } from 'yaml';
import { resolveConfig, type RunConfig, type RunInput } from './config.ts';
import type { Metrics } from './metrics.ts';

export interface ClassFacts {
  readonly name: string;
  /** Its zero-shot prompt. */
  readonly prompt: string;
  /** Pictures it has in each split, training and validation after few-shot sampling. */
  readonly train: number;
  readonly val: number;
  readonly test: number;
}

/** One evaluation of one split. */
export interface Evaluation {
  /** 'zero-shot': the frozen model with the data set's template; 'tuned': what was learnt. */
  readonly what: 'zero-shot' | 'tuned';
  /** Data set the pictures and classes came from. */
  readonly data: string;
  readonly split: 'train' | 'val' | 'test';
  readonly classes: 'all' | 'base' | 'new';
  readonly metrics: Metrics;
  /** ISO 8601. */
  readonly time: string;
}

export interface RunSummary {
  readonly format: 1;
  readonly state: 'running' | 'stopped' | 'finished';
  readonly data: {
    readonly name: string;
    readonly template: string;
    /** By label. */
    readonly classes: readonly ClassFacts[];
    /** Whole sentences for a person. */
    readonly warnings: readonly string[];
    readonly unreadable: readonly { readonly id: string; readonly why: string }[];
  };
  readonly model: {
    readonly name: string;
    /** SHA-256 of its weights, as the loader tells it. */
    readonly hash: string;
    /** Side of its pictures, in pixels. */
    readonly imageSize: number;
    readonly config: unknown;
  };
  readonly method: {
    readonly name: string;
    readonly title: string;
    readonly summary: string;
    /** Numbers that are learnt. */
    readonly parameters: number;
    /** Where prompts enter the towers (`PromptLayout`); undefined for methods on features. */
    readonly layout?: unknown;
    /** What fitting chose, for methods that are fitted. */
    readonly fit?: unknown;
  };
  readonly adapter: string;
  /** In the order they were made; the last of each kind counts. */
  readonly evaluations: readonly Evaluation[];
  readonly training: {
    readonly epochs: number;
    readonly stepsPerEpoch: number;
    readonly epochsDone: number;
    /** Seconds of training, all sessions of the run together. */
    readonly seconds: number;
    readonly peakBytes: number;
    readonly stoppedEarlyAt?: number;
  };
}

/** One line of `metrics.jsonl`. Accuracies in percent; loss is the mean over the steps since the last line of the kind. */
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
      /** Only where validation was asked for. */
      readonly valAccuracy?: number;
    };

/** One line of `predictions.jsonl`. */
export interface Prediction {
  /** The picture's id in the data set. */
  readonly id: string;
  /** Its file, where it is one. */
  readonly path?: string;
  readonly label: number;
  /** The five likeliest labels with their probabilities, best first. */
  readonly zeroShot: readonly (readonly [label: number, probability: number])[];
  readonly tuned: readonly (readonly [label: number, probability: number])[];
  /** Cross-entropy of the tuned prediction: large where it is surely wrong. */
  readonly loss: number;
}

export const RESULT_COLUMNS = [
  'time',
  'data',
  'split',
  'classes',
  'method',
  'model',
  'shots',
  'seed',
  'what',
  'pictures',
  'accuracy',
  'error',
  'macro_f1',
];

const FILES = {
  config: 'config.yaml',
  summary: 'summary.json',
  metrics: 'metrics.jsonl',
  predictions: 'predictions.jsonl',
  results: 'results.csv',
  prompts: 'prompts.safetensors',
  promptFacts: 'prompts.json',
  checkpoint: 'last.safetensors',
} as const;

export class RunFolder {
  constructor(readonly path: string) {}

  /** The path of one of the run's files. */
  file(name: keyof typeof FILES): string {
    return join(this.path, FILES[name]);
  }

  /** Makes the folder. @throws FormatError when it cannot be made or written */
  async create(): Promise<void> {
    try {
      await mkdir(this.path, { recursive: true });
      await (await open(this.file('metrics'), 'a')).close();
    } catch (cause) {
      throw new FormatError(
        'run',
        `the folder ${this.path} cannot be written (${reason(cause)})`,
        'choose another one with --out',
        { cause },
      );
    }
  }

  async writeConfig(config: RunConfig): Promise<void> {
    await writeFileAtomic('run', this.file('config'), stringify(config));
  }

  /** @throws FormatError when the folder holds no run, or its file was edited into nonsense */
  async readConfig(): Promise<RunConfig> {
    const text = await this.read('config');
    let value: unknown;
    try {
      value = parse(text);
    } catch (cause) {
      throw new FormatError('run', `${this.file('config')} is no YAML (${reason(cause)})`, 'mend it, or start a new run', {
        cause,
      });
    }
    return resolveConfig((value ?? {}) as RunInput, this.file('config'));
  }

  async writeSummary(summary: RunSummary): Promise<void> {
    await writeFileAtomic('run', this.file('summary'), `${JSON.stringify(summary, undefined, 1)}\n`);
  }

  /** @throws FormatError when it is missing or of another format */
  async readSummary(): Promise<RunSummary> {
    const summary = JSON.parse(await this.read('summary')) as RunSummary;
    if (summary.format === 1) return summary;
    throw new FormatError(
      'run',
      `${this.file('summary')} has format ${String(summary.format)}`,
      'use the version of the program that wrote it',
    );
  }

  /** Appends lines. @returns the length of the file afterwards, in bytes */
  async appendMetrics(lines: readonly MetricsLine[]): Promise<number> {
    const path = this.file('metrics');
    try {
      await appendFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      const file = await open(path, 'r');
      try {
        return (await file.stat()).size;
      } finally {
        await file.close();
      }
    } catch (cause) {
      throw new FormatError('run', `${path} cannot be written (${reason(cause)})`, 'free some space, then resume the run', {
        cause,
      });
    }
  }

  /** Cuts the file to `bytes`, to go on from there. */
  async cutMetrics(bytes: number): Promise<void> {
    await truncate(this.file('metrics'), bytes);
  }

  async readMetrics(): Promise<MetricsLine[]> {
    return jsonLines<MetricsLine>(await this.read('metrics'));
  }

  async writePredictions(predictions: readonly Prediction[]): Promise<void> {
    const lines = predictions.map((prediction) => `${JSON.stringify(prediction)}\n`);
    await writeFileAtomic('run', this.file('predictions'), lines.join(''));
  }

  async readPredictions(): Promise<Prediction[]> {
    return jsonLines<Prediction>(await this.read('predictions'));
  }

  /** All measurements of a summary as `results.csv`. */
  async writeResults({ evaluations, model, method }: RunSummary, config: RunConfig): Promise<void> {
    const rows = evaluations.map(({ what, data, split, classes, metrics, time }) => {
      const { count, accuracy, error, macroF1 } = metrics;
      const numbers = [accuracy, error, macroF1].map((value) => value.toFixed(4));
      return [time, data, split, classes, method.name, model.name, config.shots, config.seed, what, count, ...numbers];
    });
    const text = [RESULT_COLUMNS, ...rows].map((row) => row.map(csvCell).join(',')).join('\n');
    await writeFileAtomic('run', this.file('results'), `${text}\n`);
  }

  private async read(name: keyof typeof FILES): Promise<string> {
    try {
      return await readFile(this.file(name), 'utf8');
    } catch (cause) {
      throw new FormatError(
        'run',
        `${this.file(name)} cannot be read (${reason(cause)})`,
        'give the folder of a run that `pnpm train` made',
        { cause },
      );
    }
  }
}

/** A last line without its end was cut by a crash and is left out. */
function jsonLines<T>(text: string): T[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

function csvCell(value: string | number): string {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
