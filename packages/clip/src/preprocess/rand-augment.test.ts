import { expect, it } from 'vitest';
import golden from '@mudpt/testing/fixtures/preprocess/rand-augment.json' with { type: 'json' };
import { rotate, transformAffine } from './affine.ts';
import { augment } from './augment.ts';
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
import { RAND_AUGMENT_LISTS, randAugment } from './rand-augment.ts';
import { drawsFor } from './random.ts';

const { width, height } = golden;
/** The image of make_rand_augment.py. */
const IMAGE: RgbImage = {
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const [c, x, y] = [at % 3, Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
    return [(x * 7 + y * 3) % 256, (x * y + 11) % 256, 40 + ((x * 5 + y * 9) % 150)][c] as number;
  }),
};

const OPERATIONS: Readonly<Record<string, (image: RgbImage, value: never) => RgbImage>> = {
  ShearX: (image, value) => transformAffine(image, [1, value, 0, 0, 1, 0]),
  ShearY: (image, value) => transformAffine(image, [1, 0, 0, value, 1, 0]),
  TranslateX: (image, value) => transformAffine(image, [1, 0, value, 0, 1, 0]),
  TranslateY: (image, value) => transformAffine(image, [1, 0, 0, 0, 1, value]),
  Rotate: rotate,
  Brightness: brightness,
  Color: saturation,
  Contrast: contrast,
  Sharpness: sharpness,
  Posterize: posterize,
  Solarize: solarize,
  SolarizeAdd: (image, value) => solarizeAdd(image, value),
  AutoContrast: autoContrast,
  Equalize: equalize,
  Invert: invert,
  Cutout: cutOut,
};

const sha = async ({ data }: RgbImage): Promise<string> => {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(data)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
};

it.each(golden.cases)('$name $value makes the bytes of Pillow', async ({ name, value, sha256 }) => {
  expect(await sha(IMAGE)).toBe(golden.image);
  const operation = OPERATIONS[name] ?? expect.fail(`no operation ${name}`);
  expect(await sha(operation(IMAGE, value as never))).toBe(sha256);
});

it('has the values of torchvision for a magnitude, and those of Dassl', () => {
  const of = (list: 'torchvision' | 'dassl', magnitude: number) =>
    Object.fromEntries(RAND_AUGMENT_LISTS[list].map(({ name, value }) => [name, value(magnitude, { ...IMAGE, width: 331 })]));
  const ours = of('torchvision', 10);
  expect(Object.keys(ours)).toHaveLength(14);
  expect(ours).toMatchObject({ Posterize: 7, Identity: 0, Equalize: 0 });
  for (const [name, value] of [
    ['ShearX', 0.1],
    ['TranslateX', 50],
    ['Rotate', 10],
    ['Color', 0.3],
    ['Solarize', 170],
  ] as const)
    expect(ours[name]).toBeCloseTo(value, 4);
  expect([0, 15, 30].map((m) => of('torchvision', m)['Posterize'])).toEqual([8, 6, 4]);
  const theirs = of('dassl', 10);
  expect(Object.keys(theirs)).toHaveLength(16);
  for (const [name, value] of [
    ['Rotate', 10],
    ['Posterize', 16 / 3],
    ['Color', 0.7],
    ['CutoutAbs', 40 / 3],
    ['TranslateXabs', 100 / 3],
  ] as const)
    expect(theirs[name]).toBeCloseTo(value, 10);
});

it('draws every operation of a list in time, both ways round, and follows the draws', () => {
  const at = (index: number) => drawsFor({ seed: 4, epoch: 0, index });
  for (const list of ['torchvision', 'dassl'] as const) {
    const made = Array.from({ length: 60 }, (_, index) =>
      randAugment(IMAGE, at(index), { list, operations: 1, magnitude: 10 }).data.join(),
    );
    expect(new Set(made).size).toBeGreaterThan(RAND_AUGMENT_LISTS[list].length);
    expect(randAugment(IMAGE, at(7), { list }).data).toEqual(randAugment(IMAGE, at(7), { list }).data);
  }
  expect(randAugment(IMAGE, at(0), { operations: 0 })).toBe(IMAGE);
});

it('follows crop and flip, or the whole image squeezed into the square', () => {
  const at = () => drawsFor({ seed: 4, epoch: 0, index: 2 });
  const squeezed = augment(IMAGE, 16, at(), { crop: 'squeeze', flip: 0 });
  expect(squeezed).toEqual(augment(IMAGE, 16, drawsFor({ seed: 9, epoch: 1, index: 0 }), { crop: 'squeeze', flip: 0 }));
  expect(augment(IMAGE, 16, at(), { crop: 'squeeze', flip: 0, randAugment: { operations: 0 } })).toEqual(squeezed);
  const many = Array.from({ length: 8 }, (_, index) =>
    augment(IMAGE, 16, drawsFor({ seed: 4, epoch: 0, index }), {
      crop: 'squeeze',
      flip: 0,
      randAugment: { list: 'dassl' },
    }).data.join(),
  );
  expect(new Set(many).size).toBeGreaterThan(5);
});
