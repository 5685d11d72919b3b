/**
 * What an augmentation does to one drawing, as a record of numbers: drawn on the host from one random stream, so that a step can be made
 * again exactly, and carried out wherever pixels are made.
 */
import type { Random } from '@mudpt/autograd';
import type { PixelKind } from '../datasets/icons/collection/drawings.ts';

export type Rgb = readonly [red: number, green: number, blue: number];

/**
 * In this order:
 * 1. The pixel at (x, y), from -1 to 1 over the image, takes the drawing's colour (bilinear, weighed with alpha) and alpha from
 *    (a x + b y + c, d x + e y + f), from -1 to 1 over the drawing; there is nothing outside. A coverage drawing has alpha = coverage and
 *    the colour `foreground` everywhere.
 * 2. The colour becomes `recolour` x (red, green, blue, 1), clamped to 0..1.
 * 3. It is laid over `ground` with its alpha.
 * 4. Each channel becomes channel x gain + `lift`, clamped to 0..1, and is normalised as CLIP's images are.
 */
export type AugmentParameters = {
  /** a, b, c, d, e, f. */
  readonly affine: readonly [number, number, number, number, number, number];
  /** Colour of a coverage drawing; unused for RGBA. */
  readonly foreground: Rgb;
  readonly ground: Rgb;
  /** Rows of 4 for red, green, blue. The identity for a coverage drawing. */
  readonly recolour: readonly number[];
  readonly gains: Rgb;
  readonly lift: number;
};

/** Numbers of a packed record: affine 6, foreground 3, ground 3, recolour 12, gains 3, lift 1. */
export const AUGMENT_NUMBERS = 28;

/** Writes records one after the other, each as {@link AUGMENT_NUMBERS} numbers in the order of its fields above. */
export function packAugment(records: readonly AugmentParameters[]): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(records.length * AUGMENT_NUMBERS);
  for (const [index, { affine, foreground, ground, recolour, gains, lift }] of records.entries())
    packed.set([...affine, ...foreground, ...ground, ...recolour, ...gains, lift], index * AUGMENT_NUMBERS);
  return packed;
}

/** Part of the side that a drawing fills without augmentation, as in the down-stream sets. */
const FIT = 0.9;

/** Smallest and largest change of the fit (natural logarithm), for strength 1: 0.5 to 1.05 of the side. */
const LOG_FIT = [-0.58, 0.15] as const;

/** Largest change of each kind, for strength 1. */
const LOG_ASPECT = 0.1;
const ROTATION = 0.25; // radians
const SHIFT = 0.12; // of the half side
const CONTRAST = 0.15;
const BRIGHTNESS = 0.075;

/** Least difference of luminance between foreground and ground. */
const LEGIBLE = 0.35;

const IDENTITY: readonly number[] = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
const LUMINANCE: Rgb = [0.299, 0.587, 0.114];

/** Draws a record for a drawing of `kind`. `strength` 0 gives the look of the down-stream sets: black or the drawing's colours on white. */
export function drawAugment(kind: PixelKind, strength: number, random: Random): AugmentParameters {
  const swing = (limit: number): number => (2 * random() - 1) * limit * strength;
  const fit = FIT * Math.exp(strength * (LOG_FIT[0] + (LOG_FIT[1] - LOG_FIT[0]) * random()));
  const aspect = Math.exp(swing(LOG_ASPECT));
  const angle = swing(ROTATION);
  const mirror = random() < 0.5 * Math.min(1, strength) ? -1 : 1;
  // A small drawing has more room to move.
  const room = Math.max(0, 1 - fit) * strength;
  const [dx, dy] = [0, 1].map(() => (2 * random() - 1) * room + swing(SHIFT));
  const [cos, sin] = [Math.cos(angle) / fit, Math.sin(angle) / fit];
  const [wide, high] = [mirror * aspect, 1 / aspect];
  const affine = [wide * cos, -wide * sin, wide * (dx ?? 0), high * sin, high * cos, high * (dy ?? 0)] as const;
  const colours = kind === 'coverage' ? coverageColours(strength, random) : rgbaColours(strength, random);
  const gains: Rgb = [1 + swing(CONTRAST), 1 + swing(CONTRAST), 1 + swing(CONTRAST)];
  return { affine, ...colours, gains, lift: swing(BRIGHTNESS) };
}

