/** Charts as SVG, made without a browser: Observable Plot on linkedom's document. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { nth } from '@mudpt/tensor/internal';
import type { Evaluation } from '../runs/index.ts';
import { COLOURS, roomFor, shortened } from './labels.ts';

const FONT = { fontFamily: 'system-ui, sans-serif', fontSize: '12px', background: 'white', color: '#222' };

export function svg(options: Plot.PlotOptions): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const element = Plot.plot({ document, style: FONT, ...options } as Plot.PlotOptions);
  element.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return element.outerHTML;
}

/** Classes shown at either end, of many. */
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
