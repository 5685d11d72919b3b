/** Images in memory. */
import { ShapeError } from '@mudpt/tensor';

/** [height, width, 3] red, green, blue, 0 to 255, row by row without gaps. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** An image of zeros. */
export function emptyImage(width: number, height: number): RgbImage & { readonly data: Uint8Array<ArrayBuffer> } {
  return { width, height, data: new Uint8Array(width * height * 3) };
}

/** Throws unless `image` has whole positive sides and as many bytes as they say. */
export function checkImage(op: string, { width, height, data }: RgbImage): void {
  const isSide = (side: number) => Number.isSafeInteger(side) && side > 0;
  if (isSide(width) && isSide(height) && data.length === width * height * 3) return;
  throw new ShapeError(
    op,
    `an image of ${width} x ${height} pixels has ${data.length} bytes`,
    'give width and height of at least 1 and width * height * 3 bytes: red, green, blue',
  );
}

/** The rectangle [height, width] whose upper left corner is at (left, top); it must lie inside. */
export function crop(image: RgbImage, left: number, top: number, width: number, height: number): RgbImage {
  const fits = left >= 0 && top >= 0 && left + width <= image.width && top + height <= image.height;
  if (!fits || ![left, top, width, height].every(Number.isSafeInteger) || width < 1 || height < 1) {
    throw new ShapeError(
      'crop',
      `a box of ${width} x ${height} at (${left}, ${top}) does not fit an image of ${image.width} x ${image.height}`,
      'use whole numbers and a box inside the image',
    );
  }
  if (width === image.width && height === image.height) return image;
  const result = emptyImage(width, height);
  for (let row = 0; row < height; row++) {
    const start = ((top + row) * image.width + left) * 3;
    result.data.set(image.data.subarray(start, start + width * 3), row * width * 3);
  }
  return result;
}

/** Left and right exchanged. */
export function flipHorizontally({ width, height, data }: RgbImage): RgbImage {
  const result = emptyImage(width, height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = (row * width + column) * 3;
      const to = (row * width + width - 1 - column) * 3;
      result.data[to] = data[from]!;
      result.data[to + 1] = data[from + 1]!;
      result.data[to + 2] = data[from + 2]!;
    }
  }
  return result;
}

/**
 * Turns an image upright by its EXIF orientation, as Pillow's `ImageOps.exif_transpose` does: 1 as it is, 2 mirrored, 3 turned by 180
 * degrees, 4 upside down, 5 transposed, 6 turned clockwise, 7 transversed, 8 turned counterclockwise. Other numbers mean nothing.
 */
export function orient(image: RgbImage, orientation: number): RgbImage {
  if (!(orientation >= 2 && orientation <= 8)) return image;
  const { width, height, data } = image;
  const isTurned = orientation >= 5;
  const result = isTurned ? emptyImage(height, width) : emptyImage(width, height);
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  for (let y = 0; y < result.height; y++) {
    for (let x = 0; x < result.width; x++) {
      // Where the pixel comes from, before it is counted from the other side.
      const [column, row] = isTurned ? [y, x] : [x, y];
      const sourceColumn = fromRight ? width - 1 - column : column;
      const sourceRow = fromBottom ? height - 1 - row : row;
      const from = (sourceRow * width + sourceColumn) * 3;
      result.data.set(data.subarray(from, from + 3), (y * result.width + x) * 3);
    }
  }
  return result;
}
