/** Changes of colour, byte for byte as in Pillow: ImageOps (posterize, solarize, autocontrast, equalize, invert) and ImageEnhance. */
import { emptyImage, type RgbImage } from './image.ts';

const { fround } = Math;

/** Each channel through a table of 256. */
function throughTables(image: RgbImage, tables: readonly [Uint8Array, Uint8Array, Uint8Array]): RgbImage {
  const result = emptyImage(image.width, image.height);
  for (let i = 0; i < result.data.length; i += 1)
    result.data[i] = (tables[i % 3] as Uint8Array)[image.data[i] as number] as number;
  return result;
}

function everyChannel(image: RgbImage, of: (value: number) => number): RgbImage {
  const table = Uint8Array.from({ length: 256 }, (_, value) => of(value));
  return throughTables(image, [table, table, table]);
}

/** Keeps the highest bits of each channel. */
export function posterize(image: RgbImage, bits: number): RgbImage {
  return everyChannel(image, (value) => value & ~((1 << (8 - bits)) - 1));
}

/** Inverts values from the threshold on. */
export function solarize(image: RgbImage, threshold: number): RgbImage {
  return everyChannel(image, (value) => (value < threshold ? value : 255 - value));
}

/** Adds a number first, up to 255, then solarizes (Dassl's SolarizeAdd). */
export function solarizeAdd(image: RgbImage, addition: number, threshold = 128): RgbImage {
  return solarize(
    everyChannel(image, (value) => Math.trunc(Math.min(255, Math.max(0, value + addition)))),
    threshold,
  );
}

export function invert(image: RgbImage): RgbImage {
  return everyChannel(image, (value) => 255 - value);
}

/** How often each value occurs in each channel. */
function histograms({ data }: RgbImage): readonly [Uint32Array, Uint32Array, Uint32Array] {
  const counts = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)] as const;
  for (let i = 0; i < data.length; i += 1) {
    const of = counts[i % 3] as Uint32Array;
    of[data[i] as number] = (of[data[i] as number] as number) + 1;
  }
  return counts;
}

function byHistogram(image: RgbImage, tableOf: (counts: Uint32Array) => Uint8Array): RgbImage {
  const [red, green, blue] = histograms(image);
  return throughTables(image, [tableOf(red), tableOf(green), tableOf(blue)]);
}

const SAME = Uint8Array.from({ length: 256 }, (_, value) => value);

/** Stretches each channel to 0 to 255. */
export function autoContrast(image: RgbImage): RgbImage {
  return byHistogram(image, (counts) => {
    const [low, high] = [counts.findIndex((count) => count > 0), counts.findLastIndex((count) => count > 0)];
    if (high <= low) return SAME;
    const scale = 255 / (high - low);
    const offset = -low * scale;
    return Uint8Array.from(SAME, (value) => Math.min(255, Math.max(0, Math.trunc(value * scale + offset))));
  });
}

/** Makes the values of each channel equally frequent. */
export function equalize(image: RgbImage): RgbImage {
  return byHistogram(image, (counts) => {
    const used = counts.filter((count) => count > 0);
    if (used.length <= 1) return SAME;
    const step = Math.floor((used.reduce((sum, count) => sum + count, 0) - (used.at(-1) as number)) / 255);
    if (step === 0) return SAME;
    let sum = Math.floor(step / 2);
    return Uint8Array.from(counts, (count) => {
      const value = Math.floor(sum / step);
      sum += count;
      return Math.min(255, value);
    });
  });
}

/** ITU-R 601-2 luma of a pixel. */
const luma = (data: Uint8Array, at: number): number =>
  ((data[at] as number) * 19595 + (data[at + 1] as number) * 38470 + (data[at + 2] as number) * 7471 + 0x8000) >>> 16;

/** `Image.blend`, in f32: factor 0 gives the degenerate image, 1 the image itself, and larger factors go beyond it. */
function blended({ width, height, data }: RgbImage, factor: number, degenerate: (at: number) => number): RgbImage {
  const alpha = fround(factor);
  const result = emptyImage(width, height);
  for (let at = 0; at < data.length; at += 1) {
    const [from, to] = [degenerate(at), data[at] as number];
    const value = fround(from + fround(alpha * (to - from)));
    result.data[at] = Math.trunc(Math.min(255, Math.max(0, value)));
  }
  return result;
}

/** Brightness; factor 0 is black. */
export function brightness(image: RgbImage, factor: number): RgbImage {
  return blended(image, factor, () => 0);
}

/** Colour; factor 0 is grey. */
export function saturation(image: RgbImage, factor: number): RgbImage {
  return blended(image, factor, (at) => luma(image.data, at - (at % 3)));
}

/** Contrast; factor 0 is the mean grey everywhere. */
export function contrast(image: RgbImage, factor: number): RgbImage {
  const { data } = image;
  let sum = 0;
  for (let at = 0; at < data.length; at += 3) sum += luma(data, at);
  const mean = Math.trunc(sum / (data.length / 3) + 0.5);
  return blended(image, factor, () => mean);
}

/** Sharpness; factor 0 is smoothed over 3 x 3 pixels with the middle one counted five times, and an unchanged border. */
export function sharpness(image: RgbImage, factor: number): RgbImage {
  const { width, height, data } = image;
  const row = width * 3;
  const smooth = (at: number): number => {
    const [y, x] = [Math.floor(at / row), Math.floor((at % row) / 3)];
    if (y === 0 || x === 0 || y === height - 1 || x === width - 1) return data[at] as number;
    let sum = 4 * (data[at] as number);
    for (const up of [-row, 0, row]) for (const left of [-3, 0, 3]) sum += data[at + up + left] as number;
    // No sum is half-way between two values: 13 is odd.
    return Math.floor(sum / 13 + 0.5);
  };
  return blended(image, factor, smooth);
}

/** Fills a rectangle with one grey-brown, both corners included; parts outside of the image are left out (Dassl's Cutout). */
export function cutOut(image: RgbImage, [left, top, right, bottom]: readonly [number, number, number, number]): RgbImage {
  const { width, height } = image;
  const data = image.data.slice();
  for (let y = Math.max(0, top); y <= Math.min(height - 1, bottom); y += 1)
    for (let x = Math.max(0, left); x <= Math.min(width - 1, right); x += 1) data.set([125, 123, 114], (y * width + x) * 3);
  return { width, height, data };
}
