/**
 * Resizing byte for byte as Pillow does it (`Image.resize`): bicubic, which CLIP was trained and is tested with, and bilinear.
 *
 * Source: Pillow's libImaging/Resample.c. The kernel is the cubic with a = -0.5, or a triangle; when shrinking it is widened by the scale, so
 * that every input pixel counts (antialiasing). Horizontal pass first, then vertical; weights are fixed-point numbers with 22 bits after
 * the point, and each pass ends in 8 bits. Canvas, WebGL and other libraries differ by up to 80 levels.
 */
import { ShapeError } from '@mudpt/tensor';
import { checkImage, emptyImage, type RgbImage } from './image.ts';

const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

/** Pillow's filters that models are prepared with. */
export type Interpolation = 'bicubic' | 'bilinear';

/** A kernel, and half its width: in output pixels when shrinking and input pixels when enlarging. */
interface Filter {
  readonly support: number;
  weight(distance: number): number;
}

function cubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

const FILTERS: Readonly<Record<Interpolation, Filter>> = {
  bicubic: { support: 2, weight: cubic },
  bilinear: { support: 1, weight: (distance) => Math.max(0, 1 - Math.abs(distance)) },
};

/** For each output position: where its input begins, how many inputs count, and their weights at `stride` apart. */
interface Weights {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  readonly stride: number;
  readonly values: Int32Array;
}

/** For output positions `first` to `first + length` of `outputSize`. */
function weightsFor(filter: Filter, inputSize: number, outputSize: number, first: number, length: number): Weights {
  const scale = inputSize / outputSize;
  const filterScale = Math.max(scale, 1);
  const support = filter.support * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(length);
  const counts = new Int32Array(length);
  const values = new Int32Array(length * stride);
  const exact = new Float64Array(stride);
  for (let position = 0; position < length; position++) {
    const centre = (first + position + 0.5) * scale;
    const start = Math.max(Math.trunc(centre - support + 0.5), 0);
    const count = Math.min(Math.trunc(centre + support + 0.5), inputSize) - start;
    // Multiplying by the reciprocal and dividing by the sum afterwards, as Pillow does, gives its last bits.
    const reciprocal = 1 / filterScale;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const weight = filter.weight((i + start - centre + 0.5) * reciprocal);
      exact[i] = weight;
      sum += weight;
    }
    for (let i = 0; i < count; i++) {
      const weight = exact[i]! / (sum === 0 ? 1 : sum);
      values[position * stride + i] = Math.trunc(weight * (1 << PRECISION_BITS) + (weight < 0 ? -0.5 : 0.5));
    }
    starts[position] = start;
    counts[position] = count;
  }
  return { starts, counts, stride, values };
}

const toByte = (sum: number): number => {
  const level = sum >> PRECISION_BITS;
  return level < 0 ? 0 : level > 255 ? 255 : level;
};

/* Inside the two loops below every index is in range, hence the assertions: checks would cost a third of the time. */

/** The horizontal pass, for input rows `firstRow` to `firstRow + rows`. */
function resizeRows({ width, data }: RgbImage, firstRow: number, rows: number, weights: Weights): RgbImage {
  const { starts, counts, stride, values } = weights;
  const result = emptyImage(starts.length, rows);
  const output = result.data;
  for (let column = 0; column < starts.length; column++) {
    const firstWeight = column * stride;
    const lastWeight = firstWeight + counts[column]!;
    for (let row = 0; row < rows; row++) {
      let from = ((firstRow + row) * width + starts[column]!) * 3;
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      for (let i = firstWeight; i < lastWeight; i++, from += 3) {
        const weight = values[i]!;
        red = (red + data[from]! * weight) | 0;
        green = (green + data[from + 1]! * weight) | 0;
        blue = (blue + data[from + 2]! * weight) | 0;
      }
      const to = (row * starts.length + column) * 3;
      output[to] = toByte(red);
      output[to + 1] = toByte(green);
      output[to + 2] = toByte(blue);
    }
  }
  return result;
}

/** The vertical pass; row 0 of `image` is row `firstRow` of what the weights count. */
function resizeColumns({ width, data }: RgbImage, firstRow: number, weights: Weights): RgbImage {
  const { starts, counts, stride, values } = weights;
  const result = emptyImage(width, starts.length);
  const output = result.data;
  const rowBytes = width * 3;
  const sums = new Int32Array(rowBytes);
  for (let row = 0; row < starts.length; row++) {
    sums.fill(HALF);
    // Row by row of the input, so that memory is read in order.
    for (let i = 0; i < counts[row]!; i++) {
      const weight = values[row * stride + i]!;
      const from = (starts[row]! - firstRow + i) * rowBytes;
      for (let x = 0; x < rowBytes; x++) sums[x] = sums[x]! + data[from + x]! * weight;
    }
    const to = row * rowBytes;
    for (let x = 0; x < rowBytes; x++) output[to + x] = toByte(sums[x]!);
  }
  return result;
}

/** A part of a resized image. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** How an image is resized. */
export interface ResizeOptions {
  /** The part that is computed. Default: all of it. */
  readonly window?: Window;
  /** Default bicubic. */
  readonly interpolation?: Interpolation;
}

/** {@link resizeImage} with Pillow's bicubic filter. */
export function resizeBicubic(image: RgbImage, width: number, height: number, window?: Window): RgbImage {
  return resizeImage(image, width, height, window && { window });
}

/**
 * `image` in width x height pixels, or the part of that inside `window`. Only the window is computed, so an image of 1 x 100,000 can be
 * resized to a short side of 224 and cropped without the 224 x 22,400,000 pixels in between.
 *
 * @throws ShapeError for sizes below 1 and windows that reach outside
 */
export function resizeImage(
  image: RgbImage,
  width: number,
  height: number,
  { window = { left: 0, top: 0, width, height }, interpolation = 'bicubic' }: ResizeOptions = {},
): RgbImage {
  checkImage('resizeImage', image);
  checkWindow(width, height, window);
  const filter = FILTERS[interpolation];
  if (!filter)
    throw new ShapeError('resizeImage', `the interpolation is ${JSON.stringify(interpolation)}`, "use 'bicubic' or 'bilinear'");
  const horizontal = weightsFor(filter, image.width, width, window.left, window.width);
  const vertical = weightsFor(filter, image.height, height, window.top, window.height);
  // Both passes round, but a pass that changes nothing has the weights 0, 1, 0 and rounds nothing.
  const firstRow = vertical.starts[0]!;
  const last = window.height - 1;
  const rows = vertical.starts[last]! + vertical.counts[last]! - firstRow;
  return resizeColumns(resizeRows(image, firstRow, rows, horizontal), firstRow, vertical);
}

function checkWindow(width: number, height: number, window: Window): void {
  const { left, top } = window;
  const isWhole = [width, height, ...Object.values(window)].every((value: number) => Number.isSafeInteger(value) && value >= 0);
  const fits = left + window.width <= width && top + window.height <= height && window.width > 0 && window.height > 0;
  if (isWhole && fits) return;
  throw new ShapeError(
    'resizeImage',
    `a window of ${window.width} x ${window.height} at (${left}, ${top}) of an image resized to ${width} x ${height} is not possible`,
    'use whole numbers, sizes of at least 1, and a window inside the resized image',
  );
}
