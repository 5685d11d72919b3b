/** The browser's half of `#decode`. Runs in Chromium only; the other tests of decoding read files and run in Node only. */
import { describe, expect, it } from 'vitest';
import { fixtureUrl } from '@mudpt/testing/fixtures';
import decoded from '@mudpt/testing/fixtures/preprocess/pictures.json' with { type: 'json' };
import upright from '@mudpt/testing/fixtures/preprocess/upright.json' with { type: 'json' };
import { decodeImage } from './decode.ts';
import type { RgbImage } from './image.ts';
import { createImageLoader } from './loader.ts';

async function fetched(name: string): Promise<Blob> {
  const response = await fetch(fixtureUrl(`preprocess/pictures/${name}`));
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
  return new Blob([await response.arrayBuffer()]);
}

async function factsOf({ width, height, data }: RgbImage): Promise<{ width: number; height: number; sha256: string }> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(data)));
  return { width, height, sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') };
}

describe('in a browser', () => {
  const entries = Object.entries(decoded).filter(([name]) => name !== 'cmyk.jpg');

  it.each(entries)("decodes to Pillow's bytes: %s", async (name, facts) => {
    expect(await factsOf(await decodeImage(await fetched(name)))).toEqual(facts);
  });

  it.each(Object.entries(upright))('%s, upright', async (name, facts) => {
    expect(await factsOf(await decodeImage(await fetched(name), { exif: 'apply' }))).toEqual(facts);
  });

  it('refuses CMYK, and names what is damaged', async () => {
    await expect(decodeImage(await fetched('cmyk.jpg'), { name: 'print.jpg' })).rejects.toThrow(/print\.jpg is a CMYK JPEG/);
    const cut = (await fetched('rgb.png')).slice(0, 60);
    await expect(decodeImage(cut, { name: 'cut.png' })).rejects.toThrow(/cut\.png is (damaged|truncated)/);
  });

  it('loads in order on the page', async () => {
    await using loader = createImageLoader({ size: 32 });
    const blobs = await Promise.all(['rgb.png', 'noise.gif', 'q95.jpg'].map(fetched));
    const sizes: number[] = [];
    for await (const { pixels } of loader.iterate(blobs)) sizes.push(pixels.length);
    expect(sizes).toEqual([3072, 3072, 3072]);
  });
});
