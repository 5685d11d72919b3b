/** Splits of k: parts that are summed by workgroups of their own. */

/** Fewest steps of k that are worth a workgroup of their own. */
const SHORTEST_CHUNK = 256;

/**
 * Parts of k for products with too few tiles to fill the device and a long k; GPUs estimate the time of their tiles instead (estimate.ts).
 * `forced` overrides the heuristic (tests).
 */
export function chooseSplits(tiles: number, k: number, cpu: boolean, forced: number | undefined): number {
  const wanted = cpu ? 8 : 128;
  const heuristic = k >= 4 * SHORTEST_CHUNK && tiles * 2 <= wanted ? Math.min(Math.ceil(wanted / tiles), 32) : 1;
  const most = forced === undefined ? Math.floor(k / SHORTEST_CHUNK) : Math.ceil(k / 16);
  return Math.max(1, Math.min(forced ?? heuristic, most));
}

/** From this many steps of k on, terms get lost beside the sum before them: parts of LONG_CHUNK are summed apart. */
const LONG = 32768;
const LONG_CHUNK = 1024;
/** Elements that the partial sums of such a product may take (64 MiB); a larger result is split less. */
const MOST_PARTIAL = 2 ** 24;

/** Parts of k without which the sums of a product of `outputs` elements would be inexact. */
export function exactSplits(k: number, outputs: number): number {
  return k < LONG ? 1 : Math.max(1, Math.min(Math.ceil(k / LONG_CHUNK), Math.floor(MOST_PARTIAL / outputs)));
}

/** Steps of k of one split: a multiple of the 16 steps that gemm.tile and gemm.block take at once. */
export function chunkOf(k: number, splits: number): number {
  return Math.max(16, Math.ceil(k / splits / 16) * 16);
}
