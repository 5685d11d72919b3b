import { expect, it } from 'vitest';
import { randomFrom } from '@mudpt/autograd';
import { CLIP_MEAN, CLIP_STD } from '@mudpt/clip';
import { tensor } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { eachDevice } from '@mudpt/testing/support';
import { augmentedPatches, stage } from './augment.ts';
import { AUGMENT_NUMBERS, type AugmentParameters, drawAugment, packAugment } from './augment-parameters.ts';
import type { PixelKind } from '../datasets/icons/collection/drawings.ts';

const SIDE = 20;
const SIZE = 16;

type Example = { readonly kind: PixelKind; readonly pixels: Uint8Array; readonly record: AugmentParameters };

/** Drawings of noise with blank parts, as records of training show them: some shrink by more than 2. */
function examples(count: number): Example[] {
  const random = randomFrom(3);
  return Array.from({ length: count }, (_, index) => {
    const kind = index % 2 === 0 ? 'coverage' : 'rgba';
    const bytes = SIDE * SIDE * (kind === 'rgba' ? 4 : 1);
    const pixels = Uint8Array.from({ length: bytes }, () => (random() < 0.3 ? 0 : Math.floor(256 * random())));
    const record = drawAugment(kind, 1, random);
    const shrink = index === 4 ? 2.4 : index === 5 ? 7 : 1;
    const [a, b, c, d, e, f] = record.affine;
    return { kind, pixels, record: { ...record, affine: [a * shrink, b * shrink, c, d * shrink, e * shrink, f] } };
  });
}

/** One bilinear sample in double precision: colour times alpha, and alpha. */
function sample({ kind, pixels, record }: Example, x: number, y: number): number[] {
  const [a, b, c, d, e, f] = record.affine;
  const u = ((a * x + b * y + c + 1) * SIDE) / 2 - 0.5;
  const v = ((d * x + e * y + f + 1) * SIDE) / 2 - 0.5;
  const sum = [0, 0, 0, 0];
  for (let py = 0; py < SIDE; py++)
    for (let px = 0; px < SIDE; px++) {
      const weight = Math.max(0, 1 - Math.abs(u - px)) * Math.max(0, 1 - Math.abs(v - py));
      if (weight === 0) continue;
      const place = py * SIDE + px;
      const alpha = nth(pixels, kind === 'rgba' ? 4 * place + 3 : place) / 255;
      for (const channel of [0, 1, 2]) {
        const colour = kind === 'rgba' ? nth(pixels, 4 * place + channel) / 255 : nth(record.foreground, channel);
        sum[channel] = nth(sum, channel) + weight * alpha * colour;
      }
      sum[3] = nth(sum, 3) + weight * alpha;
    }
  return sum;
}

const clamp = (value: number): number => Math.min(1, Math.max(0, value));

/** The three channels of an image's pixel, as AugmentParameters defines them. */
function expectedPixel(example: Example, column: number, row: number): number[] {
  const { affine, ground, recolour, gains, lift } = example.record;
  const [a, b, , d, e] = affine;
  const shrinkage = (Math.max(Math.hypot(a, d), Math.hypot(b, e)) * SIDE) / SIZE;
  const count = Math.min(4, Math.max(1, Math.floor(shrinkage + 0.5)));
  const mean = [0, 0, 0, 0];
  for (let tap = 0; tap < count * count; tap++) {
    const dx = ((tap % count) + 0.5) / count;
    const dy = (Math.floor(tap / count) + 0.5) / count;
    sample(example, ((column + dx) * 2) / SIZE - 1, ((row + dy) * 2) / SIZE - 1).forEach((value, at) => {
      mean[at] = nth(mean, at) + value / count ** 2;
    });
  }
  const alpha = nth(mean, 3);
  const colour = [0, 1, 2].map((channel) => (alpha > 0 ? nth(mean, channel) / alpha : 0));
  return [0, 1, 2].map((channel) => {
    const [r = 0, g = 0, b2 = 0, one = 0] = recolour.slice(4 * channel, 4 * channel + 4);
    const recoloured = clamp(r * nth(colour, 0) + g * nth(colour, 1) + b2 * nth(colour, 2) + one);
    const shown = alpha * recoloured + (1 - alpha) * nth(ground, channel);
    return (clamp(shown * nth(gains, channel) + lift) - nth(CLIP_MEAN, channel)) / nth(CLIP_STD, channel);
  });
}

eachDevice('augmentation', (ctx) => {
  it.each([
    { patch: 8, places: [0, 3] },
    { patch: 4, places: [15, 0, 6] },
  ])('makes patches of $patch pixels as the records say', async ({ patch, places }) => {
    const { device } = ctx;
    const list = examples(8);
    const { words, isRgba } = stage(list, SIDE);
    const input = {
      drawings: tensor(words, { shape: [8, SIDE * SIDE], dtype: 'u32', device }),
      isRgba: tensor(isRgba, { device }),
      records: tensor(packAugment(list.map(({ record }) => record)), { shape: [8, AUGMENT_NUMBERS], device }),
      patches: tensor(Int32Array.from(list.flatMap(() => places)), { shape: [8, places.length], device }),
    };
    using y = augmentedPatches(input, { size: SIZE, patch });
    expect(y.shape).toEqual([8, places.length, 3 * patch * patch]);
    const values = await y.data();
    const across = SIZE / patch;
    let at = 0;
    for (const example of list)
      for (const place of places) {
        for (let pixel = 0; pixel < patch * patch; pixel++) {
          const column = (place % across) * patch + (pixel % patch);
          const row = Math.floor(place / across) * patch + Math.floor(pixel / patch);
          expectedPixel(example, column, row).forEach((expected, channel) => {
            expect(nth(values, at + channel * patch * patch + pixel)).toBeCloseTo(expected, 3);
          });
        }
        at += 3 * patch * patch;
      }
    expect(() => augmentedPatches(input, { size: SIZE, patch: 5 })).toThrow(/do not belong together/);
    for (const one of Object.values(input)) one.dispose();
  });

  it('refuses a drawing of another size', () => {
    expect(() => stage([{ kind: 'rgba', pixels: new Uint8Array(7) }], SIDE)).toThrow(/7 bytes, not 1600/);
  });
});
