/**
 * What a person wants to see of a run, made from its folder: `report.html` (one file, opens offline), and its charts as `loss.png`,
 * `accuracy.png`, `classes.png`, `confusion_matrix.png`.
 */
import { join } from 'node:path';
import { type Clip, type ImageSource, printable } from '@mudpt/clip';
import { FormatError, writeFileAtomic } from '@mudpt/tensor';
import { command } from '../command.ts';
import { type Dataset, readableName } from '../data/index.ts';
import type { Method, PromptLayout } from '../methods/index.ts';
import type { RunConfig } from '../train/config.ts';
import type { Evaluation, Prediction, RunSummary } from '../train/records.ts';
import type { RunFolder } from '../train/run-folder.ts';
import { promptDiagram } from './diagram.ts';
import { page } from './page.ts';
import { accuracyCurve, classBars, confusionMatrix, lossCurve } from './plots.ts';
import { classTable, confusion, curves, headline, inside, topLosses, usage } from './sections.ts';
import { pngOf, thumbnails } from './thumbnails.ts';
import { type LayerWords, nearestWords } from './words.ts';

/** Pictures shown in the confusion matrix at most: a thumbnail takes about 2 KB. */
const MAX_PICTURES = 800;

export type ReportSources = {
  readonly folder: RunFolder;
  /** Where the test pictures are. */
  readonly dataset: Pick<Dataset, 'splits'>;
  /** The base model and the method with what was learnt, for the nearest words; without them that part is left out. */
  readonly learnt?: { readonly clip: Clip; readonly method: Method };
};

/**
 * Writes the report of a finished run. @returns its path
 * @throws FormatError for a run that has not been evaluated yet
 */
export async function writeReport({ folder, dataset, learnt }: ReportSources): Promise<string> {
  const [summary, config] = [await folder.readSummary(), await folder.readConfig()];
  const [metrics, predictions] = [await folder.readMetrics(), await folder.readPredictions()];
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
  const pictures = await thumbnails(picturesOf(predictions, dataset));
  const layout = summary.method.layout as PromptLayout | undefined;
  const words = learnt ? await wordsOf(learnt.clip, learnt.method) : [];
  const text = page(`${summary.method.title} on ${summary.data.name}`, [
    headline(summary, config, before, after),
    curves(charts.loss, charts.accuracy),
    classTable(summary, charts.classes, before, after),
    confusion(summary, charts.confusion_matrix, predictions, pictures),
    topLosses(summary, predictions, pictures),
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
  const found = evaluations.findLast((own) => own.what === what && own.data === data.name && own.classes === classes);
  if (found) return found;
  throw new FormatError(
    'report',
    `the run in ${folder.path} has no ${what} evaluation yet`,
    `finish it: ${command(`train --resume ${folder.path}`)}`,
  );
}

/** Pictures for thumbnails, the hardest first: they are what a reader looks for. */
function picturesOf(predictions: readonly Prediction[], { splits }: Pick<Dataset, 'splits'>): Map<string, ImageSource> {
  const sources = new Map(splits.test.map(({ id, image }) => [id, image]));
  const hardest = [...predictions].sort((a, b) => b.loss - a.loss).slice(0, MAX_PICTURES);
  return new Map(
    hardest.flatMap(({ id }) => {
      const source = sources.get(id);
      return source === undefined ? [] : [[id, source] as const];
    }),
  );
}

async function wordsOf(clip: Clip, method: Method): Promise<LayerWords[]> {
  if (method.kind !== 'prompts' || !clip.text) return [];
  return nearestWords(method, clip.text, await clip.tokenizer());
}

function layersOf({ model }: RunSummary): { textLayers: number; imageLayers: number } {
  const config = model.config as Clip['config'];
  return { textLayers: config.text.layers, imageLayers: config.image.layers };
}
