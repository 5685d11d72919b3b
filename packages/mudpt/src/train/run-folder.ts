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
 * - `features/`: while a method on features is being fitted, what it is fitted to (feature-store.ts).
 *
 * All but the appended `metrics.jsonl` are replaced as a whole: a reader never sees half a file.
 */
import { appendFile, open, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { csvLine } from '@mudpt/clip';
import { makeFolder } from '@mudpt/clip/files';
import { FormatError, writeFileAtomic } from '@mudpt/tensor';
import { parse, stringify } from 'yaml';
import { command } from '../command.ts';
import { exists } from '../data/files.ts';
import { resolveConfig, type RunConfig, type RunInput } from './config.ts';
import type { MetricsLine, Prediction, RunSummary } from './records.ts';

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
  features: 'features',
} as const;

export class RunFolder {
  constructor(readonly path: string) {}

  /** The path of one of the run's files. */
  file(name: keyof typeof FILES): string {
    return join(this.path, FILES[name]);
  }

  /** Whether there is something to go on from: a checkpoint, or features. */
  async isBegun(): Promise<boolean> {
    return (await exists(this.file('checkpoint'))) || (await exists(this.file('features')));
  }

  /** Makes the folder. @throws FormatError when it cannot be made or written */
  async create(): Promise<void> {
    try {
      await makeFolder(this.path);
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
    const text = [RESULT_COLUMNS, ...rows].map(csvLine).join('\n');
    await writeFileAtomic('run', this.file('results'), `${text}\n`);
  }

  private async read(name: keyof typeof FILES): Promise<string> {
    try {
      return await readFile(this.file(name), 'utf8');
    } catch (cause) {
      throw new FormatError(
        'run',
        `${this.file(name)} cannot be read (${reason(cause)})`,
        `give the folder of a run that \`${command('train')}\` made`,
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

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
