/**
 * What a person wants to see of a run, made from its folder: `report.html` (one file, opens offline), and its charts as `loss.png`,
 * `accuracy.png`, `classes.png`, `confusion_matrix.png` (the last two for up to 60 classes).
 */
import { at } from '../at.ts';
import { join } from 'node:path';
import { type Clip, type ImageSource, printable } from '@mudpt/clip';
import { InputError, writeFileAtomic } from '@mudpt/tensor';
import { command } from '../command.ts';
import { type Dataset, readableName } from '../data/index.ts';
import type { Method, PromptLayout } from '../methods/index.ts';
import type { RunConfig } from '../runs/settings.ts';
import { type Evaluation, isOfKind, type Prediction, type RunSummary } from '../runs/records.ts';
import type { RunFolder } from '../runs/run-folder.ts';
import { divergedPage } from './diverged.ts';
import { promptDiagram } from './diagram.ts';
import { page } from './page.ts';
import { accuracyCurve, classBars, confusionMatrix, lossCurve } from './plots.ts';
import { doubtfulLabels, hardest, hardestImages, labelsToCheck, pairsTable } from './errors.ts';
import { alternatives, classTable, confusion, curves, headline, inside, usage } from './sections.ts';
import { pngOf, thumbnails } from './thumbnails.ts';
import { type LayerWords, nearestWords } from './words.ts';

/** Images shown in the confusion matrix at most: a thumbnail takes about 2 KB. */
const MAX_IMAGES = 800;

export type ReportSources = {
  readonly folder: RunFolder;
  /** Where the images are: test, and training for examples beside errors. */
  readonly dataset: Pick<Dataset, 'splits'>;
  /** The base model and the method with what was learnt, for the nearest words; without them that part is left out. */
  readonly learnt?: { readonly clip: Clip; readonly method: Method };
};

/**
 * Writes the report of a run that has finished, or a short one of a run that diverged. @returns its path
 * @throws InputError for a run that has not been evaluated yet
 */
export async function writeReport({ folder, dataset, learnt }: ReportSources): Promise<string> {
  const [summary, config] = [await folder.readSummary(), await folder.readConfig()];
  const metrics = await folder.metrics.read(summary.lengths?.metrics);
  const { divergence } = summary.training;
  if (summary.state === 'diverged' && divergence) {
    const path = join(folder.path, 'report.html');
    await writeFileAtomic('report', path, divergedPage(summary, config, metrics, divergence));
    return path;
  }
  const predictions = await folder.readPredictions(summary.lengths?.predictions);
  const [before, after] = [ownEvaluation(summary, 'zero-shot', config, folder), ownEvaluation(summary, 'tuned', config, folder)];
  const names = summary.data.classes.map(({ name }) => printable(readableName(name)));
  const { stepsPerEpoch } = summary.training;
  const charts = {
    loss: lossCurve(metrics, stepsPerEpoch),
    accuracy: accuracyCurve(metrics, stepsPerEpoch),
    classes: classBars(names, before, after),
    confusion_matrix: confusionMatrix(names, after),
  };
  for (const [name, svg] of Object.entries(charts))
    if (svg) await writeFileAtomic('report', join(folder.path, `${name}.png`), await pngOf(svg));
  const images = await thumbnails(imagesOf(predictions, dataset));
  const examples = await examplesOf(predictions, dataset);
  const layout = summary.method.layout as PromptLayout | undefined;
  const words = learnt ? await wordsOf(learnt.clip, learnt.method) : [];
  const text = page(`${summary.method.title} on ${summary.data.name}`, [
    headline(summary, config, before, after),
    alternatives(summary, after),
    curves(charts.loss, charts.accuracy),
    classTable(summary, charts.classes, before, after),
    confusion(summary, charts.confusion_matrix, pairsTable(summary, after), predictions, images),
    hardestImages(summary, predictions, images, examples),
    labelsToCheck(summary, predictions, images, examples),
    inside(layout && promptDiagram({ layout, ...layersOf(summary) }), layout?.example, words),
    usage(summary, config, folder.path),
  ]);
  const path = join(folder.path, 'report.html');
  await writeFileAtomic('report', path, text);
  return path;
}

/** Of the run's own data and classes: `pnpm evaluate` may have added others. */
function ownEvaluation(
  { evaluations, data }: RunSummary,
  what: Evaluation['what'],
  { classes }: Pick<RunConfig, 'classes'>,
  folder: RunFolder,
): Evaluation {
  const wanted = { what, data: data.name, classes };
  const found = evaluations.findLast((one) => isOfKind(one, wanted));
  if (found) return found;
  throw new InputError(
    'report',
    `the run in ${folder.path} has no ${what} evaluation yet`,
    `finish it: ${command(`train --resume ${folder.path}`)}`,
  );
}

/** Images for thumbnails, the hardest first: they are what a reader looks for. */
function imagesOf(predictions: readonly Prediction[], { splits }: Pick<Dataset, 'splits'>): Map<string, ImageSource> {
  const sources = new Map(splits.test.map(({ id, image }) => [id, image]));
  const hardest = [...predictions].sort((a, b) => b.loss - a.loss).slice(0, MAX_IMAGES);
  return new Map(
    hardest.flatMap(({ id }) => {
      const source = sources.get(id);
      return source === undefined ? [] : [[id, source] as const];
    }),
  );
}

/** A training image of every class that stands beside an error, by label. */
async function examplesOf(predictions: readonly Prediction[], { splits }: Pick<Dataset, 'splits'>): Promise<Map<number, string>> {
  const shown = [...hardest(predictions), ...doubtfulLabels(predictions)];
  const labels = new Set(shown.flatMap(({ label, tuned }) => [label, at(tuned, 0)[0]]));
  const first = new Map<number, ImageSource>();
  for (const { label, image } of splits.train) if (labels.has(label) && !first.has(label)) first.set(label, image);
  const made = await thumbnails(new Map([...first].map(([label, image]) => [String(label), image])));
  return new Map([...made].map(([label, source]) => [Number(label), source]));
}

async function wordsOf(clip: Clip, method: Method): Promise<LayerWords[]> {
  if (method.kind !== 'prompts' || !clip.text) return [];
  return nearestWords(method, clip.text, await clip.tokenizer());
}

function layersOf({ model }: RunSummary): { textLayers: number; imageLayers: number } {
  const config = model.config as Clip['config'];
  return { textLayers: config.text.layers, imageLayers: config.image.layers };
}
