/**
 * Broken images: each decodes or is a FormatError; none crashes, hangs, or takes the memory of the image it claims to be.
 * `MUDPT_FUZZ` sets another number of files.
 */
import { readdir } from 'node:fs/promises';
import { resourceUsage } from 'node:process';
import { fixturePath } from '@mudpt/testing/files';
import { FormatError } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { imageBytes } from '@mudpt/testing/images';
import { decodeBytes } from './decode.ts';
import { exifOrientation, withoutExif } from './exif.ts';
import { inspectImage } from './inspect.ts';
import { type Draw, drawsFor } from './random.ts';

const COUNT = Number(process.env['MUDPT_FUZZ'] ?? 10_000);
/** What all of it may add to the peak of the process's memory. An image as large as is allowed takes 512 MiB decoded. */
const MAX_GROWTH = 640 * 2 ** 20;
const MAX_SECONDS_EACH = 20;

/** Numbers that break size computations. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff];

/** One to a few changes: bits, bytes, runs, cuts, insertions, large numbers, a piece of another file. */
function mutate(base: Uint8Array, other: Uint8Array, draw: Draw): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(base);
  const below = (count: number) => draw() % Math.max(count, 1);
  // Half of the changes hit the first 64 bytes, where the headers are.
  const place = () => below(draw() % 2 ? Math.min(64, bytes.length) : bytes.length);
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const at = place();
    const edge = EDGES[below(EDGES.length)]!;
    const kind = below(8);
    if (kind === 0) bytes[at] = bytes[at]! ^ (1 << below(8));
    else if (kind === 1) bytes[at] = below(256);
    else if (kind === 2) bytes.fill(edge, at, at + 1 + below(8));
    else if (kind === 3) bytes = bytes.slice(0, at);
    else if (kind === 4) bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + below(40))]);
    else if (kind === 5)
      bytes = Uint8Array.from([
        ...bytes.subarray(0, at),
        ...Array.from({ length: 1 + below(9) }, () => edge),
        ...bytes.subarray(at),
      ]);
    else if (kind === 6)
      bytes.set(Uint8Array.of(below(256), below(256), edge, edge).subarray(0, Math.max(0, bytes.length - at)), at);
    else bytes.set(other.subarray(0, Math.min(1 + below(200), bytes.length - at)), at);
  }
  return bytes;
}

const describeCase = (name: string, index: number) => `case ${index}, a changed ${name}`;

it(
  `${COUNT} changed images decode or are FormatErrors`,
  async () => {
    const folder = fixturePath('preprocess/pictures/');
    const names = (await readdir(folder)).filter((name) => !name.startsWith('refused')).sort();
    const bases = await Promise.all(names.map((name) => imageBytes(name)));
    let decoded = 0;
    let refused = 0;
    const peak = () => resourceUsage().maxRSS * 1024;
    const before = peak();
    for (let index = 0; index < COUNT; index++) {
      const draw = drawsFor({ seed: 2024, epoch: 0, index });
      const which = index % names.length;
      const name = names[which] ?? '';
      const bytes = mutate(bases[which] ?? new Uint8Array(), bases[draw() % bases.length] ?? new Uint8Array(), draw);
      const start = performance.now();
      try {
        const image = await decodeBytes(bytes, { exif: index % 2 ? 'apply' : 'ignore' });
        expect(image.data.length, describeCase(name, index)).toBe(image.width * image.height * 3);
        const { format } = inspectImage(bytes, name);
        withoutExif(bytes, format);
        exifOrientation(bytes, format);
        decoded++;
      } catch (error) {
        if (!(error instanceof FormatError)) throw new Error(describeCase(name, index), { cause: error });
        refused++;
      }
      const seconds = (performance.now() - start) / 1000;
      expect(seconds, `seconds of ${describeCase(name, index)}`).toBeLessThan(MAX_SECONDS_EACH);
      expect(peak() - before, `peak bytes after ${describeCase(name, index)}`).toBeLessThan(MAX_GROWTH);
    }
    // Both ends are reached: the changes are neither harmless nor fatal throughout.
    expect(decoded + refused).toBe(COUNT);
    expect(Math.min(decoded, refused)).toBeGreaterThan(COUNT / 10);
  },
  60_000 + COUNT * 20,
);
