/**
 * The report of a run, made from its folder: `report.html` (one file, opens offline), and its charts as `loss.png`,
 * `accuracy.png`, `classes.png`, `confusion_matrix.png`.
 */
import { InputError, writeFileAtomic } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { join } from 'node:path';
import type { Clip, ImageSource } from '@mudpt/clip';
import { command } from '../command.ts';
import type { Dataset } from '../data/index.ts';
import type { Confusion } from '../evaluation/confusion.ts';
import type { SampledFeatures } from '../evaluation/feature-sample.ts';
import { yieldToEventLoop } from '../event-loop.ts';
import type { Method, PromptLayout } from '../methods/index.ts';
import type { RunConfig } from '../runs/settings/settings.ts';
import { type Evaluation, isOfKind, type Prediction, type RunSummary } from '../runs/records/records.ts';
import type { RunFolder } from '../runs/files/run-folder.ts';
import { divergedPage } from './diverged.ts';
import { promptDiagram } from './diagram.ts';
import { page } from './page.ts';
import { drawCharts } from './charts.ts';
import { confusedPairs, doubtfulLabels, hardest, hardestImages, labelsToCheck, pairsShown, pairsTable } from './errors.ts';
import type { Markup } from './markup.ts';
import { embeddingOf, embeddingSection } from './embedding.ts';
import { MOST_CLASSES } from './labels.ts';
import { reliabilitySection, unknownSection } from './reliability.ts';
import { alternatives, classTable, confusionSection, curves, headline, inside } from './sections.ts';
import { thumbnails } from './thumbnails.ts';
import { usage } from './usage.ts';
import { type LayerWords, nearestWords } from './words.ts';

/** Most images shown when there are few classes: a thumbnail takes about 2 KB. */
const MAX_IMAGES = 800;
/** Most images of a confused pair when there are many classes. */
const IMAGES_OF_PAIR = 6;

export type ReportSources = {
  readonly folder: RunFolder;
  /** Where the images are: test, and training for examples beside errors. */
  readonly dataset: Pick<Dataset, 'splits'>;
  /** The base model and the method with what was learnt, for the nearest words; without them that part is left out. */
  readonly learnt?: { readonly clip: Clip; readonly method: Method };
  /** Features of test images, to be laid out in a plane; without them the plane is that of the report before. */
  readonly features?: SampledFeatures | undefined;
  /** Asks to stop: then nothing is written except charts that are done. */
  readonly signal?: AbortSignal;
};

/**
 * Writes the report of a run that has finished, or a short one of a run that diverged. It is made in pieces, between which the event loop runs.
 * @returns its path
 * @throws InputError for a run that has not been evaluated yet; the signal's reason once it is aborted
 */
export async function writeReport({ folder, dataset, learnt, features, signal }: ReportSources): Promise<string> {
  const [summary, config] = [await folder.readSummary(), await folder.readConfig()];
  const metrics = await folder.metrics.read(summary.lengths?.metrics);
  const { divergence } = summary.training;
  if (summary.state === 'diverged' && divergence) {
    const path = join(folder.path, 'report.html');
    await writeFileAtomic('report', path, divergedPage(summary, config, metrics, divergence));
    return path;
  }
  const piece = async <T>(make: () => T): Promise<Awaited<T>> => {
    await yieldToEventLoop(signal);
    return await make();
  };
  // Threads lay features out while the rest is made.
  const planes = features ? embeddingOf(features, signal) : folder.readEmbedding();
  // An error is thrown below, where the plane is needed.
  planes.catch(() => undefined);
  const predictions = await folder.readPredictions(summary.lengths?.predictions, signal);
  const [before, after] = [ownEvaluation(summary, 'zero-shot', config, folder), ownEvaluation(summary, 'tuned', config, folder)];
  const confusion = await piece(() => folder.readConfusion(after));
  const charts = await drawCharts({ summary, metrics, before, after, confusion }, piece);
  for (const [name, png] of charts.files)
    await piece(async () => writeFileAtomic('report', join(folder.path, name), await png()));
  const images = await thumbnails(await piece(() => imagesOf(predictions, dataset, confusion)), signal);
  const examples = await examplesOf(predictions, dataset, signal);
  const layout = summary.method.layout as PromptLayout | undefined;
  const words = learnt ? await piece(() => wordsOf(learnt.clip, learnt.method)) : [];
  const embedding = await planes;
  if (features && embedding) await folder.writeEmbedding(embedding);
  const sections = [
    () => headline(summary, config, before, after),
    () => alternatives(summary, after),
    () => curves(charts.loss, charts.accuracy, summary.training, config),
    () => classTable(summary, charts.classes, before, after),
    () => embeddingSection(summary, embedding),
    () => reliabilitySection(charts.reliability),
    () => unknownSection(summary, config),
    () => confusionSection({ summary, confusion, predictions }, charts.matrix, pairsTable(summary, confusion), images),
    () => hardestImages(summary, predictions, images, examples),
    () => labelsToCheck(summary, predictions, images, examples),
    () => inside(layout && promptDiagram({ layout, ...layersOf(summary) }), layout?.example, words),
    () => usage(summary, config, folder.path),
  ];
  const made: (Markup | undefined)[] = [];
  for (const section of sections) made.push(await piece(section));
  const text = await piece(() => page(`${summary.method.title} on ${summary.data.name}`, made));
  const path = join(folder.path, 'report.html');
  await piece(() => writeFileAtomic('report', path, text));
  return path;
}

/** Evaluations of the run's own data and classes: `pnpm evaluate` may have added others. */
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

/**
 * Images that get thumbnails. With few classes the hardest ones, which a click in the matrix shows. With many, decoding all of those
 * would take longer than everything else, so only the images that sections and the table of pairs show.
 */
function imagesOf(
  predictions: readonly Prediction[],
  { splits }: Pick<Dataset, 'splits'>,
  confusion: Confusion,
): Map<string, ImageSource> {
  const sources = new Map(splits.test.map(({ id, image }) => [id, image]));
  const wanted =
    confusion.classes > MOST_CLASSES
      ? [...hardest(predictions), ...doubtfulLabels(predictions), ...imagesOfPairs(predictions, confusion)]
      : hardest(predictions, MAX_IMAGES);
  return new Map(
    wanted.flatMap(({ id }) => {
      const source = sources.get(id);
      return source === undefined ? [] : [[id, source] as const];
    }),
  );
}

/** The first images of every pair in the table. */
function imagesOfPairs(predictions: readonly Prediction[], confusion: Confusion): Prediction[] {
  const left = new Map(
    confusedPairs(confusion, pairsShown(confusion)).map(({ truth, guess }) => [`${truth},${guess}`, IMAGES_OF_PAIR]),
  );
  return predictions.filter(({ label, tuned }) => {
    const pair = `${label},${nth(tuned, 0)[0]}`;
    const count = left.get(pair) ?? 0;
    left.set(pair, count - 1);
    return count > 0;
  });
}

/** A training image of every class that stands beside an error, by label. */
async function examplesOf(
  predictions: readonly Prediction[],
  { splits }: Pick<Dataset, 'splits'>,
  signal?: AbortSignal,
): Promise<Map<number, string>> {
  const shown = [...hardest(predictions), ...doubtfulLabels(predictions)];
  const labels = new Set(shown.flatMap(({ label, tuned }) => [label, nth(tuned, 0)[0]]));
  const first = new Map<number, ImageSource>();
  for (const { label, image } of splits.train) if (labels.has(label) && !first.has(label)) first.set(label, image);
  const made = await thumbnails(new Map([...first].map(([label, image]) => [String(label), image])), signal);
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
