/** What a finished run is worth: on its test images, on the other half of the classes, on another data set. */
import { InputError } from '@mudpt/tensor';
import { isEqual } from '@mudpt/tensor/internal';
import type { ClassSubset, Dataset, Unreadable } from '../data/index.ts';
import type { Method } from '../methods/index.ts';
import type { RunConfig } from './settings.ts';
import { openRunData } from './run-data.ts';
import type { PromptFacts } from './prompt-file.ts';
import type { Evaluation, Prediction } from './records.ts';
import { evaluationOf, predictionLines } from './summary.ts';
import type { RunFolder } from './run-folder.ts';
import { frozenFeatures, frozenTexts } from './frozen-features.ts';
import type { RunCache } from './run-cache.ts';
import { predictFeatures, predictImages, predictZeroShot } from '../evaluation/predict.ts';
import type { Confusion } from '../evaluation/confusion.ts';
import type { ImagePrediction } from '../evaluation/predictions.ts';
import { evaluationBatch } from '../memory/evaluation-batch.ts';
import type { TunedModel } from './open-run.ts';
import { withEvaluation } from './summary-record.ts';

export interface EvaluateOptions {
  /** Another data set than the run's; the run's again where it was given as a value. */
  readonly data?: string | Dataset;
  readonly root?: string;
  /** Whether a table may name files outside of its folder. Default: as the run was asked. */
  readonly allowOutside?: boolean;
  /** Default: what the run was trained on; all for another data set. */
  readonly classes?: ClassSubset;
  /** See `RunOptions`. */
  readonly cache?: RunCache;
  readonly onPart?: (what: string, done: number, total: number) => void;
  /** Called with what was predicted, before anything is recorded. */
  readonly onPredictions?: (predictions: readonly Prediction[]) => Promise<void>;
}

export interface EvaluationResult {
  readonly zeroShot: Evaluation;
  readonly tuned: Evaluation;
  /** Which class is taken for which. */
  readonly confusions: { readonly zeroShot: Confusion; readonly tuned: Confusion };
  readonly classNames: readonly string[];
  readonly unreadable: readonly Unreadable[];
}

/**
 * Measures both the frozen model and what was learnt on test images, and adds both to the run's summary and `results.csv`.
 * @throws MethodError when what was learnt cannot serve other classes; InputError when there are no test images
 */
export async function evaluateRun(run: TunedModel, options: EvaluateOptions = {}): Promise<EvaluationResult> {
  const { config, base, loader, folder, facts } = run;
  const classes = options.classes ?? (isOfRun(config, options.data) ? config.classes : 'all');
  const dataset = await openTest(config, options, classes);
  if (dataset.splits.test.length === 0)
    throw new InputError('evaluate', `${dataset.name} has no test pictures`, 'give a data set with a test split');
  const method = forDataset(run.method, facts, dataset);
  try {
    const { classNames } = dataset;
    const forward = (what: string, total: number) => ({
      batch: evaluationBatch(base.clip, config.evaluationBatch, method),
      onProgress: (done: number) => options.onPart?.(what, done, total),
    });
    const { test } = dataset.splits;
    const shared = { base, config, cache: options.cache };
    const features = await frozenFeatures(shared, loader)(test, forward('zero-shot', test.length));
    try {
      const zeroShot = await predictZeroShot(base.clip, features, dataset, frozenTexts(shared));
      const tuned =
        method.kind === 'features'
          ? await predictFeatures(features, classNames.length, (rows) => method.evaluate(rows))
          : await predictImages(base.clip, method, loader, features.items, forward('tuned', features.items.length));
      const made = (what: Evaluation['what'], predictions: readonly ImagePrediction[]) =>
        evaluationOf({ what, data: dataset.name, split: 'test', classes }, predictions, classNames.length);
      const measured = { zeroShot: made('zero-shot', zeroShot), tuned: made('tuned', tuned) };
      const result = {
        zeroShot: measured.zeroShot.evaluation,
        tuned: measured.tuned.evaluation,
        confusions: { zeroShot: measured.zeroShot.confusion, tuned: measured.tuned.confusion },
        classNames,
        unreadable: loader.unreadable,
      };
      await options.onPredictions?.(predictionLines(zeroShot, tuned));
      await record(folder, config, [measured.zeroShot, measured.tuned]);
      return result;
    } finally {
      features.features.dispose();
    }
  } finally {
    if (method !== run.method) method.dispose();
  }
}

/** Test images only: few-shot sampling, which would refuse data sets without training images, is left out. */
async function openTest(
  config: RunConfig,
  { data, root, allowOutside }: EvaluateOptions,
  classes: ClassSubset,
): Promise<Dataset> {
  const isOwn = isOfRun(config, data);
  const { template, dataGiven } = config;
  const given = typeof data === 'object' ? data : undefined;
  return openRunData(
    {
      data: typeof data === 'string' ? data : config.data,
      ...(isOwn && dataGiven && { dataGiven }),
      root: root ?? config.root,
      // Another table may come from somebody else.
      allowOutside: allowOutside ?? (isOwn ? config.allowOutside : undefined),
      // A template of the user's belongs to the data set it was given for.
      ...(isOwn && template !== undefined && { template }),
      shots: 'all',
      seed: config.seed,
    },
    classes,
    given,
  );
}

/** Whether a data set is the one the run was trained on, by its name. */
function isOfRun({ data, dataGiven = false }: RunConfig, other: string | Dataset | undefined): boolean {
  if (typeof other === 'object') return dataGiven && other.name === data;
  return other === undefined || (!dataGiven && other === data);
}

function forDataset(method: Method, { classNames, template }: PromptFacts, dataset: Dataset): Method {
  const isSame = template === dataset.template && isEqual(classNames, dataset.classNames);
  return isSame ? method : method.forContext(dataset);
}

async function record(folder: RunFolder, config: RunConfig, made: readonly ReturnType<typeof evaluationOf>[]): Promise<void> {
  await using _lock = await folder.lock();
  const summary = await folder.readSummary();
  for (const { evaluation, confusion } of made) await folder.writeConfusion(evaluation, confusion);
  const evaluations = made.reduce<readonly Evaluation[]>(
    (all, { evaluation }) => withEvaluation(all, evaluation),
    summary.evaluations,
  );
  await folder.writeSummary({ ...summary, evaluations });
  await folder.writeResults({ ...summary, evaluations }, config);
}
