/** Colours and names in charts and drawings. */

/** Colours that stay apart for the colour-blind (Okabe and Ito). */
export const COLOURS = { before: '#999999', after: '#0072b2', extra: '#d55e00', other: '#009e73' } as const;

/** Most letters of a name in a chart; the tables show whole names. */
const MOST_LETTERS = 28;
/** Pixels a letter takes. */
const LETTER = 6.6;

export function shortened(name: string): string {
  const letters = [...name];
  return letters.length > MOST_LETTERS ? `${letters.slice(0, MOST_LETTERS - 1).join('')}…` : name;
}

/** Room for names beside an axis. */
export function roomFor(names: readonly string[]): number {
  return 16 + LETTER * Math.max(4, ...names.map((name) => [...name].length));
}

/** Most classes in a chart of every class; with more, charts show the extremes, and tables with a search show all. */
export const MOST_CLASSES = 60;