type Colours = Pick<AugmentParameters, 'foreground' | 'ground' | 'recolour'>;

const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [1, 1, 1];

/** A third dark on white, the others in two colours that differ in luminance, light on dark as often as dark on light. */
function coverageColours(strength: number, random: Random): Colours {
  const share = random();
  const foreground = between([0, 0, 0], [0.35, 0.35, 0.35], random);
  if (share >= strength || share < 0.35)
    return { foreground: strength === 0 ? BLACK : foreground, ground: WHITE, recolour: IDENTITY };
  if (share < 0.55) return { foreground: legible(WHITE, random), ground: WHITE, recolour: IDENTITY };
  const ground = anyColour(random);
  return { foreground: legible(ground, random), ground, recolour: IDENTITY };
}

/** White ground in half of the cases; else mostly light, sometimes dark. Some drawings turn their hues, some turn grey. */
function rgbaColours(strength: number, random: Random): Colours {
  const share = random();
  const light = between([0.55, 0.55, 0.55], WHITE, random);
  const dark = between(BLACK, [0.4, 0.4, 0.4], random);
  const ground = share >= strength || share < 0.5 ? WHITE : share < 0.85 ? light : dark;
  const kind = random();
  const [turn, saturation] = [(2 * random() - 1) * Math.PI, 0.4 + 1.1 * random()];
  if (kind >= strength || kind < 0.5) return { foreground: BLACK, ground, recolour: IDENTITY };
  const recolour = kind < 0.6 ? hueMatrix(0, 0) : kind < 0.8 ? hueMatrix(turn * 0.15, saturation) : hueMatrix(turn, saturation);
  return { foreground: BLACK, ground, recolour };
}

function between(from: Rgb, to: Rgb, random: Random): Rgb {
  const [red, green, blue] = [0, 1, 2].map((channel) => {
    const [low, high] = [from[channel] ?? 0, to[channel] ?? 0];
    return low + (high - low) * random();
  });
  return [red ?? 0, green ?? 0, blue ?? 0];
}

const anyColour = (random: Random): Rgb => between(BLACK, WHITE, random);

const luminance = (colour: Rgb): number => colour[0] * LUMINANCE[0] + colour[1] * LUMINANCE[1] + colour[2] * LUMINANCE[2];

/** A colour that is legible on `ground`. */
function legible(ground: Rgb, random: Random): Rgb {
  const bright = luminance(ground);
  for (let attempt = 0; attempt < 8; attempt++) {
    const colour = anyColour(random);
    if (Math.abs(luminance(colour) - bright) >= LEGIBLE) return colour;
  }
  return bright > 0.5 ? BLACK : WHITE;
}

/** Turns hues around the grey axis by `turn` radians and scales the distance from it by `saturation`, as SVG's feColorMatrix does. */
function hueMatrix(turn: number, saturation: number): readonly number[] {
  const [cos, sin] = [saturation * Math.cos(turn), saturation * Math.sin(turn)];
  const [r, g, b] = LUMINANCE;
  return [
    [r + cos * (1 - r) - sin * r, g - cos * g - sin * g, b - cos * b + sin * (1 - b), 0],
    [r - cos * r + sin * 0.143, g + cos * (1 - g) + sin * 0.14, b - cos * b - sin * 0.283, 0],
    [r - cos * r - sin * (1 - r), g - cos * g + sin * g, b + cos * (1 - b) + sin * b, 0],
  ].flat();
}
