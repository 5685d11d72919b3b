/** Evaluation of a finished run: on its test images, on the other half of the classes, on another data set. */
import { InputError } from '@mudpt/tensor';
import { isEqual } from '@mudpt/tensor/internal';
import type { ClassSubset, Dataset, Item, Unreadable } from '../../data/index.ts';
import { type ClassContext, classContext } from '../../method/class-context.ts';
import type { Method } from '../../methods/index.ts';
import type { RunConfig } from '../settings/settings.ts';
import { openRunData } from '../material/run-data.ts';
import type { PromptFacts } from '../files/prompt-file.ts';
import type { Evaluation, Prediction, UnknownEvaluation } from '../records/records.ts';
import { evaluationOf, predictionLines } from '../training/summary.ts';
import type { RunFolder } from '../files/run-folder.ts';
import { frozenFeatures, frozenTexts } from '../material/frozen-features.ts';
import { unreadDescriptions } from '../settings/notes.ts';
import { digestOfNames, recordDescriptions } from '../settings/text-files.ts';
import type { RunCache } from '../material/run-cache.ts';
import type { ForwardOptions } from '../../evaluation/forward.ts';
import type { Features } from '../../evaluation/image-features.ts';
import { predictFeatures, predictImages, predictZeroShot } from '../../evaluation/predict.ts';
import type { Confusion } from '../../evaluation/confusion.ts';
import type { ImagePrediction } from '../../evaluation/predictions.ts';
import { evaluationBatch } from '../../memory/evaluation-batch.ts';
import type { TunedModel } from './open-run.ts';
import { isPlain, ofFrozenModel, type Variation } from '../records/variation.ts';
import { withEvaluation } from '../files/summary-record.ts';
import { type BothPredictions, measureUnknown, openUnknown, type UnknownImages, withUnknown } from './unknown.ts';

/** What a finished run is evaluated on. */
export interface EvaluateOptions {
  /** Another data set than the run's; the run's again where it was given as a value. */
  readonly data?: string | Dataset;
  readonly root?: string;
  /** Whether a table may name files outside of its folder. Default: as the run was asked. */
  readonly allowOutside?: boolean;
  /** Default: what the run was trained on; all for another data set. */
  readonly classes?: ClassSubset;
  /** JSON file with sentences for every class of the data. Default: the run's, on its data. */
  readonly descriptions?: string;
  /** Template of the data set's texts, with `{}` for the class name: of zero-shot, and of methods that read it. Default: the run's, on its data. */
  readonly template?: string;
  /** File with other names for all classes of the data, base and new, by label. */
  readonly classNames?: string;
  /** See `RunOptions`. */
  readonly cache?: RunCache;
  /** Asks to stop: then nothing is recorded, and its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  readonly onPart?: (what: string, done: number, total: number) => void;
  /**
   * Folders of images, or data sets, that belong to none of the classes: how well they are told from the test images. Of a data set, classes
   * that are known are left aside.
   */
  readonly unknown?: readonly string[];
  /** Called with what was predicted, before anything is recorded. */
  readonly onPredictions?: (predictions: readonly Prediction[]) => Promise<void>;
}

/** The evaluation of a run beside zero-shot. */
export interface EvaluationResult {
  readonly zeroShot: Evaluation;
  readonly tuned: Evaluation;
  /** Which class is taken for which. */
  readonly confusions: { readonly zeroShot: Confusion; readonly tuned: Confusion };
  /** Evaluations of the unknown sets in their order, zero-shot and tuned. */
  readonly unknown: readonly UnknownEvaluation[];
  /** Remarks on them, one sentence each. */
  readonly notes: readonly string[];
  readonly classNames: readonly string[];
  readonly unreadable: readonly Unreadable[];
}

/**
 * Measures both the frozen model and what was learnt on test images, and adds both to the run's summary and `results.csv`.
 * @throws MethodError when what was learnt cannot serve other classes; InputError when there are no test images; the signal's reason once it is aborted
 */
export async function evaluateRun(run: TunedModel, options: EvaluateOptions = {}): Promise<EvaluationResult> {
  const { config, loader, folder, facts } = run;
  const classes = options.classes ?? (isOfRun(config, options.data) ? config.classes : 'all');
  const dataset = await openTest(config, options, classes);
  const { classNames } = dataset;
  const unread = options.descriptions === undefined ? [] : [unreadDescriptions(facts) ?? []].flat();
  const unknownSets: UnknownImages[] = [];
  for (const name of options.unknown ?? []) unknownSets.push(await openUnknown(name, dataset, options.root ?? config.root));
  const isElsewhere = !isOfRun(config, options.data) && dataset.name !== facts.data;
  const method = forDataset(run.method, facts, { ...dataset, isElsewhere });
  try {
    const predictBoth = predictorOf(run, method, dataset, options);
    const both = await predictBoth(dataset.splits.test);
    const variation = await variationOf(run, options);
    const kindOf = (what: Evaluation['what']) => {
      const varied = what === 'zero-shot' ? ofFrozenModel(variation) : variation;
      return { what, data: dataset.name, split: 'test', classes, ...(!isPlain(varied) && { variation: varied }) } as const;
    };
    const zeroShot = evaluationOf(kindOf('zero-shot'), both.zeroShot, classNames.length);
    const tuned = evaluationOf(kindOf('tuned'), both.tuned, classNames.length);
    const unknown = await measureUnknown(unknownSets, kindOf, both, facts.temperature, ({ name, items }) =>
      predictBoth(items, `, ${name}`),
    );
    // No cancellation from here on: the measurements are recorded together or not at all.
    options.signal?.throwIfAborted();
    await options.onPredictions?.(predictionLines(both.zeroShot, both.tuned));
    await record(folder, config, [zeroShot, tuned], unknown);
    return {
      zeroShot: zeroShot.evaluation,
      tuned: tuned.evaluation,
      confusions: { zeroShot: zeroShot.confusion, tuned: tuned.confusion },
      unknown,
      notes: [...unread, ...unknownSets.flatMap(({ notes }) => notes)],
      classNames,
      unreadable: loader.unreadable,
    };
  } finally {
    if (method !== run.method) method.dispose();
  }
}

