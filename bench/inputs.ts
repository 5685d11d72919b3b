/** The inputs that every engine in a comparison gets: values in -1..1 by a formula, the same in bench/peers/timing.mjs. */
export function values(size: number, seed: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => (((i + seed * 131) * 7919) % 257) / 128 - 1);
}

/** `count` places spread over a result of `size` elements, the same at every run. */
export function places(size: number, count = 16): number[] {
  return Array.from({ length: Math.min(size, count) }, (_, i) => (i * 7919 * 104729) % size);
}
