/**
 * The counter-based generator Philox4x32-10 in exact integer arithmetic, and how numbers are made of its words.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11), and the known-answer vectors of Random123.
 *
 * Layout: element i of a tensor takes word i mod 4 of block floor(i / 4). The counter of a block is [block, block >> 32, stream, 0], the key
 * is [seed, seed >> 32]. So every element depends on (seed, stream, i) alone, on every adapter and for every dispatch size.
 */
import { type Ref, ref, sizeOf } from './array.ts';

const MASK = 0xffffffffn;
const MULTIPLIER_0 = 0xd2511f53n;
const MULTIPLIER_1 = 0xcd9e8d57n;
const WEYL_0 = 0x9e3779b9n;
const WEYL_1 = 0xbb67ae85n;

export type Words = [number, number, number, number];

/** Ten rounds of Philox4x32: four words of counter and two of key give four random words. */
export function philox4x32(counter: readonly number[], key: readonly number[]): Words {
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const product0 = MULTIPLIER_0 * c0;
    const product1 = MULTIPLIER_1 * c2;
    [c0, c1, c2, c3] = [(product1 >> 32n) ^ c1 ^ k0, product1 & MASK, (product0 >> 32n) ^ c3 ^ k1, product0 & MASK];
    k0 = (k0 + WEYL_0) & MASK;
    k1 = (k1 + WEYL_1) & MASK;
  }
  return [Number(c0), Number(c1), Number(c2), Number(c3)];
}

export type Stream = {
  /** Whole number from 0 to 2^53 - 1. */
  seed: number;
  /** Separates draws made with the same seed. Default 0. */
  stream?: number;
};

const low = (value: number): number => value % 2 ** 32;
const high = (value: number): number => Math.floor(value / 2 ** 32);

/** The four words of one block. */
function blockWords(block: number, { seed, stream = 0 }: Stream): Words {
  return philox4x32([low(block), high(block), stream, 0], [low(seed), high(seed)]);
}

/** The first `count` random words of a stream, as whole numbers below 2^32. */
export function randomWords(count: number, stream: Stream): number[] {
  const words: number[] = [];
  for (let block = 0; words.length < count; block++) words.push(...blockWords(block, stream));
  return words.slice(0, count);
}

/** A word's 24 top bits as a number in [0, 1); exact in f32. */
export function uniformOf(word: number): number {
  return Math.floor(word / 256) / 2 ** 24;
}

/** Uniform numbers in [0, 1). */
export function uniform(shape: readonly number[], stream: Stream): Ref {
  return ref(shape, randomWords(sizeOf(shape), stream).map(uniformOf));
}

/**
 * Standard normal numbers by Box-Muller: words 2j and 2j+1 give u and v, elements 2j and 2j+1 are sqrt(-2 log(1 - u)) times the cosine and
 * the sine of 2 pi v. 1 - u lies in (0, 1], so the logarithm is finite: the largest magnitude is 5.77.
 */
export function normal(shape: readonly number[], stream: Stream): Ref {
  const count = sizeOf(shape);
  const draws = randomWords(count + (count % 2), stream).map(uniformOf);
  const values = Array.from({ length: count }, (_, i) => {
    const first = i - (i % 2);
    const radius = Math.sqrt(-2 * Math.log(1 - draws[first]!));
    const angle = 2 * Math.PI * draws[first + 1]!;
    return radius * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
  });
  return ref(shape, values);
}
