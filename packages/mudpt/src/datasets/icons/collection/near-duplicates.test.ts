import { expect, it } from 'vitest';
import type { Rendering } from './drawings.ts';
import { IconSet } from '../rendering/render.ts';
import { CopyDetector, hammingDistance, perceptualHash } from './near-duplicates.ts';

const SIDE = 72;

async function rendering(style: string, icon: string, change: (pixels: Uint8Array) => void = () => {}): Promise<Rendering> {
  const pixels = await (await IconSet.open(style)).rgba(icon, SIDE);
  change(pixels);
  return { kind: 'rgba', pixels };
}

/** Other colours, a shift of three pixels. */
const retouch = (pixels: Uint8Array): void => {
  for (let at = 0; at < pixels.length; at += 4) pixels[at] = Math.min(255, (pixels[at] ?? 0) + 25);
  pixels.copyWithin(4 * 3, 0, pixels.length - 4 * 3);
};

it('an icon retouched is a copy, another artist’s drawing of the same thing is none', async () => {
  const original = await rendering('openmoji', 'guitar');
  const detector = new CopyDetector([original, await rendering('openmoji', 'cat')], SIDE);
  expect(detector.isCopy(original)).toBe(true);
  expect(detector.isCopy(await rendering('openmoji', 'guitar', retouch))).toBe(true);
  expect(detector.isCopy(await rendering('twemoji', 'guitar'))).toBe(false);
  expect(detector.isCopy(await rendering('openmoji', 'dog'))).toBe(false);
});

it('the hash of a disc has few edges, and none differs by itself', async () => {
  const disc = perceptualHash(await rendering('twemoji', 'red-circle'), SIDE);
  expect(hammingDistance(disc, disc)).toBe(0);
  expect(hammingDistance(disc, new Uint32Array(disc.length))).toBeLessThan(80);
});
