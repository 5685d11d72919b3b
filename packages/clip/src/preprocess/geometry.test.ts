import { ShapeError } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import { resizeAndCrop, roundHalfEven, shortSideSize } from './geometry.ts';
import { crop, emptyImage, flipHorizontally, orient, type RgbImage } from './image.ts';
import { resizeBicubic } from './resize.ts';

/** Every pixel different. */
function ramp(width: number, height: number): RgbImage {
  const image = emptyImage(width, height);
  for (let i = 0; i < image.data.length; i++) image.data[i] = (i * 37 + (i >> 3) * 11) % 256;
  return image;
}

/** The red levels as rows. */
function reds({ width, height, data }: RgbImage): number[][] {
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => data[(y * width + x) * 3] ?? -1));
}

function fromReds(rows: readonly (readonly number[])[]): RgbImage {
  const image = emptyImage(rows[0]!.length, rows.length);
  rows.flat().forEach((level, pixel) => {
    image.data[pixel * 3] = level;
  });
  return image;
}

describe('rounding', () => {
  it('sends halves to the even neighbour, as Python does', () => {
    expect([0.5, 1.5, 2.5, 2.4999, 2.5001, 0, 7, 117.5].map(roundHalfEven)).toEqual([0, 2, 2, 2, 3, 0, 7, 118]);
  });

  it('cuts the long side', () => {
    expect(shortSideSize(500, 375, 224)).toEqual([298, 224]);
    expect(shortSideSize(375, 500, 224)).toEqual([224, 298]);
    expect(shortSideSize(224, 224, 224)).toEqual([224, 224]);
    expect(shortSideSize(33, 435, 64)).toEqual([64, 843]);
  });
});

describe('resizeBicubic', () => {
  it('changes nothing at the same size', () => {
    const image = ramp(31, 17);
    expect(resizeBicubic(image, 31, 17)).toEqual(image);
  });

  it('keeps a flat image flat at every size', () => {
    const image = { width: 13, height: 7, data: new Uint8Array(13 * 7 * 3).fill(201) };
    for (const [width, height] of [
      [1, 1],
      [5, 40],
      [224, 3],
    ] as const)
      expect(new Set(resizeBicubic(image, width, height).data)).toEqual(new Set([201]));
  });

  it.each([
    [50, 41, 20, 13],
    [20, 13, 50, 41],
    [64, 64, 64, 5],
  ])('gives the same part when only a window is computed: %i x %i to %i x %i', (fromWidth, fromHeight, width, height) => {
    const image = ramp(fromWidth, fromHeight);
    const whole = resizeBicubic(image, width, height);
    for (const window of [
      { left: 0, top: 0, width: 1, height: 1 },
      { left: width - 1, top: height - 1, width: 1, height: 1 },
      { left: 3, top: 1, width: width - 5, height: height - 2 },
    ]) {
      const part = resizeBicubic(image, width, height, window);
      expect(part).toEqual(crop(whole, window.left, window.top, window.width, window.height));
    }
  });

  it('refuses sizes and windows that make no sense', () => {
    expect(() => resizeBicubic(ramp(4, 4), 0, 4)).toThrow(ShapeError);
    expect(() => resizeBicubic(ramp(4, 4), 2.5, 4)).toThrow(/use whole numbers/i);
    expect(() => resizeBicubic(ramp(4, 4), 8, 8, { left: 5, top: 0, width: 4, height: 8 })).toThrow(/4 x 8 at \(5, 0\)/);
    expect(() => resizeBicubic({ width: 4, height: 4, data: new Uint8Array(47) }, 8, 8)).toThrow(/4 x 4 pixels has 47 bytes/);
  });
});

describe('resizeAndCrop', () => {
  it('takes the memory of the crop, not of the resized image', () => {
    // The short side resized to 224 would make 224 x 22,400,000 pixels.
    const { width, height } = resizeAndCrop(emptyImage(1, 100_000), 224);
    expect([width, height]).toEqual([224, 224]);
  });

  it('refuses a crop larger than the short side', () => {
    expect(() => resizeAndCrop(ramp(9, 9), 32, 31)).toThrow(/short side of 31 holds no square of 32/);
  });
});

describe('moving pixels', () => {
  const image = fromReds([
    [1, 2, 3],
    [4, 5, 6],
  ]);

  it('crops', () => {
    expect(reds(crop(image, 1, 0, 2, 2))).toEqual([
      [2, 3],
      [5, 6],
    ]);
    expect(() => crop(image, 2, 0, 2, 2)).toThrow(/2 x 2 at \(2, 0\) does not fit an image of 3 x 2/);
  });

  it('flips all three channels', () => {
    const flipped = flipHorizontally(ramp(5, 3));
    expect(reds(flipHorizontally(image))[0]).toEqual([3, 2, 1]);
    expect(flipped).not.toEqual(ramp(5, 3));
    expect(flipHorizontally(flipped)).toEqual(ramp(5, 3));
  });

  it.each([
    [1, ['123', '456']],
    [2, ['321', '654']],
    [3, ['654', '321']],
    [4, ['456', '123']],
    [5, ['14', '25', '36']],
    [6, ['41', '52', '63']],
    [7, ['63', '52', '41']],
    [8, ['36', '25', '14']],
    [9, ['123', '456']],
  ])('turns upright from orientation %i', (orientation, rows) => {
    expect(reds(orient(image, orientation)).map((row) => row.join(''))).toEqual(rows);
  });
});
