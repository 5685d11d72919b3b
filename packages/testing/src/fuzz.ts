/** Seeded choices for tests that mutate files: a failure repeats with its seed. */

/** A whole number from 0 to below `below`. */
export type Random = (below: number) => number;

/** mulberry32: small, seeded, good enough to scatter mutations. */
export function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** One of `items`. */
export const pick = <T>(random: Random, items: readonly T[]): T => items[random(items.length)] as T;
