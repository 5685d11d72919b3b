/** Charts as SVG, made without a browser: Observable Plot on linkedom's document. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Evaluation } from '../runs/index.ts';
import type { MetricsLine } from '../train/index.ts';

/** Colours that stay apart for the colour-blind (Okabe and Ito). */
export const COLOURS = { before: '#999999', after: '#0072b2', extra: '#d55e00' } as const;

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

/** Training accuracy by epoch, and validation accuracy where it was measured. */
export function accuracyCurve(metrics: readonly MetricsLine[], stepsPerEpoch: number): string | undefined {
  const epochs = epochsOf(metrics, stepsPerEpoch);
  if (epochs.length === 0) return undefined;
  const validated = epochs.filter(({ valAccuracy }) => valAccuracy !== undefined);
  const last = (rows: readonly { at: number }[]) => rows.slice(-1);
  return svg({
    width: 560,
    height: 260,
    marginLeft: 46,
    marginRight: 70,
    x: { label: 'step' },
    y: { label: 'accuracy, %', grid: true, domain: [0, 100] },
    marks: [
      Plot.lineY(epochs, { x: 'at', y: 'accuracy', stroke: COLOURS.after, strokeWidth: 2, marker: 'dot' }),
      Plot.text(last(epochs), {
        x: 'at',
        y: 'accuracy',
        text: () => 'training',
        dx: 8,
        textAnchor: 'start',
        fill: COLOURS.after,
      }),
      Plot.lineY(validated, { x: 'at', y: 'valAccuracy', stroke: COLOURS.extra, strokeWidth: 2, marker: 'dot' }),
      Plot.text(last(validated), {
        x: 'at',
        y: 'valAccuracy',
        text: () => 'validation',
        dx: 8,
        textAnchor: 'start',
        fill: COLOURS.extra,
      }),
    ],
  });
}

function epochsOf(metrics: readonly MetricsLine[], stepsPerEpoch: number): (EpochLine & { at: number })[] {
  return metrics
    .filter((line): line is EpochLine => line.kind === 'epoch')
    .map((line) => ({ ...line, at: (line.epoch + 1) * stepsPerEpoch }));
}

/** Charts of more classes cannot be read: the report has tables with a search then. */
export const MOST_CLASSES = 60;
/** Letters of a name in a chart; the tables have the whole. */
const MOST_LETTERS = 28;
/** Pixels a letter takes, and between labels and the word for the axis. */
const [LETTER, GAP] = [6.6, 24];

function shortened(name: string): string {
  const letters = [...name];
  return letters.length > MOST_LETTERS ? `${letters.slice(0, MOST_LETTERS - 1).join('')}…` : name;
}

/** Room for names beside an axis. */
function roomFor(names: readonly string[]): number {
  return 16 + LETTER * Math.max(4, ...names.map((name) => [...name].length));
}

/** Accuracy of every class before and after, the classes that gained most first. Undefined for more than can be read. */
export function classBars(names: readonly string[], before: Evaluation, after: Evaluation): string | undefined {
  if (names.length > MOST_CLASSES) return undefined;
  const rows = names.flatMap((name, label) => {
    const [from, to] = [before.metrics.perClass[label], after.metrics.perClass[label]];
    return from && to && to.count > 0 ? [{ key: `${label}`, name, from: from.accuracy, to: to.accuracy }] : [];
  });
  rows.sort((a, b) => b.to - b.from - (a.to - a.from));
  const byKey = new Map(rows.map(({ key, name }) => [key, shortened(name)]));
  return svg({
    width: 560,
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

/** Rows are true classes, columns predictions; shades are shares of the row. Undefined for more classes than can be read. */
export function confusionMatrix(names: readonly string[], { metrics }: Evaluation): string | undefined {
  if (names.length > MOST_CLASSES) return undefined;
  const cells = metrics.confusion.flatMap((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, guess) => ({ truth: `${truth}`, guess: `${guess}`, count, share: total > 0 ? count / total : 0 }));
  });
  const keys = names.map((_, label) => `${label}`);
  const short = names.map(shortened);
  const name = (key: string): string => short[Number(key)] ?? key;
  const size = Math.max(11, Math.min(40, Math.floor(720 / Math.max(1, names.length))));
  const margin = roomFor(short);
  const offset = margin + GAP - 6;
  return svg({
    width: 1.6 * margin + GAP + size * names.length,
    marginRight: 0.6 * margin,
    height: margin + GAP + 30 + size * names.length,
    marginLeft: margin + GAP,
    marginTop: margin + GAP,
    padding: 0.04,
    x: { domain: keys, axis: 'top', label: 'predicted', labelOffset: offset, tickFormat: name, tickRotate: -60, tickSize: 0 },
    y: { domain: keys, label: 'true', labelOffset: offset, tickFormat: name, tickSize: 0 },
    color: { scheme: 'blues', domain: [0, 1] },
    marks: [
      Plot.cell(cells, { x: 'guess', y: 'truth', fill: 'share' }),
      Plot.text(
        cells.filter(({ count }) => count > 0),
        {
          x: 'guess',
          y: 'truth',
          text: 'count',
          fill: (cell: { share: number }) => (cell.share > 0.5 ? 'white' : '#333'),
          fontSize: 9,
        },
      ),
    ],
  });
}
