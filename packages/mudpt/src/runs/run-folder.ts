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
 * - `last.safetensors`: the checkpoint (checkpoint.ts), and `previous.safetensors` the generation before.
 * - `features/`: while a method on features is being fitted, what it is fitted to (feature-store.ts).
 *
 * - `run.lock`: while a process writes the run (tensor's lock.node.ts).
 *
 * All but the appended `metrics.jsonl` are replaced as a whole: a reader never sees half a file. Each file that is read again holds a SHA-256 of
 * itself (sealed.ts), so damage is told by name.
 */
import { open, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { csvLine } from '@mudpt/clip';
import { makeFolder } from '@mudpt/clip/files';
import { FileLock, FormatError, removeLeftovers, writeFileAtomic } from '@mudpt/tensor';
import { parse, stringify } from 'yaml';
import * as z from 'zod';
import { command } from '../command.ts';
import { exists } from '../data/files.ts';
import { loadRecorded } from '../plugins/load.ts';
import { resolveConfig } from './config.ts';
import type { RunConfig, RunInput } from './settings.ts';
import { metricsSchema, predictionSchema, SUMMARY_FORMAT, summarySchema } from './record-schema.ts';
import type { MetricsLine, Prediction, RunSummary } from './records.ts';
import { openSealed, openSealedJson, openSealedLines, sealJson, sealLine, sealText, YAML_SEAL } from './sealed.ts';

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
  previous: 'previous.safetensors',
  lock: 'run.lock',
  features: 'features',
} as const;

/** What a report consists of. */
const REPORT_FILES = ['report.html', 'loss.png', 'accuracy.png', 'classes.png', 'confusion_matrix.png'];

export class RunFolder {
  constructor(readonly path: string) {}

  /** The path of one of the run's files. */
  file(name: keyof typeof FILES): string {
    return join(this.path, FILES[name]);
  }

  /** Whether there is something to go on from: a checkpoint, or features. */
  async isBegun(): Promise<boolean> {
    for (const name of ['checkpoint', 'previous', 'features'] as const) if (await exists(this.file(name))) return true;
    return false;
  }

  /**
   * Makes this process the only one that writes the run, until the lock is released.
   * @throws FormatError when another process writes it, or the folder cannot be written
   */
  async lock(): Promise<FileLock> {
    await this.make();
    const lock = await FileLock.take(this.file('lock'), `the run in ${this.path}`);
    // Whoever left temporary files was killed: nobody else writes here now.
    await removeLeftovers(this.path);
    return lock;
  }

  /** Removes all files of a run, the report and its charts: a new run begins here. */
  async clear(): Promise<void> {
    const { lock: _, ...files } = FILES;
    for (const name of [...Object.values(files), ...REPORT_FILES])
      await rm(join(this.path, name), { recursive: true, force: true });
  }

  /** Makes the folder. @throws FormatError when it cannot be made or written */
  async create(): Promise<void> {
    await this.make(async () => (await open(this.file('metrics'), 'a')).close());
  }

  private async make(more?: () => Promise<void>): Promise<void> {
    try {
      await makeFolder(this.path);
      await more?.();
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
    await writeFileAtomic('run', this.file('config'), sealText(stringify(config), YAML_SEAL));
  }

  /** @throws FormatError when the folder holds no run, or its file was edited into nonsense */
  async readConfig(): Promise<RunConfig> {
    const text = openSealed('run', this.file('config'), await this.read('config'), YAML_SEAL);
    let value: unknown;
    try {
      value = parse(text);
    } catch (cause) {
      throw new FormatError('run', `${this.file('config')} is no YAML (${reason(cause)})`, 'start a new run', { cause });
    }
    const input = (value ?? {}) as RunInput;
    await loadRecorded(Array.isArray(input.plugins) ? input.plugins : [], this.path);
    return resolveConfig(input, this.file('config'));
  }

  async writeSummary(summary: RunSummary): Promise<void> {
    await writeFileAtomic('run', this.file('summary'), sealJson(summary));
  }

  /** @throws FormatError when it is missing, damaged or of another format */
  async readSummary(): Promise<RunSummary> {
    const path = this.file('summary');
    const value = openSealedJson('run', path, await this.read('summary'), SUMMARY_FORMAT);
    return checked(summarySchema, value, path) as RunSummary;
  }

  /** Appends lines. @returns the length of the file afterwards, in bytes */
  async appendMetrics(lines: readonly MetricsLine[]): Promise<number> {
    const path = this.file('metrics');
    try {
      const file = await open(path, 'a');
      try {
        await file.appendFile(lines.map(sealLine).join(''));
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

  /** Waits until metrics are on the disk: a checkpoint tells their length, and must not come there before them. */
  async syncMetrics(): Promise<void> {
    const file = await open(this.file('metrics'), 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** Length of the metrics so far. */
  async metricsBytes(): Promise<number> {
    return (await stat(this.file('metrics'))).size;
  }

  /** Cuts the file to `bytes`, to go on from there. @throws FormatError when it has not so many whole lines */
  async cutMetrics(bytes: number): Promise<void> {
    await this.checkMetrics(bytes);
    await truncate(this.file('metrics'), bytes);
  }

  /** @throws FormatError when the file's first `bytes` are not whole lines as they were written */
  async checkMetrics(bytes: number): Promise<void> {
    const path = this.file('metrics');
    const { size } = await stat(path).catch((cause: unknown) => {
      throw new FormatError('run', `${path} cannot be read (${reason(cause)})`, 'put it back, or begin anew with --fresh', {
        cause,
      });
    });
    if (size < bytes) throw wrongLength(path, size, bytes);
    openSealedLines('run', path, (await this.read('metrics')).subarray(0, bytes), false);
  }

  /**
   * @param bytes how long the file must be, once it grows no more; undefined: a last line that a crash cut is left out
   * @throws FormatError naming the line that is damaged
   */
  async readMetrics(bytes?: number): Promise<MetricsLine[]> {
    const path = this.file('metrics');
    const all = await this.read('metrics');
    if (bytes !== undefined && all.length !== bytes) throw wrongLength(path, all.length, bytes);
    const lines = openSealedLines('run', path, all, bytes === undefined);
    return lines.map((line) => checked(metricsSchema, line, path) as MetricsLine);
  }

  async writePredictions(predictions: readonly Prediction[]): Promise<void> {
    await writeFileAtomic('run', this.file('predictions'), predictions.map(sealLine).join(''));
  }

  /** @param count how many there must be */
  async readPredictions(count?: number): Promise<Prediction[]> {
    const path = this.file('predictions');
    const lines = openSealedLines('run', path, await this.read('predictions'), false);
    if (count !== undefined && lines.length !== count)
      throw new FormatError(
        'run',
        `${path} has ${lines.length} lines, and the run wrote ${count}`,
        'put the file back, or begin a new run',
      );
    return lines.map((line) => checked(predictionSchema, line, path) as Prediction);
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

  private async read(name: keyof typeof FILES): Promise<Uint8Array> {
    try {
      return await readFile(this.file(name));
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

function wrongLength(path: string, found: number, written: number): FormatError {
  return new FormatError(
    'run',
    `${path} has ${found} bytes, and ${written} were written`,
    'put the file back, or begin anew with --fresh',
  );
}

/** @throws FormatError naming `path` and the entry that is not as it should be */
function checked<T>(type: z.ZodType<T>, value: unknown, path: string): T {
  const { success, data, error } = type.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  throw new FormatError(
    'run',
    `${path}: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}`,
    'put the file back as the run wrote it, or begin a new run',
  );
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
