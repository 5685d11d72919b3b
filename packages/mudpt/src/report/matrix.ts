/** The confusion matrix drawn: rows are true classes, columns predictions, shades are shares of the row. */
import { nth } from '@mudpt/tensor/internal';
import { type Confusion, marginsOf } from '../evaluation/confusion.ts';
import { html, type Markup } from './markup.ts';
import { roomFor, shortened } from './labels.ts';

/** Pixels between labels and the word for the axis. */
const GAP = 24;
/** Pixels of a matrix drawn in full with its labels, and of one cell at least and at most. */
const [DRAWN, LEAST_CELL, MOST_CELL] = [940, 11, 40];
/** Pixels of a side of the raster image at most. */
const MOST_PIXELS = 1000;

/** White to dark blue, as ColorBrewer's Blues. */
const STOPS = [
  [247, 251, 255],
  [107, 174, 214],
  [8, 48, 107],
] as const;

/** The colour of a share from 0 to 1. */
function shade(share: number): readonly number[] {
  const place = Math.min(1, Math.max(0, share)) * (STOPS.length - 1);
  const below = Math.min(STOPS.length - 2, Math.floor(place));
  const above = nth(STOPS, below + 1);
  return nth(STOPS, below).map((low, channel) => Math.round(low + (nth(above, channel) - low) * (place - below)));
}

/** Every cell that is not empty with its count, for few classes. */
export function matrixSvg(names: readonly string[], confusion: Confusion): string {
  const { labelled } = marginsOf(confusion);
  const short = names.map(shortened);
  const room = roomFor(short);
  // Labels stand to the left, and lean out to the right.
  const free = DRAWN - 1.6 * room - GAP;
  const size = Math.max(LEAST_CELL, Math.min(MOST_CELL, Math.floor(free / Math.max(1, names.length))));
  const [start, side] = [room + GAP, size * names.length];
  const centre = (index: number): number => start + (index + 0.5) * size;
  const labels = short.map(
    (name, index) => html`<text x="${start - 5}" y="${centre(index) + 4}" text-anchor="end">${name}</text>
<text transform="translate(${centre(index) + 3},${start - 6}) rotate(-60)">${name}</text>`,
  );
  const lines = short.map(
    (_, index) =>
      html`<path d="M${start} ${start + index * size}h${side}M${start + index * size} ${start}v${side}" stroke="#e3e9ef"/>`,
  );
  const cells = confusion.cells.map(({ truth, prediction, count }): Markup => {
    const share = count / Math.max(1, nth(labelled, truth));
    const [x, y] = [start + prediction * size, start + truth * size];
    return html`<g data-cell="${truth * names.length + prediction}"><rect x="${x + 0.5}" y="${y + 0.5}" width="${size - 1}" height="${size - 1}" fill="rgb(${shade(share).join(',')})"><title>${nth(names, truth)} taken for ${nth(names, prediction)}: ${count}</title></rect><text x="${centre(prediction)}" y="${centre(truth) + 3}" text-anchor="middle" font-size="${size < 15 ? 7 : 9}" fill="${share > 0.5 ? 'white' : '#333'}" pointer-events="none">${count}</text></g>`;
  });
  const [width, height] = [Math.ceil(start + side + 0.6 * room), start + side + 30];
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="confusion matrix" font-family="system-ui, sans-serif" font-size="11" fill="#222">
<rect x="${start}" y="${start}" width="${side}" height="${side}" fill="rgb(${shade(0).join(',')})"/>${lines}${cells}${labels}
<text x="${start - 5}" y="12" text-anchor="end" fill="#666">predicted →</text><text x="4" y="${start - 6}" fill="#666">↓ true</text></svg>`
    .text;
}

/** An RGB image whose pixels are cells, or squares of cells where there are more than it may have pixels. */
export interface Raster {
  readonly side: number;
  readonly pixels: Uint8Array;
}

/** Shades are square roots of shares, so that even one image in a hundred is visible. */
export function matrixRaster(confusion: Confusion, most = MOST_PIXELS): Raster {
  const { classes, cells } = confusion;
  const bin = Math.max(1, Math.ceil(classes / most));
  const side = Math.ceil(classes / bin);
  const { labelled } = marginsOf(confusion);
  const [totals, counts] = [new Float64Array(side), new Float64Array(side * side)];
  for (const [truth, count] of labelled.entries()) {
    const row = Math.floor(truth / bin);
    totals[row] = nth(totals, row) + count;
  }
  for (const { truth, prediction, count } of cells) {
    const place = Math.floor(truth / bin) * side + Math.floor(prediction / bin);
    counts[place] = nth(counts, place) + count;
  }
  const pixels = filledWith(shade(0), side * side);
  // Only the cells that are not empty: looking at each of a million pixels would block the event loop for a tenth of a second.
  for (const { truth, prediction } of cells) {
    const row = Math.floor(truth / bin);
    const place = row * side + Math.floor(prediction / bin);
    pixels.set(shade(Math.sqrt(nth(counts, place) / Math.max(1, nth(totals, row)))), 3 * place);
  }
  return { side, pixels };
}

/** Pixels of one colour: each copy doubles what is there. */
function filledWith(colour: readonly number[], count: number): Uint8Array {
  const pixels = new Uint8Array(3 * count);
  pixels.set(colour);
  for (let filled = 3; filled < pixels.length; filled *= 2) pixels.copyWithin(filled, 0, filled);
  return pixels;
}
