/** Choices for a product: its variant, by class where the tuner has measured, and splits of k. */
import { sizeOf } from '../../shape.ts';
import { exactAccess } from './problem/access.ts';
import { BLOCK_STEPS, estimate, type Extent } from './problem/estimate.ts';
import { isFewRows, type Problem } from './problem/problem.ts';
import type { DeviceTraits } from './problem/traits.ts';
import { GEMM_VARIANTS, type GemmVariant, type Tiling } from './variants/index.ts';

const extentOf = ({ m, n, k, batch }: Problem): Extent => ({ m, n, k, batches: sizeOf(batch) });

const canRun = (variant: GemmVariant, p: Problem, traits: DeviceTraits): boolean =>
  (!variant.provenBy || traits.proven.has(variant.name)) && variant.runsOn(traits, p);

/** Whether a proven variant with a numeric gate can run `p` on a device. */
export const takesUnits = (p: Problem, traits: DeviceTraits): boolean =>
  GEMM_VARIANTS.some((variant) => variant.provenBy && canRun(variant, p, traits));

/** Variants that can run `p` on a device, the presumably best first. On GPUs tiles are in the order of their estimated times. */
export function candidatesFor(p: Problem, traits: DeviceTraits): GemmVariant[] {
  const able = GEMM_VARIANTS.filter((variant) => canRun(variant, p, traits));
  if (traits.cpu) return able;
  const extent = extentOf(p);
  return able
    .map((variant) => ({
      variant,
      rank: variant.gpuRank?.(p) ?? 0,
      cycles: variant.model ? estimate(variant.model, extent, traits.workgroupBytes).cycles : 0,
    }))
    .sort((one, other) => one.rank - other.rank || one.cycles - other.cycles)
    .map(({ variant }) => variant);
}

/** From this many tiles of 64 x 64 on a GPU is full, and from this k on a longer one changes nothing: classes end there. */
const MANY_TILES = 1024;
const LONG_K = 2048;
/** Most rows that one tile covers, as for products of prompts. */
const FLAT_ROWS = 32;
/** Largest result, in elements, that counts as small on CPU adapters. */
const SMALL_RESULT = 128 * 128;

/** The nearest power of two, from `least` to `most`. */
const bucket = (x: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, 2 ** Math.round(Math.log2(Math.max(1, x)))));

/**
 * How the operands lie, and how large the product is: `kn/large`, `kk/tall/t128/k1024`. On CPU adapters three sizes; on GPUs, where it matters how many
 * tiles there are for the processors and how long each takes, the number of tiles of 64 x 64 and the length of k, both to the nearest power of two.
 * Products that matrix units of the device take are classes of their own, by their dtype: `kk/tall/t128/k1024/units-f16`.
 */
export function tuningKey(p: Problem, traits: DeviceTraits): string {
  const { cpu } = traits;
  const { VA, VB } = exactAccess(p);
  const few = isFewRows(p.m);
  if (cpu) return `${VA}${VB}/${few ? 'few' : p.m * p.n <= SMALL_RESULT ? 'small' : 'large'}`;
  const rows = few ? 'few' : p.m <= FLAT_ROWS ? 'flat' : 'tall';
  const tiles = Math.ceil(p.m / 64) * Math.ceil(p.n / 64) * sizeOf(p.batch);
  const units = takesUnits(p, traits) ? `/units-${p.a.tensor.dtype}` : '';
  return `${VA}${VB}/${rows}/t${bucket(tiles, 1, MANY_TILES)}/k${bucket(p.k, 64, LONG_K)}${units}`;
}

/** Workgroups of a product in tiles of this size, for one split of k. */
export function tilesOf({ m, n, batch }: Problem, { rows, columns }: Tiling): number {
  return Math.ceil(m / rows) * Math.ceil(n / columns) * sizeOf(batch);
}

/** Splits of k for `variant`: what fills the device, and no fewer than keep a long sum exact. @param forced overrides both (tests) */
export function splitsOf(variant: GemmVariant, p: Problem, traits: DeviceTraits, forced?: number): number {
  const { cpu, workgroupBytes } = traits;
  const tiles = tilesOf(p, variant.tiling(p, traits));
  if (forced !== undefined) return chooseSplits(tiles, p.k, cpu, forced);
  const filling =
    cpu || !variant.model
      ? chooseSplits(tiles, p.k, cpu, undefined)
      : estimate(variant.model, extentOf(p), workgroupBytes).splits;
  return Math.max(filling, exactSplits(p.k, sizeOf(p.batch) * p.m * p.n));
}

/** Fewest steps of k that are worth a workgroup. */
const SHORTEST_CHUNK = 256;

/**
 * Parts of k for products with too few tiles to fill the device and a long k; GPUs estimate the time of their tiles instead (estimate.ts).
 * `forced` overrides the heuristic (tests).
 */
export function chooseSplits(tiles: number, k: number, cpu: boolean, forced: number | undefined): number {
  const wanted = cpu ? 8 : 128;
  const heuristic = k >= 4 * SHORTEST_CHUNK && tiles * 2 <= wanted ? Math.min(Math.ceil(wanted / tiles), 32) : 1;
  const most = forced === undefined ? Math.floor(k / SHORTEST_CHUNK) : Math.ceil(k / BLOCK_STEPS);
  return Math.max(1, Math.min(forced ?? heuristic, most));
}

/** From this many steps of k on, small terms are lost to rounding in the running sum: chunks of LONG_CHUNK are summed separately. */
const LONG = 32768;
const LONG_CHUNK = 1024;
/** Elements that the partial sums of such a product may take (64 MiB); a larger result is split less. */
const MOST_PARTIAL = 2 ** 24;

/** The least number of splits of k at which the sums of a product of `outputs` elements stay exact enough. */
export function exactSplits(k: number, outputs: number): number {
  return k < LONG ? 1 : Math.max(1, Math.min(Math.ceil(k / LONG_CHUNK), Math.floor(MOST_PARTIAL / outputs)));
}
