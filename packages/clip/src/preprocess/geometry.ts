/** Sizes and offsets with torchvision's rounding. */
import { ShapeError } from '@mudpt/tensor';
import type { RgbImage } from './image.ts';
import { type Interpolation, resizeImage } from './resize.ts';

/** Python's `round`: halves go to the even neighbour. */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** [width, height] when the short side becomes `size`: the long side is cut to a whole number, not rounded. */
export function shortSideSize(width: number, height: number, size: number): [number, number] {
  const long = (side: number, short: number) => Math.trunc((size * side) / short);
  return width <= height ? [size, long(height, width)] : [long(width, height), size];
}

/**
 * `Resize(resize)` of the short side and `CenterCrop(size)`: [size, size, 3] with Pillow's bytes.
 * @param resize what the short side becomes; default `size`, at least `size`
 */
export function resizeAndCrop(
  image: RgbImage,
  size: number,
  resize: number = size,
  interpolation: Interpolation = 'bicubic',
): RgbImage {
  if (!(resize >= size)) {
    const fix = 'resize to at least the size of the crop; torchvision would pad with black';
    throw new ShapeError('resizeAndCrop', `a short side of ${resize} holds no square of ${size}`, fix);
  }
  const [width, height] = shortSideSize(image.width, image.height, resize);
  const left = roundHalfEven((width - size) / 2);
  const top = roundHalfEven((height - size) / 2);
  return resizeImage(image, width, height, { window: { left, top, width: size, height: size }, interpolation });
}

/** How images of any shape become squares. */
export type Resizing = {
  /** `shortest`: the short side is resized and the centre cropped, as CLIP has it. `squash`: both sides become the square's, as SigLIP has it. */
  readonly mode: 'shortest' | 'squash';
  readonly interpolation: Interpolation;
};

/** CLIP's resizing. */
export const CLIP_RESIZING: Resizing = { mode: 'shortest', interpolation: 'bicubic' };

/** [size, size, 3] with Pillow's bytes. @param resize as in {@link resizeAndCrop}; `squash` ignores it */
export function toSquare(image: RgbImage, size: number, resize: number, { mode, interpolation }: Resizing): RgbImage {
  if (mode === 'squash') return resizeImage(image, size, size, { interpolation });
  return resizeAndCrop(image, size, resize, interpolation);
}
