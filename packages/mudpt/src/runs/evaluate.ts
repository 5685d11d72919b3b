/** What a finished run is worth: on its own test pictures, on the other half of the classes, on another data set. */
import type { Device } from '@mudpt/tensor';
import type { BatchLoader, ClassSubset, Dataset, Unreadable } from '../data/index.ts';
import { changedPlugins } from '../plugins/load.ts';
import { type Method, MethodError } from '../methods/index.ts';
import type { RunConfig } from './settings.ts';
import { type BaseModel, type OpenModel, openModel } from './model.ts';
import { createMethod, openRunData, runLoader } from './prepare.ts';
import { expectModel, loadPrompts, type PromptFacts, readPromptFacts } from './prompt-file.ts';
import type { Evaluation } from './records.ts';
import { RunFolder } from './run-folder.ts';
import {
  imageFeatures,
  metricsOfScores,
  type Score,
  scoreLogits,
  scoreMethod,
  scoreZeroShot,
  scoringBatch,
} from '../evaluation/scoring.ts';

/** A run's model with what was learnt on it. */
export interface TunedModel {
  readonly folder: RunFolder;
  readonly config: RunConfig;
  readonly facts: PromptFacts;
  readonly base: BaseModel;
  /** For the classes it was learnt with. */
  readonly method: Method;
  readonly loader: BatchLoader;
  /** What a person should know before believing its numbers. One sentence each. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

export interface TunedOptions {
  readonly device: Device;
  /** Where the base model lies now. Default: where the run had it. */
  readonly model?: string;
  /** Another choice than the run's, see `DecodeOptions`. */
  readonly exif?: 'ignore' | 'apply';
  /** How the base model is opened, see `RunOptions`. */
  readonly openModel?: OpenModel;
}

/**
 * Opens a finished run.
 * @throws FormatError when the folder holds none, or the base model is another one
 */
export async function openRun(
  path: string,
  { device, model, exif, openModel: open = openModel }: TunedOptions,
): Promise<TunedModel> {
  const folder = new RunFolder(path);
  const config = { ...(await folder.readConfig()), ...(exif && { exif }) };
  const paths = { tensors: folder.file('prompts'), facts: folder.file('promptFacts') };
  const facts = await readPromptFacts(paths);
  const base = await open({ ...config, model: model ?? config.model }, device);
  let method: Method | undefined;
  try {
    expectModel(paths, facts, base.hash, base.name);
    const made = await createMethod(base.clip, { ...facts, settings: facts.settings }, facts);
    method = made;
    await loadPrompts(paths, facts, made, device);
    const loader = runLoader(base.clip, config, made);
    const close = async (): Promise<void> => {
      made.dispose();
      base.close();
      await loader.close();
    };
    return { folder, config, facts, base, method: made, loader, notes: changedPlugins(config.plugins), close };
  } catch (error) {
    method?.dispose();
    base.close();
    throw error;
  }
}

export interface EvaluateOptions {
  /** Another data set than the run's. */
  readonly data?: string;
  readonly root?: string;
  /** Whether a table may name files outside of its folder. Default: as the run was asked. */
  readonly allowOutside?: boolean;
  /** Default: what the run was trained on; all for another data set. */
  readonly classes?: ClassSubset;
  readonly onPart?: (what: string, done: number, total: number) => void;
}

export interface EvaluationResult {
  readonly zeroShot: Evaluation;
  readonly tuned: Evaluation;
  readonly classNames: readonly string[];
  readonly unreadable: readonly Unreadable[];
}

/**
 * Measures both the frozen model and what was learnt on test pictures, and adds both to the run's summary and `results.csv`.
 * @throws MethodError when what was learnt cannot serve other classes; FormatError when there are no test pictures
 */
export async function evaluateRun(run: TunedModel, options: EvaluateOptions = {}): Promise<EvaluationResult> {
  const { config, base, loader, folder, facts } = run;
  const isOwn = options.data === undefined || options.data === config.data;
  const classes = options.classes ?? (isOwn ? config.classes : 'all');
  const dataset = await openTest(config, options, classes);
  if (dataset.splits.test.length === 0)
    throw new MethodError('evaluate', `${dataset.name} has no test pictures`, 'give a data set with a test split');
  const method = forDataset(run.method, facts, dataset);
  try {
    const { classNames } = dataset;
    const scoring = (what: string, total: number) => ({
      batch: scoringBatch(base.clip, config.evaluationBatch, method),
      onProgress: (done: number) => options.onPart?.(what, done, total),
    });
    const { test } = dataset.splits;
    const features = await imageFeatures(base.clip, loader, test, scoring('zero-shot', test.length));
    try {
      const zeroShot = await scoreZeroShot(base.clip, features, dataset);
      const tuned =
        method.kind === 'features'
          ? await scoreLogits(features, classNames.length, (rows) => method.evaluate(rows))
          : await scoreMethod(base.clip, method, loader, features.items, scoring('tuned', features.items.length));
      const made = (what: Evaluation['what'], scores: readonly Score[]): Evaluation => ({
        what,
        data: dataset.name,
        split: 'test',
        classes,
        metrics: metricsOfScores(scores, classNames.length),
        time: new Date().toISOString(),
      });
      const result = {
        zeroShot: made('zero-shot', zeroShot),
        tuned: made('tuned', tuned),
        classNames,
        unreadable: loader.unreadable,
      };
      await record(folder, config, [result.zeroShot, result.tuned]);
      return result;
    } finally {
      features.features.dispose();
    }
  } finally {
    if (method !== run.method) method.dispose();
  }
}

/** Test pictures only: few-shot sampling, which would refuse data sets without training pictures, is left out. */
async function openTest(
  config: RunConfig,
  { data, root, allowOutside }: EvaluateOptions,
  classes: ClassSubset,
): Promise<Dataset> {
  const isOwn = data === undefined || data === config.data;
  const { template } = config;
  return openRunData(
    {
      data: data ?? config.data,
      root: root ?? config.root,
      // Another table may come from somebody else.
      allowOutside: allowOutside ?? (isOwn ? config.allowOutside : undefined),
      // A template of the user's belongs to the data set it was given for.
      ...(isOwn && template !== undefined && { template }),
      shots: 'all',
      seed: config.seed,
    },
    classes,
  );
}

function forDataset(method: Method, { classNames, template }: PromptFacts, dataset: Dataset): Method {
  const isSame = JSON.stringify([classNames, template]) === JSON.stringify([dataset.classNames, dataset.template]);
  return isSame ? method : method.forContext(dataset);
}

async function record(folder: RunFolder, config: RunConfig, made: readonly Evaluation[]): Promise<void> {
  await using _lock = await folder.lock();
  const summary = await folder.readSummary();
  const key = ({ what, data, split, classes }: Evaluation): string => [what, data, split, classes].join();
  const keys = new Set(made.map(key));
  const evaluations = [...summary.evaluations.filter((own) => !keys.has(key(own))), ...made];
  await folder.writeSummary({ ...summary, evaluations });
  await folder.writeResults({ ...summary, evaluations }, config);
}