/** What the frozen model and what was learnt predict of images. `among` tells them from the test images in reports of progress. */
function predictorOf(
  run: TunedModel,
  method: Method,
  dataset: Dataset,
  { cache, signal, onPart }: EvaluateOptions,
): (items: readonly Item[], among?: string) => Promise<BothPredictions> {
  const { base, config, loader } = run;
  const shared = { base, config, cache };
  const frozenOf = frozenFeatures(shared, loader);
  const forward = (what: string, total: number): ForwardOptions => ({
    batch: evaluationBatch(base.clip, config.evaluationBatch, method),
    ...(signal && { signal }),
    onProgress: (done: number) => onPart?.(what, done, total),
  });
  return async (items, among = '') => {
    const images = await frozenOf(items, forward(`zero-shot${among}`, items.length));
    try {
      return {
        zeroShot: await predictZeroShot(base.clip, images, dataset, frozenTexts(shared)),
        tuned: await predictTuned(run, method, images, forward(`tuned${among}`, images.items.length)),
      };
    } finally {
      images.features.dispose();
    }
  };
}

/** What was learnt, on images whose frozen features are known. */
function predictTuned(
  { base, facts: { temperature }, loader }: TunedModel,
  method: Method,
  features: Features,
  forward: ForwardOptions,
): Promise<ImagePrediction[]> {
  if (method.kind === 'prompts')
    return predictImages(base.clip, method, loader, features.items, {
      ...forward,
      ...(temperature !== undefined && { temperature }),
    });
  const classes = method.classNames.length;
  return predictFeatures(features, classes, (rows) => method.evaluate(rows), undefined, temperature);
}

/**
 * Test images only: few-shot sampling, which would refuse data sets without training images, is left out.
 * @throws InputError where there are none
 */
async function openTest(
  config: RunConfig,
  { data, root, allowOutside, descriptions: other, template: otherTemplate, classNames }: EvaluateOptions,
  classes: ClassSubset,
): Promise<Dataset> {
  const isOwn = isOfRun(config, data);
  const { dataGiven } = config;
  // A template of the user's belongs to the data set it was given for.
  const template = otherTemplate ?? (isOwn ? config.template : undefined);
  const descriptions = other ?? (isOwn ? config.descriptions : undefined);
  const given = typeof data === 'object' ? data : undefined;
  const dataset = await openRunData(
    {
      data: typeof data === 'string' ? data : config.data,
      ...(isOwn && dataGiven && { dataGiven }),
      root: root ?? config.root,
      // A different table may come from somebody else, so it needs permission again.
      allowOutside: allowOutside ?? (isOwn ? config.allowOutside : undefined),
      ...(template !== undefined && { template }),
      ...(classNames !== undefined && { classNames }),
      ...(descriptions !== undefined && { descriptions }),
      shots: 'all',
      seed: config.seed,
    },
    classes,
    given,
  );
  if (dataset.splits.test.length === 0)
    throw new InputError('evaluate', `${dataset.name} has no test pictures`, 'give a data set with a test split');
  return dataset;
}

/** Whether a data set is the one the run was trained on, by its name. */
function isOfRun({ data, dataGiven = false }: RunConfig, other: string | Dataset | undefined): boolean {
  if (typeof other === 'object') return dataGiven && other.name === data;
  return other === undefined || (!dataGiven && other === data);
}

/** How an evaluation differs from the run's own measurement on this data. */
async function variationOf(
  { config, facts, epoch }: TunedModel,
  { data, descriptions, template, classNames }: EvaluateOptions,
): Promise<Variation> {
  const isOwn = isOfRun(config, data);
  const recorded = isOwn && typeof config.descriptions === 'object' ? config.descriptions.sha256 : undefined;
  const sha256 = descriptions === undefined ? recorded : (await recordDescriptions(descriptions)).sha256;
  return {
    ...(epoch !== undefined && { epoch }),
    ...(template !== undefined && !(isOwn && template === facts.template) && { template }),
    ...(classNames !== undefined && { classNames: await digestOfNames(classNames) }),
    ...(sha256 !== recorded && { descriptions: sha256 }),
  };
}

function forDataset(method: Method, facts: PromptFacts, dataset: ClassContext): Method {
  const context = classContext(dataset);
  return isEqual(classContext(facts), context) ? method : method.forContext(context);
}

async function record(
  folder: RunFolder,
  config: RunConfig,
  made: readonly ReturnType<typeof evaluationOf>[],
  against: readonly UnknownEvaluation[],
): Promise<void> {
  await using _lock = await folder.lock();
  const summary = await folder.readSummary();
  for (const { evaluation, confusion } of made) await folder.writeConfusion(evaluation, confusion);
  const evaluations = made.reduce<readonly Evaluation[]>(
    (all, { evaluation }) => withEvaluation(all, evaluation),
    summary.evaluations,
  );
  const unknown = withUnknown(summary.unknown, against);
  const changed = { ...summary, evaluations, ...(unknown.length > 0 && { unknown }) };
  await folder.writeSummary(changed);
  await folder.writeResults(changed, config);
}
