/**
 * A run is a folder, named by its configuration (`runName`), and everything a reader of it needs is in these files:
 *
 * - `config.yaml`: the {@link RunConfig}, complete.
 * - `summary.json`: a {@link RunSummary}: data, model, classes, and what was measured. Rewritten whenever something new is known.
 * - `metrics.jsonl`: one `MetricsLine` as JSON per line, in the order of training (metrics-file.ts). After a resume it goes on where the checkpoint
 *   stood: lines of steps that are done again are cut off.
 * - `predictions.jsonl`: one {@link Prediction} per test image, zero-shot and tuned.
 * - `confusion/`: for each evaluation, which class is taken for which (confusion-file.ts).
 * - `embedding.json`: where the report draws test images by their features, so that a report made anew has them.
 * - `results.csv`: one line per measurement, for spreadsheets (results.ts).
 * - `prompts.safetensors`: what was learnt, f32, by the authors' names; `prompts.json` says what it belongs to (prompt-file.ts).
 * - `last.safetensors`: the checkpoint (checkpoint.ts), and `previous.safetensors` the generation before.
 * - `epochs/`: what was learnt after single epochs, where they are kept (epoch-files.ts).
 * - `features/`: while a method on features is being fitted, what it is fitted to (feature-store.ts).
 *
 * - `run.lock`: while a process writes the run (tensor's lock.node.ts).
 *
 * All but the appended `metrics.jsonl` are replaced as a whole: a reader never sees half a file. Each file that is read again holds a SHA-256 of
 * itself (sealed.ts), so damage is told by name.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '@mudpt/clip/files';
import { FileLock, FormatError, InputError, removeLeftovers, writeFileAtomic } from '@mudpt/tensor';
import { parse, stringify } from 'yaml';
import { exists } from '../../data/files.ts';
import type { Confusion } from '../../evaluation/confusion.ts';
import { inParts, yieldToEventLoop } from '../../event-loop.ts';
import { loadRecorded } from '../../plugins/load.ts';
import { resolveConfig } from '../settings/config.ts';
import type { RunConfig, RunInput } from '../settings/settings.ts';
import { confusionFile, openConfusion, sealConfusion } from './confusion-file.ts';
import { MetricsFile, readRunFile } from './metrics-file.ts';
import {
  checkRecord,
  EMBEDDING_FORMAT,
  embeddingSchema,
  predictionSchema,
  SUMMARY_FORMAT,
  summarySchema,
} from '../records/record-schema.ts';
import type { Embedding, Evaluation, Prediction, RunSummary } from '../records/records.ts';
import { resultsTable } from '../records/results.ts';
import { openSealed, openSealedJson, sealedLines, sealJson, sealLine, sealText, YAML_SEAL } from './sealed.ts';

const FILES = {
  config: 'config.yaml',
  summary: 'summary.json',
  metrics: 'metrics.jsonl',
  predictions: 'predictions.jsonl',
  confusion: 'confusion',
  embedding: 'embedding.json',
  results: 'results.csv',
  prompts: 'prompts.safetensors',
  promptFacts: 'prompts.json',
  checkpoint: 'last.safetensors',
  previous: 'previous.safetensors',
  lock: 'run.lock',
  features: 'features',
  epochs: 'epochs',
} as const;

/** Predictions read or written between two turns of the event loop. */
const LINES_AT_ONCE = 500;

/** The files of a report. */
const REPORT_FILES = ['report.html', 'loss.png', 'accuracy.png', 'classes.png', 'confusion_matrix.png'];

/** The folder of a run, and the files in it. */
export class RunFolder {
  /** The curve. */
  readonly metrics: MetricsFile;

  constructor(readonly path: string) {
    this.metrics = new MetricsFile(this.file('metrics'));
  }

  /** The path of one of the run's files. */
  file(name: keyof typeof FILES): string {
    return join(this.path, FILES[name]);
  }

  /** Whether the run can be continued: it has a checkpoint, or features. */
  async isBegun(): Promise<boolean> {
    for (const name of ['checkpoint', 'previous', 'features'] as const) if (await exists(this.file(name))) return true;
    return false;
  }

  /**
   * Makes this process the only one that writes the run, until the lock is released.
   * @throws InputError when the folder cannot be written; what FileLock throws when another process writes it
   */
  async lock(): Promise<FileLock> {
    await this.make();
    const lock = await FileLock.take(this.file('lock'), `the run in ${this.path}`);
    // Temporary files come from killed processes: nobody else writes here now.
    await removeLeftovers(this.path);
    for (const name of ['confusion', 'epochs'] as const)
      if (await exists(this.file(name))) await removeLeftovers(this.file(name));
    return lock;
  }

