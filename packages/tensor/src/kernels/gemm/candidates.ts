/** Which variants can take a product, the presumably best first, and the class by which the tuner knows it. */
import { sizeOf } from '../../shape.ts';
import { type BlockName, blocksWithin, isBlock } from './blocks.ts';
import { estimate, type Extent } from './estimate.ts';
import { type Facts, isFewRows, loadModes, type Variant } from './plan.ts';
import type { Product } from './problem.ts';
import { chooseSplits, exactSplits } from './splits.ts';

const extentOf = ({ m, n, k, batch }: Product): Extent => ({ m, n, k, batches: sizeOf(batch) });

/** Variants that can run here, the presumably best first. On GPUs the tiles are in the order of their estimated times. */
export function candidates(p: Product, facts: Facts): Variant[] {
  const { cpu, subgroupSize, matrix } = facts;
  const broadcasts: Variant[] = [4, 8, 16, 32, 64].includes(subgroupSize) ? ['broadcast'] : [];
  const matrices: Variant[] = matrix ? ['matrix'] : [];
  const blocks = blocksWithin(facts);
  if (cpu) return [...broadcasts, 'plain', 'tile', 'dot', ...matrices, ...blocks];
  const tiles = byEstimate(['tile', ...blocks], p, facts);
  return isFewRows(p.m)
    ? ['dot', ...tiles, 'plain', ...broadcasts, ...matrices]
    : [...matrices, ...tiles, 'plain', 'dot', ...broadcasts];
}

function byEstimate(tiles: readonly ('tile' | BlockName)[], p: Product, { workgroupBytes }: Facts): Variant[] {
  const extent = extentOf(p);
  return tiles
    .map((variant) => ({ variant, cycles: estimate(variant, extent, workgroupBytes).cycles }))
    .sort((a, b) => a.cycles - b.cycles)
    .map(({ variant }) => variant);
}

/** Splits of k for a product in `tiles` tiles of `variant`: what fills the device, and no fewer than keep a long sum exact. */
export function splitsFor(
  variant: Variant,
  p: Product,
  tiles: number,
  { cpu, workgroupBytes }: Omit<Facts, 'matrix'>,
  forced: number | undefined,
): number {
  if (forced !== undefined) return chooseSplits(tiles, p.k, cpu, forced);
  const isEstimated = !cpu && (variant === 'tile' || isBlock(variant));
  const busy = isEstimated ? estimate(variant, extentOf(p), workgroupBytes).splits : chooseSplits(tiles, p.k, cpu, forced);
  return Math.max(busy, exactSplits(p.k, sizeOf(p.batch) * p.m * p.n));
}

/** Tiles of 64 x 64 from which a GPU is full whatever their number, and k from which a longer one changes nothing. */
const MANY_TILES = 1024;
const LONG_K = 2048;
/** Rows that fill one tile at most: prompts. */
const FLAT_ROWS = 32;

/** The nearest power of two, from `least` to `most`. */
const bucket = (x: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, 2 ** Math.round(Math.log2(Math.max(1, x)))));

/**
 * The tuner's class of a product: how its operands lie, and how large it is. On CPU adapters three sizes; on GPUs, where it matters how many tiles
 * there are for the processors and how long each takes, the number of tiles of 64 x 64 and the length of k, both to the nearest power of two.
 */
export function keyOf(p: Product, { cpu }: Pick<Facts, 'cpu'>): string {
  const { VA, VB } = loadModes(p);
  const few = isFewRows(p.m);
  if (cpu) return `${VA}${VB}/${few ? 'few' : p.m * p.n <= 128 * 128 ? 'small' : 'large'}`;
  const rows = few ? 'few' : p.m <= FLAT_ROWS ? 'flat' : 'tall';
  const tiles = Math.ceil(p.m / 64) * Math.ceil(p.n / 64) * sizeOf(p.batch);
  return `${VA}${VB}/${rows}/t${bucket(tiles, 1, MANY_TILES)}/k${bucket(p.k, 64, LONG_K)}`;
}
