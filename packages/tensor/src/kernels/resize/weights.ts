/** Weights of a resize along one axis: where every cell of the result lies in the input, and what it takes from the cells around. */
import { type Band, bandOf, type Tap } from './band.ts';

/**
 * Where cell i of the result lies, counted in cells of the input (s: cells of the result per cell of the input).
 * - 'halfPixel': (i + 0.5) / s - 0.5, cells are areas.
 * - 'halfPixelSymmetric': the same around the middle, where s times the input is no whole number.
 * - 'pytorchHalfPixel': the same, but 0 for a result of one cell.
 * - 'alignCorners': i (input - 1) / (output - 1), the outer cells lie on one another.
 * - 'asymmetric': i / s.
 *
 * They are those of ONNX's Resize.
 */
export type ResizeCoordinates = 'halfPixel' | 'halfPixelSymmetric' | 'pytorchHalfPixel' | 'alignCorners' | 'asymmetric';
/** How a place between two cells is rounded; 'preferFloor' and 'preferCeil' differ in the middle only. */
export type ResizeRounding = 'floor' | 'ceil' | 'preferFloor' | 'preferCeil';
/** How the cells of a result are made of those of the input; see ResizeOptions. */
export type ResizeMode = 'nearest' | 'nearestExact' | 'linear' | 'cubic' | 'area';

export const COORDINATES: readonly string[] = [
  'halfPixel',
  'halfPixelSymmetric',
  'pytorchHalfPixel',
  'alignCorners',
  'asymmetric',
];
export const ROUNDINGS: readonly string[] = ['floor', 'ceil', 'preferFloor', 'preferCeil'];
export const MODES: readonly string[] = ['nearest', 'nearestExact', 'linear', 'cubic', 'area'];

/** A resize along one axis, all options resolved. */
export type AxisResize = {
  readonly input: number;
  readonly output: number;
  /** Output over input, or the scale that was given. */
  readonly scale: number;
  readonly mode: ResizeMode;
  readonly coordinates: ResizeCoordinates;
  readonly rounding: ResizeRounding;
  readonly antialias: boolean;
  readonly cubicCoefficient: number;
  readonly excludeOutside: boolean;
};

function placeOf(i: number, { input, output, scale, coordinates }: AxisResize): number {
  // Quotients of small whole numbers are exact where they are ties, products with a rounded reciprocal are not.
  const over = (cells: number): number => (scale === output / input ? (cells * input) / output : cells / scale);
  if (coordinates === 'asymmetric') return over(i);
  if (coordinates === 'alignCorners') return output > 1 ? (i * (input - 1)) / (output - 1) : 0;
  if (coordinates === 'pytorchHalfPixel' && output === 1) return 0;
  const place = over(i + 0.5) - 0.5;
  return coordinates === 'halfPixelSymmetric' ? place + (input / 2) * (1 - output / (scale * input)) : place;
}

const ROUND: Readonly<Record<ResizeRounding, (place: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  preferFloor: (place) => Math.ceil(place - 0.5),
  preferCeil: (place) => Math.floor(place + 0.5),
};

/** Keys' cubic convolution (IEEE Transactions on Acoustics, Speech, and Signal Processing 29, 1981) with the slope `a`. */
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

function tapsAt(place: number, axis: AxisResize): Tap[] {
  const { input, output, scale, mode, coordinates, antialias, excludeOutside } = axis;
  const least = coordinates === 'alignCorners' && output > 1 && input > 1 ? (output - 1) / (input - 1) : scale;
  const stretch = antialias ? Math.max(1, 1 / least) : 1;
  const reach = (mode === 'cubic' ? 2 : 1) * stretch;
  const taps: [number, number][] = [];
  let total = 0;
  for (let column = Math.ceil(place - reach); column <= Math.floor(place + reach); column += 1) {
    const distance = (column - place) / stretch;
    const weight = mode === 'cubic' ? cubic(distance, axis.cubicCoefficient) : Math.max(0, 1 - Math.abs(distance));
    const isOutside = column < 0 || column >= input;
    if (weight === 0 || (isOutside && excludeOutside)) continue;
    taps.push([Math.min(Math.max(column, 0), input - 1), weight]);
    total += weight;
  }
  return taps.map(([column, weight]) => [column, weight / total] as const);
}

/** The matrix [output, input] of a resize. */
export function resizeBand(axis: AxisResize): Band {
  const { input, output, mode, rounding } = axis;
  const rows = Array.from({ length: output }, (_, i): Tap[] => {
    if (mode === 'area') {
      const [first, end] = [Math.floor((i * input) / output), Math.ceil(((i + 1) * input) / output)];
      return Array.from({ length: end - first }, (__, t) => [first + t, 1 / (end - first)] as const);
    }
    const place = placeOf(i, axis);
    if (mode === 'linear' || mode === 'cubic') return tapsAt(place, axis);
    return [[Math.min(Math.max(ROUND[rounding](place), 0), input - 1), 1]];
  });
  return bandOf(input, rows);
}