  /** Removes all files of a run, the report and its charts, so that a new run can begin. */
  async clear(): Promise<void> {
    const { lock: _, ...files } = FILES;
    for (const name of [...Object.values(files), ...REPORT_FILES])
      await rm(join(this.path, name), { recursive: true, force: true });
  }

  /** Makes the folder. @throws InputError when it cannot be made or written */
  async create(): Promise<void> {
    await this.make(() => this.metrics.create());
  }

  private async make(more?: () => Promise<void>): Promise<void> {
    try {
      await makeFolder(this.path);
      await more?.();
    } catch (cause) {
      throw new InputError(
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

  /** @throws InputError when the folder holds no run; FormatError when its file was edited */
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

  /** @throws InputError when it is missing; FormatError when it is damaged or of another format */
  async readSummary(): Promise<RunSummary> {
    const path = this.file('summary');
    const value = openSealedJson('run', path, await this.read('summary'), SUMMARY_FORMAT);
    return checkRecord(summarySchema, value, path) as RunSummary;
  }

  async writePredictions(predictions: readonly Prediction[]): Promise<void> {
    const parts: string[] = [];
    for await (const part of inParts(predictions, LINES_AT_ONCE)) parts.push(part.map(sealLine).join(''));
    await writeFileAtomic('run', this.file('predictions'), parts.join(''));
  }

  /**
   * @param count how many there must be
   * @throws FormatError for another count, and for lines that are damaged; the signal's reason once it is aborted
   */
  async readPredictions(count?: number, signal?: AbortSignal): Promise<Prediction[]> {
    const path = this.file('predictions');
    const predictions: Prediction[] = [];
    for (const line of sealedLines('run', path, await this.read('predictions'))) {
      if (predictions.length % LINES_AT_ONCE === 0) await yieldToEventLoop(signal);
      predictions.push(checkRecord(predictionSchema, line, path) as Prediction);
    }
    if (count !== undefined && predictions.length !== count)
      throw new FormatError(
        'run',
        `${path} has ${predictions.length} lines, and the run wrote ${count}`,
        'put the file back, or begin a new run',
      );
    return predictions;
  }

  /** Writes the confusions of an evaluation, before the summary mentions the evaluation. */
  async writeConfusion(evaluation: Evaluation, confusion: Confusion): Promise<void> {
    await makeFolder(this.file('confusion'));
    await writeFileAtomic('run', this.confusionPath(evaluation), sealConfusion(evaluation, confusion));
  }

  /** @throws InputError when it is missing; FormatError when it is damaged or of another evaluation */
  async readConfusion(evaluation: Evaluation): Promise<Confusion> {
    const path = this.confusionPath(evaluation);
    if (!evaluation.metrics.confusion && !(await exists(path)))
      throw new InputError('run', `${path} is missing`, 'evaluate the run again, with the same --data and --classes');
    return openConfusion(path, evaluation, () => readRunFile(path));
  }

  private confusionPath(evaluation: Evaluation): string {
    return join(this.file('confusion'), confusionFile(evaluation));
  }

  async writeEmbedding(embedding: Embedding): Promise<void> {
    await writeFileAtomic('run', this.file('embedding'), sealJson({ format: EMBEDDING_FORMAT, ...embedding }, 0));
  }

  /** Undefined where none was written. @throws FormatError when it is damaged */
  async readEmbedding(): Promise<Embedding | undefined> {
    const path = this.file('embedding');
    if (!(await exists(path))) return undefined;
    const { images, zeroShot, tuned } = checkRecord(
      embeddingSchema,
      openSealedJson('run', path, await this.read('embedding'), EMBEDDING_FORMAT),
      path,
    );
    if (zeroShot.length === images.length && (tuned?.length ?? images.length) === images.length)
      return { images, zeroShot, ...(tuned && { tuned }) };
    throw new FormatError('run', `${path} has places for other images than it names`, 'remove it: the report is made without it');
  }

  /** All measurements of a summary as `results.csv`. */
  async writeResults(summary: RunSummary, config: RunConfig): Promise<void> {
    await writeFileAtomic('run', this.file('results'), resultsTable(summary, config));
  }

  private read(name: keyof typeof FILES): Promise<Uint8Array> {
    return readRunFile(this.file(name));
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
