/**
 * RandAugment (Cubuk et al., 2020, arXiv:1909.13719): a few operations, drawn with replacement, at one magnitude of 0 to 30. Two lists of operations: torchvision's
 * (transforms.RandAugment), and that of Dassl, the trainer of prompt learning's released code (transforms/randaugment.py).
 */
import { rotate, transformAffine } from './affine.ts';
import {
  autoContrast,
  brightness,
  contrast,
  cutOut,
  equalize,
  invert,
  posterize,
  saturation,
  sharpness,
  solarize,
  solarizeAdd,
} from './color-ops.ts';
import type { RgbImage } from './image.ts';
import { type Draw, uniform, wholeBelow } from './random.ts';

/** Options of RandAugment. */
export interface RandAugmentOptions {
  /** Whose list of operations. Default torchvision. */
  readonly list?: 'torchvision' | 'dassl';
  /** Operations on an image. Default 2. */
  readonly operations?: number;
  /** 0 to 30. Default 9. */
  readonly magnitude?: number;
}

/** The bins of magnitudes. */
const BINS = 31;

/** An operation: the value of a magnitude for an image, whether its sign is drawn, and what it does. */
export interface RandAugmentOperation {
  readonly name: string;
  value(magnitude: number, image: RgbImage): number;
  readonly isSigned: boolean;
  apply(image: RgbImage, value: number, draw: Draw): RgbImage;
}

const { fround } = Math;

/** `torch.linspace(from, to, 31)` in f32, which counts from both ends. */
function bin(from: number, to: number, index: number): number {
  const step = fround((fround(to) - fround(from)) / (BINS - 1));
  return index < BINS / 2 - 0.5
    ? fround(fround(from) + fround(step * index))
    : fround(fround(to) - fround(step * (BINS - 1 - index)));
}

const shearX = (image: RgbImage, value: number): RgbImage => transformAffine(image, [1, value, 0, 0, 1, 0]);
const shearY = (image: RgbImage, value: number): RgbImage => transformAffine(image, [1, 0, 0, value, 1, 0]);
const moveX = (image: RgbImage, value: number): RgbImage => transformAffine(image, [1, 0, value, 0, 1, 0]);
const moveY = (image: RgbImage, value: number): RgbImage => transformAffine(image, [1, 0, 0, 0, 1, value]);
/** torchvision moves by whole pixels, in the opposite direction. */
const wholePixels = (value: number): number => -Math.trunc(value);
/** torchvision gives the shear as an angle. */
const ofAngle = (value: number): number => Math.tan((((Math.atan(value) * 180) / Math.PI) * Math.PI) / 180);

/** torchvision's fourteen operations; the first one does nothing. */
const TORCHVISION: readonly RandAugmentOperation[] = [
  { name: 'Identity', value: () => 0, isSigned: false, apply: (image) => image },
  { name: 'ShearX', value: (m) => bin(0, 0.3, m), isSigned: true, apply: (image, value) => shearX(image, ofAngle(value)) },
  { name: 'ShearY', value: (m) => bin(0, 0.3, m), isSigned: true, apply: (image, value) => shearY(image, ofAngle(value)) },
  {
    name: 'TranslateX',
    value: (m, { width }) => bin(0, (150 / 331) * width, m),
    isSigned: true,
    apply: (image, value) => moveX(image, wholePixels(value)),
  },
  {
    name: 'TranslateY',
    value: (m, { height }) => bin(0, (150 / 331) * height, m),
    isSigned: true,
    apply: (image, value) => moveY(image, wholePixels(value)),
  },
  { name: 'Rotate', value: (m) => bin(0, 30, m), isSigned: true, apply: rotate },
  ...(
    [
      ['Brightness', brightness],
      ['Color', saturation],
      ['Contrast', contrast],
      ['Sharpness', sharpness],
    ] as const
  ).map(([name, enhance]) => ({
    name,
    value: (m: number) => bin(0, 0.9, m),
    isSigned: true,
    apply: (image: RgbImage, value: number) => enhance(image, 1 + value),
  })),
  { name: 'Posterize', value: (m) => 8 - Math.round(m / ((BINS - 1) / 4)), isSigned: false, apply: posterize },
  { name: 'Solarize', value: (m) => bin(255, 0, m), isSigned: false, apply: solarize },
  { name: 'AutoContrast', value: () => 0, isSigned: false, apply: (image) => autoContrast(image) },
  { name: 'Equalize', value: () => 0, isSigned: false, apply: (image) => equalize(image) },
];

const between =
  (from: number, to: number) =>
  (magnitude: number): number =>
    (magnitude / (BINS - 1)) * (to - from) + from;

const plain = (
  name: string,
  apply: (image: RgbImage, value: number, draw: Draw) => RgbImage,
  from = 0,
  to = 1,
): RandAugmentOperation => ({
  name,
  value: between(from, to),
  isSigned: false,
  apply,
});
const signed = (name: string, apply: (image: RgbImage, value: number) => RgbImage, to: number): RandAugmentOperation => ({
  ...plain(name, apply, 0, to),
  isSigned: true,
});

/** Dassl's sixteen operations; distances are in pixels, whatever the size of the image. */
const DASSL: readonly RandAugmentOperation[] = [
  plain('AutoContrast', autoContrast),
  plain('Equalize', equalize),
  plain('Invert', invert),
  signed('Rotate', rotate, 30),
  plain('Posterize', (image, value) => posterize(image, Math.trunc(value)), 4, 8),
  plain('Solarize', solarize, 0, 256),
  plain('SolarizeAdd', (image, value) => solarizeAdd(image, value), 0, 110),
  plain('Color', saturation, 0.1, 1.9),
  plain('Contrast', contrast, 0.1, 1.9),
  plain('Brightness', brightness, 0.1, 1.9),
  plain('Sharpness', sharpness, 0.1, 1.9),
  signed('ShearX', shearX, 0.3),
  signed('ShearY', shearY, 0.3),
  plain('CutoutAbs', cutOutAt, 0, 40),
  signed('TranslateXabs', moveX, 100),
  signed('TranslateYabs', moveY, 100),
];

function cutOutAt(image: RgbImage, side: number, draw: Draw): RgbImage {
  const { width, height } = image;
  const left = Math.trunc(Math.max(0, uniform(draw, 1, width) - side / 2));
  const top = Math.trunc(Math.max(0, uniform(draw, 1, height) - side / 2));
  return cutOut(image, [left, top, Math.trunc(Math.min(width, left + side)), Math.trunc(Math.min(height, top + side))]);
}

/** The operations of a list, in its order. */
export const RAND_AUGMENT_LISTS: Readonly<Record<NonNullable<RandAugmentOptions['list']>, readonly RandAugmentOperation[]>> = {
  torchvision: TORCHVISION,
  dassl: DASSL,
};

/** Draws operations and applies them; the result has the size of `image`. */
export function randAugment(
  image: RgbImage,
  draw: Draw,
  { list = 'torchvision', operations = 2, magnitude = 9 }: RandAugmentOptions = {},
): RgbImage {
  const known = RAND_AUGMENT_LISTS[list];
  let result = image;
  for (let count = 0; count < operations; count += 1) {
    const { value, isSigned, apply } = known[wholeBelow(draw, known.length)] as RandAugmentOperation;
    const at = value(magnitude, result);
    const isTurned = isSigned && wholeBelow(draw, 2) === 1;
    result = apply(result, isTurned ? -at : at, draw);
  }
  return result;
}
