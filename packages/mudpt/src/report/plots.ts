/** Charts as SVG, made without a browser: Observable Plot on linkedom's document. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { nth } from '@mudpt/tensor/internal';
import type { Evaluation } from '../runs/index.ts';
import type { MetricsLine } from '../train/index.ts';
import { COLOURS, roomFor, shortened } from './labels.ts';

type StepLine = Extract<MetricsLine, { kind: 'step' }>;
type EpochLine = Extract<MetricsLine, { kind: 'epoch' }>;

const FONT = { fontFamily: 'system-ui, sans-serif', fontSize: '12px', background: 'white', color: '#222' };

export function svg(options: Plot.PlotOptions): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const element = Plot.plot({ document, style: FONT, ...options } as Plot.PlotOptions);
  element.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return element.outerHTML;
}

/** Loss over steps: every logged value, and the mean of each epoch where it ends. Undefined when nothing was logged. */
export function lossCurve(metrics: readonly MetricsLine[], stepsPerEpoch: number): string | undefined {
  const steps = metrics.filter((line): line is StepLine => line.kind === 'step');
  const epochs = epochsOf(metrics, stepsPerEpoch);
  if (steps.length === 0 && epochs.length === 0) return undefined;
  return svg({
    width: 560,
    height: 260,
    marginLeft: 46,
    x: { label: 'step' },
    y: { label: 'loss', grid: true, zero: true },
    marks: [
      Plot.line(
        steps.map(({ step, loss }) => ({ step: step + 1, loss })),
        { x: 'step', y: 'loss', stroke: COLOURS.before, strokeWidth: 1 },
      ),
      Plot.lineY(epochs, { x: 'at', y: 'loss', stroke: COLOURS.after, strokeWidth: 2, marker: 'dot' }),
    ],
  });
}

/** A curve of what epochs measured, and its name at its end. */
function namedCurve(
  rows: readonly { readonly at: number }[],
  y: 'accuracy' | 'valAccuracy' | 'newAccuracy',
  name: string,
  colour: string,
  options: Plot.LineYOptions = {},
): Plot.Markish[] {
  return [
    Plot.lineY(rows, { x: 'at', y, stroke: colour, strokeWidth: 2, ...options, marker: 'dot' }),
    Plot.text(rows.slice(-1), { x: 'at', y, text: () => name, dx: 8, textAnchor: 'start', fill: colour }),
  ];
}

/** Training accuracy by epoch, and those on validation and on new classes where they were measured. */
export function accuracyCurve(metrics: readonly MetricsLine[], stepsPerEpoch: number): string | undefined {
  const epochs = epochsOf(metrics, stepsPerEpoch);
  if (epochs.length === 0) return undefined;
  const validated = epochs.filter(({ valAccuracy }) => valAccuracy !== undefined);
  const ofNew = epochs.filter(({ newAccuracy }) => newAccuracy !== undefined);
  return svg({
    width: 560,
    height: 260,
    marginLeft: 46,
    marginRight: 70,
    x: { label: 'step' },
    y: { label: 'accuracy, %', grid: true, domain: [0, 100] },
    marks: [
      ...namedCurve(epochs, 'accuracy', 'training', COLOURS.after),
      ...namedCurve(validated, 'valAccuracy', 'validation', COLOURS.extra),
      ...namedCurve(ofNew, 'newAccuracy', 'new classes', COLOURS.other, { strokeDasharray: '4 3' }),
    ],
  });
}

function epochsOf(metrics: readonly MetricsLine[], stepsPerEpoch: number): (EpochLine & { at: number })[] {
  return metrics
    .filter((line): line is EpochLine => line.kind === 'epoch')
    .map((line) => ({ ...line, at: (line.epoch + 1) * stepsPerEpoch }));
}

/** Classes shown at either end then. */
const EXTREMES = 20;
/** Bars of a histogram of accuracies. */
const HISTOGRAM_BINS = 20;
/** Accuracies of a class that has test images. */
export interface ClassChange {
  readonly label: number;
  readonly from: number;
  readonly to: number;
}

export function classChanges(before: Evaluation, after: Evaluation): ClassChange[] {
  return after.metrics.perClass.flatMap(({ label, count, accuracy }) => {
    const from = before.metrics.perClass[label];
    return from && count > 0 ? [{ label, from: from.accuracy, to: accuracy }] : [];
  });
}

/** The classes with the least and with the greatest accuracy, of many. */
export function extremes(changes: readonly ClassChange[], most = EXTREMES): { least: ClassChange[]; greatest: ClassChange[] } {
  const sorted = [...changes].sort((a, b) => a.to - b.to || a.from - b.from || a.label - b.label);
  return { least: sorted.slice(0, most), greatest: sorted.slice(-most).reverse() };
}

/** Accuracy of classes before and after, in the order given. @param width pixels */
export function classBars(names: readonly string[], changes: readonly ClassChange[], width = 560): string {
  const rows = changes.map(({ label, from, to }) => ({ key: `${label}`, from, to }));
  const byKey = new Map(changes.map(({ label }) => [`${label}`, shortened(names[label] ?? '')]));
  return svg({
    width,
    height: 58 + 17 * rows.length,
    marginBottom: 38,
    marginLeft: roomFor([...byKey.values()]),
    x: { label: 'accuracy, % (grey: zero-shot, blue: tuned)', domain: [0, 100], grid: true },
    y: { label: null, domain: rows.map(({ key }) => key), tickFormat: (key: string) => byKey.get(key) ?? key, tickSize: 0 },
    marks: [
      Plot.link(rows, { y1: 'key', y2: 'key', x1: 'from', x2: 'to', stroke: '#bbb', strokeWidth: 2 }),
      Plot.dot(rows, { y: 'key', x: 'from', fill: COLOURS.before, r: 3.5 }),
      Plot.dot(rows, { y: 'key', x: 'to', fill: COLOURS.after, r: 4 }),
    ],
  });
}

/** How many classes have which accuracy: bars before and after, side by side. */
export function accuracyHistogram(changes: readonly ClassChange[]): string {
  const width = 100 / HISTOGRAM_BINS;
  const binOf = (accuracy: number): number => Math.min(HISTOGRAM_BINS - 1, Math.floor(accuracy / width));
  const counts = Array.from({ length: HISTOGRAM_BINS }, () => ({ from: 0, to: 0 }));
  for (const { from, to } of changes) {
    nth(counts, binOf(from)).from += 1;
    nth(counts, binOf(to)).to += 1;
  }
  const bars = (key: 'from' | 'to', left: number) =>
    counts.map((count, bin) => ({ x1: (bin + left) * width, x2: (bin + left + 0.4) * width, count: count[key] }));
  const place = { x1: 'x1', x2: 'x2', y: 'count' } as const;
  return svg({
    width: 1000,
    height: 220,
    marginLeft: 46,
    marginBottom: 38,
    x: { label: 'accuracy, % (grey: zero-shot, blue: tuned)', domain: [0, 100] },
    y: { label: 'classes', grid: true },
    marks: [
      Plot.rectY(bars('from', 0.1), { ...place, fill: COLOURS.before }),
      Plot.rectY(bars('to', 0.5), { ...place, fill: COLOURS.after }),
      Plot.ruleY([0]),
    ],
  });
}
