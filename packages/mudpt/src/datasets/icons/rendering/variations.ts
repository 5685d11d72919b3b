/** Other ways to draw an icon, made from its SVG: as line art, with outlines, with thicker lines, in other colours. */
import { lot } from '../concepts/held-out.ts';

type Box = { readonly width: number; readonly height: number };

/** Width of outlines, of the larger side: that of hand-drawn icons. */
const OUTLINE = 0.026;

/** How much thicker lines are. */
const THICKER = 1.7;

const PAINTS = /\s(fill|stroke|stroke-width|stroke-linejoin|stroke-linecap)="[^"]*"/gu;
const STYLES = /\s(style|class)="[^"]*"/gu;
const WIDTH = /stroke-width="([\d.]+)"/gu;

/** What paths and gradients are painted with, in hexadecimal digits, long or short; names of elements begin with # too. */
const COLOUR = /(?<=(?:fill|stroke|stop-color)(?:="|:\s*))#(?:[0-9a-f]{6}|[0-9a-f]{3})(?![0-9a-z])/giu;

/** A lightness so far from 0 and 1 is a colour; what is nearer is black or white, which outlines and highlights stay. */
const PALE = 0.06;

const outlines = ({ width, height }: Box): string =>
  `stroke="#000" stroke-width="${(OUTLINE * Math.max(width, height)).toFixed(2)}" stroke-linejoin="round" stroke-linecap="round"`;

/** By name; an icon's name with `#` and a variation's name stands for the icon drawn so. */
export const VARIATIONS = {
  /** Its colours, and a black line around every shape. */
  outlined: (body: string, box: Box) => `<g ${outlines(box)}>${body}</g>`,
  /** White shapes with black lines, as in a colouring book. */
  lines: (body: string, box: Box) => `<g fill="#fff" ${outlines(box)}>${body.replace(STYLES, '').replace(PAINTS, keepHoles)}</g>`,
  /** Every colour another one of about the same lightness, by paths: what is red in one place is not bound to what is red in another icon. */
  recoloured: (body: string) => body.replace(COLOUR, (colour) => otherColour(colour, body.length)),
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

/** Any hue and saturation, decided by the colour and the icon; lightness as it was. */
function otherColour(colour: string, icon: number): string {
  const digits = colour.length === 4 ? [...colour.slice(1)].map((digit) => digit + digit).join('') : colour.slice(1);
  const channels = [0, 2, 4].map((at) => Number.parseInt(digits.slice(at, at + 2), 16) / 255);
  const lightness = (Math.max(...channels) + Math.min(...channels)) / 2;
  if (lightness < PALE || lightness > 1 - PALE) return colour;
  const draw = lot(`${digits.toLowerCase()} ${icon}`);
  const [hue, saturation] = [(draw % 360) / 30, 0.3 + 0.6 * ((draw >>> 16) / 0xffff)];
  const swing = saturation * Math.min(lightness, 1 - lightness);
  // CSS Color 4, hsl to sRGB.
  const channel = (offset: number): string => {
    const place = (offset + hue) % 12;
    const value = lightness - swing * Math.max(-1, Math.min(place - 3, 9 - place, 1));
    return Math.round(255 * value)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}
