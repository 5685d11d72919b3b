import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { classNames } from './concepts/classes.ts';
import { openPhotos, photoPlaces } from './photos.ts';
import { VIEW } from './rendering/view.ts';

it('each class that has photographs has ten or more, each photograph once', () => {
  const counts = new Map<number, number>();
  for (const { label } of photoPlaces) counts.set(label, (counts.get(label) ?? 0) + 1);
  expect(counts.size).toBeGreaterThanOrEqual(8);
  for (const [label, count] of counts) {
    expect(classNames[label], `class ${label}`).toBeDefined();
    expect(count, classNames[label]).toBeGreaterThanOrEqual(10);
  }
  expect(new Set(photoPlaces.map(({ icon }) => icon)).size).toBe(photoPlaces.length);
});

it('a photograph lies whole on white, whatever its shape', async () => {
  await using root = await temporaryFolder();
  const red = { create: { width: 200, height: 100, channels: 4, background: { r: 255, g: 0, b: 0, alpha: 1 } } } as const;
  await mkdir(join(root.path, 'stamps', 'animals'), { recursive: true });
  await put(join(root.path, 'stamps', 'animals', 'crow.png'), await sharp(red).png().toBuffer());
  const photos = await openPhotos(root.path);
  const { data, info } = await sharp(await photos.png('animals/crow', VIEW))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([info.width, info.height, info.channels]).toEqual([64, 64, 3]);
  const isRed = (x: number, y: number): boolean => {
    const [red = 0, green = 0, blue = 0] = data.subarray(3 * (64 * y + x));
    return red > 250 && green < 5 && blue < 5;
  };
  const isWhite = (x: number, y: number): boolean =>
    data.subarray(3 * (64 * y + x), 3 * (64 * y + x) + 3).every((value) => value > 250);
  expect([isWhite(0, 0), isWhite(32, 10), isRed(32, 32), isRed(6, 32), isRed(57, 32)]).toEqual([true, true, true, true, true]);
});
