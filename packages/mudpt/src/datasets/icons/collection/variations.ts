/** Other ways to draw an icon, made from its SVG: as line art, with outlines, with thicker lines. */

type Box = { readonly width: number; readonly height: number };

/** Width of outlines, of the larger side: that of hand-drawn icons. */
const OUTLINE = 0.026;

/** How much thicker lines are. */
const THICKER = 1.7;

const PAINTS = /\s(fill|stroke|stroke-width|stroke-linejoin|stroke-linecap)="[^"]*"/gu;
const STYLES = /\s(style|class)="[^"]*"/gu;
const WIDTH = /stroke-width="([\d.]+)"/gu;

const outlines = ({ width, height }: Box): string =>
  `stroke="#000" stroke-width="${(OUTLINE * Math.max(width, height)).toFixed(2)}" stroke-linejoin="round" stroke-linecap="round"`;

/** By name; an icon's name with `#` and a variation's name stands for the icon drawn so. */
export const VARIATIONS = {
  /** Its colours, and a black line around every shape. */
  outlined: (body: string, box: Box) => `<g ${outlines(box)}>${body}</g>`,
  /** White shapes with black lines, as in a colouring book. */
  lines: (body: string, box: Box) => `<g fill="#fff" ${outlines(box)}>${body.replace(STYLES, '').replace(PAINTS, keepHoles)}</g>`,
  /** Thicker lines, for an icon that is drawn in lines. */
  thick: (body: string) => body.replace(WIDTH, (_, width: string) => `stroke-width="${(THICKER * Number(width)).toFixed(2)}"`),
} as const satisfies Record<string, (body: string, box: Box) => string>;

export type Variation = keyof typeof VARIATIONS;

/** A shape without a filling stays without one. */
const keepHoles = (paint: string): string => (paint === ' fill="none"' ? paint : '');

/** Whether thicker lines change anything. */
export const isDrawnInLines = (body: string): boolean => /stroke-width="[\d.]+"/u.test(body);

/** An icon's name and, perhaps, its variation. */
export function variationOf(name: string): { readonly icon: string; readonly variation: Variation | undefined } {
  const [icon = '', variation] = name.split('#');
  return { icon, variation: variation as Variation | undefined };
}
