/**
 * Affine maps of images by the nearest pixel, byte for byte as Pillow does them (`Image.transform(size, AFFINE, ...)`, `Image.rotate`). Pixels from
 * outside are black. Source: Pillow's libImaging/Geometry.c.
 */
import { emptyImage, type RgbImage } from './image.ts';

/** Output pixel (x, y) takes the input's at (a x + b y + c, d x + e y + f). */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** To 16.16 fixed point. */
const fixed = (value: number): number => Math.floor(value * 0x10000 + 0.5);
/** Truncates towards zero; every negative coordinate is outside. */
const coordinate = (value: number): number => (value < 0 ? -1 : Math.trunc(value));

/** Applies `matrix`; the result has the size of `image`. */
export function transformAffine(image: RgbImage, [a, b, c, d, e, f]: Affine): RgbImage {
  const { width, height } = image;
  if (b !== 0 || d !== 0) {
    const [a0, a1, a3, a4] = [fixed(a), fixed(b), fixed(d), fixed(e)];
    const [a2, a5] = [fixed(c + a * 0.5 + b * 0.5), fixed(f + d * 0.5 + e * 0.5)];
    return fromPlaces(image, (x, y) => [(a2 + x * a0 + y * a1) >> 16, (a5 + x * a3 + y * a4) >> 16]);
  }
  // Coordinates are added up step by step, because Pillow rounds at every step.
  const along = (count: number, step: number, start: number): Int32Array => {
    let at = start + step * 0.5;
    return Int32Array.from({ length: count }, () => {
      const place = coordinate(at);
      at += step;
      return place;
    });
  };
  const [columns, rows] = [along(width, a, c), along(height, e, f)];
  return fromPlaces(image, (x, y) => [columns[x] as number, rows[y] as number]);
}

function fromPlaces({ width, height, data }: RgbImage, place: (x: number, y: number) => readonly [number, number]): RgbImage {
  const result = emptyImage(width, height);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const [column, row] = place(x, y);
      if (column < 0 || column >= width || row < 0 || row >= height) continue;
      const [from, to] = [(row * width + column) * 3, (y * width + x) * 3];
      for (let channel = 0; channel < 3; channel += 1) result.data[to + channel] = data[from + channel] as number;
    }
  return result;
}

/** Rotates about the centre, counter-clockwise, by degrees. */
export function rotate(image: RgbImage, degrees: number): RgbImage {
  if (degrees % 360 === 0) return image;
  const angle = (-(((degrees % 360) + 360) % 360) * Math.PI) / 180;
  const short = (value: number): number => Number(value.toFixed(15));
  const [cos, sin] = [short(Math.cos(angle)), short(Math.sin(angle))];
  const [x, y] = [image.width / 2, image.height / 2];
  return transformAffine(image, [cos, sin, cos * -x + sin * -y + x, -sin, cos, -sin * -x + cos * -y + y]);
}
