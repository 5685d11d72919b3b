/**
 * Random numbers that depend only on where they are used: the generator Philox4x32-10 turns (seed, epoch, index of the image, number of
 * the draw) into 32 bits. So augmentation is the same for any number of workers, in whatever order images finish, and after a
 * training run is resumed.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11). Counter [block, index, epoch, index >> 32],
 * key [seed, seed >> 32]; draw i is word i mod 4 of block floor(i / 4).
 */
import { ShapeError } from '@mudpt/tensor';

/** Each call gives the next 32 random bits as a whole number below 2^32. */
export type Draw = () => number;

/** The place where draws are used. */
export interface DrawPlace {
  /** Whole number from 0 to 2^53 - 1. */
  readonly seed: number;
  /** Whole number below 2^32. */
  readonly epoch: number;
  /** Index of the image in its data set; whole number from 0 to 2^53 - 1. */
  readonly index: number;
}

/** The draws for one image in one epoch. */
export function drawsFor({ seed, epoch, index }: DrawPlace): Draw {
  for (const [name, value] of Object.entries({ seed, epoch, index })) {
    if (!Number.isSafeInteger(value) || value < 0 || (name === 'epoch' && value >= 2 ** 32)) {
      throw new ShapeError('drawsFor', `${name} is ${value}`, 'use whole numbers from 0 up');
    }
  }
  const high = (value: number) => Math.floor(value / 2 ** 32);
  let drawn = 0;
  let words: readonly number[] = [];
  return () => {
    if (drawn % 4 === 0) words = philox4x32([drawn / 4, index >>> 0, epoch, high(index)], [seed >>> 0, high(seed)]);
    return words[drawn++ % 4]!;
  };
}

/** `torch.empty(1).uniform_(from, to)` on the CPU: 24 random bits; the ends are f32, the sum is rounded to f32 once. */
export function uniform(draw: Draw, from: number, to: number): number {
  const unit = (draw() & 0xffffff) / 0x1000000;
  return Math.fround(unit * Math.fround(Math.fround(to) - Math.fround(from)) + Math.fround(from));
}

/** `torch.randint(0, count, (1,))`. */
export function wholeBelow(draw: Draw, count: number): number {
  return draw() % count;
}

type Words = readonly [number, number, number, number];

/** Ten rounds of Philox4x32. */
export function philox4x32(counter: Words, key: readonly [number, number]): Words {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply(0xd2511f53, c0);
    const [high1, low1] = multiply(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The 64-bit product of two 32-bit numbers as [high, low]. */
function multiply(a: number, b: number): [number, number] {
  // b in two halves: each product stays below 2^48 and is exact.
  const upper = a * (b >>> 16);
  const lower = a * (b & 0xffff);
  const carried = upper + Math.floor(lower / 0x10000);
  return [Math.floor(carried / 0x10000), Math.imul(a, b) >>> 0];
}
