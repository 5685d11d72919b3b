/** The random crop and flip CLIP is tuned with, step by step as torchvision does them; and RandAugment after them. */
import { roundHalfEven } from './geometry.ts';
import { crop, flipHorizontally, type RgbImage } from './image.ts';
import { randAugment, type RandAugmentOptions } from './rand-augment.ts';
import { type Draw, uniform, wholeBelow } from './random.ts';
import { type Interpolation, resizeImage } from './resize.ts';

/** How images are varied for training: crops as torchvision's RandomResizedCrop takes them, and flips. */
export interface AugmentOptions {
  /** Part of the image's area that a crop covers. Default [0.08, 1]. */
  readonly scale?: readonly [number, number];
  /** Width by height of a crop. Default [3/4, 4/3]. */
  readonly ratio?: readonly [number, number];
  /** How likely left and right are exchanged. Default 0.5. */
  readonly flip?: number;
  /** `squeeze`: no crop, the whole image in the square whatever its shape. Default `random`. */
  readonly crop?: 'random' | 'squeeze';
  /** RandAugment of the square, last. Default none. */
  readonly randAugment?: RandAugmentOptions;
}

/** A part of an image, in pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const { fround } = Math;

/**
 * `RandomResizedCrop.get_params`: up to ten boxes of random area and shape are tried; when none fits, the largest centred box whose shape
 * is allowed. Given the same 32-bit draws, torchvision returns the same box.
 */
export function randomResizedCropBox(
  width: number,
  height: number,
  draw: Draw,
  { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] }: AugmentOptions = {},
): Box {
  const [lowest, highest] = [fround(Math.log(fround(ratio[0]))), fround(Math.log(fround(ratio[1])))];
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * uniform(draw, scale[0], scale[1]);
    const shape = fround(Math.exp(uniform(draw, lowest, highest)));
    const boxWidth = roundHalfEven(Math.sqrt(area * shape));
    const boxHeight = roundHalfEven(Math.sqrt(area / shape));
    if (boxWidth > 0 && boxWidth <= width && boxHeight > 0 && boxHeight <= height) {
      const top = wholeBelow(draw, height - boxHeight + 1);
      return { left: wholeBelow(draw, width - boxWidth + 1), top, width: boxWidth, height: boxHeight };
    }
  }
  const [narrowest, widest] = [Math.min(...ratio), Math.max(...ratio)];
  let box = { width, height };
  if (width / height < narrowest) box = { width, height: roundHalfEven(width / narrowest) };
  else if (width / height > widest) box = { width: roundHalfEven(height * widest), height };
  return { ...box, left: Math.floor((width - box.width) / 2), top: Math.floor((height - box.height) / 2) };
}

/** `RandomResizedCrop(size, scale, ratio, interpolation)`, or the whole image, then `RandomHorizontalFlip(flip)` and RandAugment: [size, size, 3]. */
export function augment(
  image: RgbImage,
  size: number,
  draw: Draw,
  options: AugmentOptions = {},
  interpolation: Interpolation = 'bicubic',
): RgbImage {
  const part = options.crop === 'squeeze' ? image : cropped(image, draw, options);
  const square = resizeImage(part, size, size, { interpolation });
  const flipped = uniform(draw, 0, 1) < (options.flip ?? 0.5) ? flipHorizontally(square) : square;
  return options.randAugment ? randAugment(flipped, draw, options.randAugment) : flipped;
}

function cropped(image: RgbImage, draw: Draw, options: AugmentOptions): RgbImage {
  const { left, top, width, height } = randomResizedCropBox(image.width, image.height, draw, options);
  return crop(image, left, top, width, height);
}
