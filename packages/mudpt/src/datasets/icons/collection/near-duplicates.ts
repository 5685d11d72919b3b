/** Perceptual hashes of drawings: what looks the same has almost the same hash. */
import { nth } from '@mudpt/tensor/internal';
import type { Rendering } from './drawings.ts';

const GRID = 16;

/** Words of a hash. */
const WORDS = (GRID * GRID * 2) / 32;

/**
 * 512 bits: on a grid over the drawing's bounding box, whether each cell is darker than its right neighbour, and than its lower one. Colours
 * count by their luminance on white.
 */
export function perceptualHash({ kind, pixels }: Rendering, side: number): Uint32Array {
  const grey = new Float32Array(side * side);
  let [left, top, right, bottom] = [side, side, 0, 0];
  for (let pixel = 0; pixel < grey.length; pixel++) {
    const alpha = nth(pixels, kind === 'coverage' ? pixel : 4 * pixel + 3) / 255;
    const luminance =
      kind === 'coverage'
        ? 0
        : (0.299 * nth(pixels, 4 * pixel) + 0.587 * nth(pixels, 4 * pixel + 1) + 0.114 * nth(pixels, 4 * pixel + 2)) / 255;
    grey[pixel] = 1 - alpha + alpha * luminance;
    if (alpha < 0.1) continue;
    const [x, y] = [pixel % side, Math.floor(pixel / side)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x + 1), Math.min(top, y), Math.max(bottom, y + 1)];
  }
  const cell = (row: number, column: number): number => {
    const range = (from: number, to: number, at: number): [number, number] => [
      from + ((to - from) * at) / (GRID + 1),
      from + ((to - from) * (at + 1)) / (GRID + 1),
    ];
    const [x0, x1] = range(left, right, column);
    const [y0, y1] = range(top, bottom, row);
    let [sum, count] = [0, 0];
    for (let y = Math.floor(y0); y < Math.max(y1, Math.floor(y0) + 1); y++)
      for (let x = Math.floor(x0); x < Math.max(x1, Math.floor(x0) + 1); x++) {
        sum += nth(grey, Math.min(side - 1, y) * side + Math.min(side - 1, x));
        count++;
      }
    return sum / count;
  };
  const cells = Array.from({ length: (GRID + 1) ** 2 }, (_, index) => cell(Math.floor(index / (GRID + 1)), index % (GRID + 1)));
  const hash = new Uint32Array(WORDS);
  let bit = 0;
  for (const step of [1, GRID + 1])
    for (let row = 0; row < GRID; row++)
      for (let column = 0; column < GRID; column++, bit++) {
        const at = row * (GRID + 1) + column;
        if (nth(cells, at) < nth(cells, at + step) - 0.02) hash[bit >> 5] = nth(hash, bit >> 5) | (1 << (bit & 31));
      }
  return hash;
}

/** Number of bits that differ. */
export function hammingDistance(one: Uint32Array, other: Uint32Array): number {
  let sum = 0;
  for (let word = 0; word < WORDS; word++) {
    let bits = nth(one, word) ^ nth(other, word);
    bits -= (bits >>> 1) & 0x55555555;
    bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
    sum += Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return sum;
}

/** Part of the drawn edges that may differ in a copy. */
const TOLERANCE = 0.15;

/** Fewest edges of what can be told a copy: discs, squares and hearts look the same in every set. */
const LEAST_EDGES = 80;

/** Tells copies of some drawings: what has almost the same edges. */
export class CopyDetector {
  private readonly hashes: Uint32Array[];

  constructor(
    originals: readonly Rendering[],
    private readonly side: number,
  ) {
    this.hashes = originals.map((rendering) => perceptualHash(rendering, side));
  }

  /** One more of what copies are told of. */
  add(original: Rendering): void {
    this.hashes.push(perceptualHash(original, this.side));
  }

  isCopy(rendering: Rendering): boolean {
    const hash = perceptualHash(rendering, this.side);
    const edges = hammingDistance(hash, new Uint32Array(WORDS));
    return edges >= LEAST_EDGES && this.hashes.some((other) => hammingDistance(hash, other) <= TOLERANCE * edges);
  }
}
