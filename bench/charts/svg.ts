/** Charts as SVG, made without a browser, and several of them on one sheet. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

export const INK = '#1f2328';
export const MUTED = '#6e7781';
/** Colours that stay apart for the colour-blind (Okabe and Ito). */
export const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;
const FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';

export type Chart = { readonly svg: string; readonly width: number; readonly height: number };

export function chart(options: Plot.PlotOptions & { readonly width: number; readonly height: number }): Chart {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const style = { fontFamily: FONT, fontSize: '11px', background: 'none', color: INK, overflow: 'visible' };
  const element = Plot.plot({ document, style, ...options } as Plot.PlotOptions);
  // Plot's own style sheet speaks of a class; what matters of it stands on the element.
  for (const sheet of element.querySelectorAll('style')) sheet.remove();
  element.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return { svg: element.outerHTML, width: options.width, height: options.height };
}

export type Piece = { readonly x: number; readonly y: number } & (
  | { readonly chart: Chart }
  | {
      readonly text: string;
      readonly size?: number;
      readonly weight?: number;
      readonly fill?: string;
      readonly anchor?: 'start' | 'middle' | 'end';
    }
  | { readonly rect: readonly [width: number, height: number]; readonly fill: string }
);

/** What stands above a picture: its name, and what it shows. */
export function heading(name: string, what: string): Piece[] {
  return [
    { x: 24, y: 34, text: name, size: 18, weight: 700 },
    { x: 24, y: 54, text: what, fill: MUTED },
  ];
}

/** Charts and texts on white, from the top left corner. */
export function sheet(width: number, height: number, title: string, pieces: readonly Piece[]): string {
  const parts = pieces.map((piece) => {
    const { x, y } = piece;
    if ('chart' in piece) return piece.chart.svg.replace('<svg', `<svg x="${x}" y="${y}"`);
    if ('rect' in piece)
      return `<rect x="${x}" y="${y}" width="${piece.rect[0]}" height="${piece.rect[1]}" rx="2" fill="${piece.fill}"/>`;
    const { text, size = 12, weight = 400, fill = INK, anchor = 'start' } = piece;
    return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${fill}" text-anchor="${anchor}">${escaped(text)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${FONT.replaceAll('"', "'")}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="6" fill="white"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
