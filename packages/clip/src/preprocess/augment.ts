/** The random crop and flip CLIP is tuned with, step by step as torchvision does them. */
import { roundHalfEven } from './geometry.ts';
import { crop, flipHorizontally, type RgbImage } from './image.ts';
import type { Draw } from './random.ts';
import { resizeBicubic } from './resize.ts';

/** How images are varied for training: crops as torchvision's RandomResizedCrop takes them, and flips. */
export interface AugmentOptions {
  /** Part of the image's area that a crop covers. Default [0.08, 1]. */
  readonly scale?: readonly [number, number];
  /** Width by height of a crop. Default [3/4, 4/3]. */
  readonly ratio?: readonly [number, number];
  /** How likely left and right are exchanged. Default 0.5. */
  readonly flip?: number;
}

/** A part of an image, in pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const { fround } = Math;

/** `torch.empty(1).uniform_(from, to)` on the CPU: 24 random bits; the ends are f32, the sum is rounded to f32 once. */
function uniform(draw: Draw, from: number, to: number): number {
  const unit = (draw() & 0xffffff) / 0x1000000;
  return fround(unit * fround(fround(to) - fround(from)) + fround(from));
}

/** `torch.randint(0, count, (1,))`. */
const whole = (draw: Draw, count: number): number => draw() % count;

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
      const top = whole(draw, height - boxHeight + 1);
      return { left: whole(draw, width - boxWidth + 1), top, width: boxWidth, height: boxHeight };
    }
  }
  const [narrowest, widest] = [Math.min(...ratio), Math.max(...ratio)];
  let box = { width, height };
  if (width / height < narrowest) box = { width, height: roundHalfEven(width / narrowest) };
  else if (width / height > widest) box = { width: roundHalfEven(height * widest), height };
  return { ...box, left: Math.floor((width - box.width) / 2), top: Math.floor((height - box.height) / 2) };
}

/** `RandomResizedCrop(size, scale, ratio, BICUBIC)` and then `RandomHorizontalFlip(flip)`: [size, size, 3]. */
export function augment(image: RgbImage, size: number, draw: Draw, options: AugmentOptions = {}): RgbImage {
  const box = randomResizedCropBox(image.width, image.height, draw, options);
  const resized = resizeBicubic(crop(image, box.left, box.top, box.width, box.height), size, size);
  return uniform(draw, 0, 1) < (options.flip ?? 0.5) ? flipHorizontally(resized) : resized;
}
