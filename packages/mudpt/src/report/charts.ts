/** The charts of a report, one after another, and the files they go to. */
import { printable } from '@mudpt/clip';
import { readableName } from '../data/index.ts';
import type { Confusion } from '../evaluation/confusion.ts';
import type { Evaluation, RunSummary } from '../runs/index.ts';
import type { MetricsLine } from '../train/index.ts';
import { matrixRaster, matrixSvg } from './matrix.ts';
import { nameOfEvaluation } from '../runs/records/records.ts';
import { COLOURS, MOST_CLASSES } from './labels.ts';
import { accuracyCurve, lossCurve } from './curves.ts';
import { accuracyHistogram, classBars, classChanges, extremes } from './plots.ts';
import { type ReliabilityDrawing, reliabilityDiagram } from './reliability.ts';
import type { ClassCharts, MatrixDrawing } from './sections.ts';
import { pngOf, rasterPng } from './thumbnails.ts';

export type Charts = {
  readonly loss: string | undefined;
  readonly accuracy: string | undefined;
  readonly classes: ClassCharts;
  readonly matrix: MatrixDrawing;
  /** Zero-shot and tuned; empty for evaluations of version 0.1. */
  readonly reliability: readonly ReliabilityDrawing[];
  /** Names of files, and what makes their contents. */
  readonly files: readonly (readonly [name: string, make: () => Promise<Buffer>])[];
};

/** Pixels of the chart beside the table of classes: drawn smaller, not shrunk, so that its names stay legible. */
const BESIDE_TABLE = 400;

/** A finished run, as its charts show it. */
export interface ChartedRun {
  readonly summary: RunSummary;
  readonly metrics: readonly MetricsLine[];
  /** The evaluation of the frozen model, and that of the tuned one. */
  readonly before: Evaluation;
  readonly after: Evaluation;
  /** Confusions of the tuned model. */
  readonly confusion: Confusion;
}

/** @param piece runs a part of the work, after a turn of the event loop */
export async function drawCharts(run: ChartedRun, piece: <T>(make: () => T) => Promise<Awaited<T>>): Promise<Charts> {
  const { summary, metrics, before, after, confusion } = run;
  const { data, method, training } = summary;
  const { stepsPerEpoch } = training;
  const names = data.classes.map(({ name }) => printable(readableName(name)));
  const changes = classChanges(before, after);
  const loss = await piece(() => lossCurve(metrics, stepsPerEpoch));
  const accuracy = await piece(() => accuracyCurve(metrics, stepsPerEpoch));
  const reliability: ReliabilityDrawing[] = [];
  for (const { what, metrics: measured } of [before, after]) {
    const { calibration } = measured;
    if (!calibration) continue;
    const colour = what === 'tuned' ? COLOURS.after : COLOURS.before;
    const diagram = await piece(() => reliabilityDiagram(calibration, colour));
    reliability.push({ name: nameOfEvaluation(what, method.name), calibration, diagram });
  }
  const curves = Object.entries({ 'loss.png': loss, 'accuracy.png': accuracy }).flatMap(([name, svg]) =>
    svg === undefined ? [] : [[name, () => pngOf(svg)] as const],
  );
  if (names.length <= MOST_CLASSES) {
    changes.sort((a, b) => b.to - b.from - (a.to - a.from));
    const all = await piece(() => classBars(names, changes, BESIDE_TABLE));
    const svg = await piece(() => matrixSvg(names, confusion));
    const files = [...curves, ['classes.png', () => pngOf(all)], ['confusion_matrix.png', () => pngOf(svg)]] as const;
    return { loss, accuracy, reliability, classes: { all }, matrix: { svg }, files };
  }
  const ends = extremes(changes);
  const histogram = await piece(() => accuracyHistogram(changes));
  const least = await piece(() => classBars(names, ends.least));
  const greatest = await piece(() => classBars(names, ends.greatest));
  const raster = await piece(() => matrixRaster(confusion));
  const png = await piece(() => rasterPng(raster));
  return {
    loss,
    accuracy,
    reliability,
    classes: { histogram, least, greatest },
    matrix: { image: `data:image/png;base64,${png.toString('base64')}` },
    files: [...curves, ['classes.png', () => pngOf(histogram)], ['confusion_matrix.png', () => Promise.resolve(png)]],
  };
}
