/** Squares of whole images against Pillow's bytes (fixtures/backbones/make_squashed.py). */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fixturePath } from '@mudpt/testing/files';
import { CLIP_RESIZING, type Resizing, toSquare } from './geometry.ts';
import { createImageLoader } from './loader.ts';
import { memoryCache } from './cache.ts';
import { resizeImage } from './resize.ts';

type Fixture = {
  readonly image: { readonly width: number; readonly height: number; readonly data: readonly number[] };
  readonly resized: readonly {
    readonly size: number;
    readonly interpolation: Resizing['interpolation'];
    readonly data: readonly number[];
  }[];
};

const { image: source, resized }: Fixture = JSON.parse(readFileSync(fixturePath('backbones/squashed.json'), 'utf8'));
const image = { ...source, data: Uint8Array.from(source.data) };

it.each(resized)('to $size x $size, $interpolation', ({ size, interpolation, data }) => {
  expect([...toSquare(image, size, size, { mode: 'squash', interpolation }).data]).toEqual(data);
});

it('a loader squashes, and a cache tells such squares from cropped ones', async () => {
  // A bitmap of 7 x 5 pixels, bottom row first, blue before red, rows of a multiple of 4 bytes.
  const [header, stride] = [54, 24];
  const file = new Uint8Array(header + stride * 5);
  const view = new DataView(file.buffer);
  file.set([0x42, 0x4d]);
  for (const [offset, value] of [
    [2, file.length],
    [10, header],
    [14, 40],
    [18, 7],
    [22, 5],
  ] as const)
    view.setUint32(offset, value, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  for (let y = 0; y < 5; y += 1)
    for (let x = 0; x < 7; x += 1)
      for (let c = 0; c < 3; c += 1) file[header + (4 - y) * stride + x * 3 + 2 - c] = image.data[(y * 7 + x) * 3 + c] as number;
  const cache = memoryCache();
  const load = async (resizing: Resizing): Promise<number[]> => {
    await using loader = createImageLoader({ size: 4, workers: 0, cache, resizing });
    return [...(await loader.load(file))];
  };
  for (let pass = 0; pass < 2; pass += 1)
    for (const { size, interpolation, data } of resized)
      if (size === 4) expect(await load({ mode: 'squash', interpolation })).toEqual(data);
  expect(await load(CLIP_RESIZING)).toEqual([...toSquare(image, 4, 4, CLIP_RESIZING).data]);
  expect(() => resizeImage(image, 4, 4, { interpolation: 'lanczos' as never })).toThrow(/"lanczos".*bicubic/s);
});
