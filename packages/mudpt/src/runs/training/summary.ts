/** Summaries of a run and what it writes about its results. */
import type { Dataset } from '../../data/index.ts';
import type { RunConfig } from '../settings/settings.ts';
import type { RunMarks } from '../settings/identity.ts';
import type { BaseModel } from '../material/model.ts';
import { classFacts } from '../material/run-data.ts';
import type { PromptFacts } from '../files/prompt-file.ts';
import { accuracyOf, type Evaluation, type Prediction, type RunSummary } from '../records/records.ts';
import { SUMMARY_FORMAT } from '../records/record-schema.ts';
import type { Confusion } from '../../evaluation/confusion.ts';
import { metricsOfConfusion } from '../../evaluation/metrics.ts';
import { calibrationOfPredictions, confusionOfPredictions, type ImagePrediction } from '../../evaluation/predictions.ts';

/** What is known of a run before it begins. */
export interface RunFacts {
  readonly config: RunConfig;
  readonly dataset: Dataset;
  readonly base: BaseModel;
  readonly marks: RunMarks;
}

/** The summary of a run that is about to begin. */
export function firstSummary({ config, dataset, base, marks }: RunFacts): RunSummary {
  const { clip, name, hash } = base;
  return {
    format: SUMMARY_FORMAT,
    marks,
    state: 'running',
    data: {
      name: dataset.name,
      origin: dataset.origin,
      template: dataset.template,
      classes: classFacts(dataset),
      warnings: dataset.warnings,
      unreadable: [],
    },
    model: { name, hash, imageSize: clip.config.image.size, config: clip.config },
    method: { name: config.method, title: config.method, summary: '', parameters: 0 },
    adapter: clip.device.adapter.name,
    evaluations: [],
    training: { epochs: 0, stepsPerEpoch: 0, epochsDone: 0, seconds: 0, peakBytes: 0 },
  };
}

/** The contents of `prompts.json` for the run. */
export function promptFacts({ config, dataset, base }: RunFacts): Omit<PromptFacts, 'format' | 'tensors' | 'tensorsHash'> {
  const { method, settings, shots, seed, exif } = config;
  const { classNames, template, descriptions, name } = dataset;
  const sentences = descriptions && { descriptions: descriptions.map((ofClass) => [...ofClass]) };
  const model = { name: base.name, hash: base.hash, embed: base.clip.config.embed };
  const turned = exif === 'apply' && { exif };
  return { method, settings, model, data: name, template, classNames: [...classNames], ...sentences, ...turned, shots, seed };
}

/** What predictions are worth, measured now, and which class they take for which. */
export function evaluationOf(
  kind: Pick<Evaluation, 'what' | 'data' | 'split' | 'classes' | 'variation'>,
  predictions: readonly ImagePrediction[],
  classes: number,
): { readonly evaluation: Evaluation; readonly confusion: Confusion } {
  const confusion = confusionOfPredictions(predictions, classes);
  const metrics = { ...metricsOfConfusion(confusion), calibration: calibrationOfPredictions(predictions) };
  return { evaluation: { ...kind, metrics, time: new Date().toISOString() }, confusion };
}

/** The last accuracy of each kind. @throws TypeError before both were measured */
export function accuracies(evaluations: readonly Evaluation[]): { zeroShot: number; tuned: number } {
  const of = (what: Evaluation['what']): number => {
    const accuracy = accuracyOf(evaluations, { what });
    if (accuracy === undefined) throw new TypeError(`${what} accuracy was not measured`);
    return accuracy;
  };
  return { zeroShot: of('zero-shot'), tuned: of('tuned') };
}

/** Lines of `predictions.jsonl`; both predictions are of the same readable images in the same order. */
export function predictionLines(zeroShot: readonly ImagePrediction[], tuned: readonly ImagePrediction[]): Prediction[] {
  return tuned.map(({ item, top, loss }, index) => {
    const frozen = zeroShot[index];
    if (frozen?.item.id !== item.id) throw new TypeError(`${item.id} has no zero-shot prediction`);
    return {
      id: item.id,
      ...(typeof item.image === 'string' && { path: item.image }),
      label: item.label,
      zeroShot: frozen.top,
      tuned: top,
      loss,
    };
  });
}
