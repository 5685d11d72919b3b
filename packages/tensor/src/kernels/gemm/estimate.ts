/**
 * The time of a product on a GPU by arithmetic, to order tiles and choose splits of k until the tuner has measured. WebGPU tells neither how many
 * processors an adapter has nor how fast it is, so a large GPU of 128 processors is assumed: on a smaller one a product has more waves, where the
 * tiles that win are the large ones, which lose little here.
 */
import { type Block, BLOCKS, BLOCK_STEPS, blockBytes, type BlockName, threadsOf } from './blocks.ts';
import { chunkOf } from './splits.ts';

/** What the estimate assumes of a GPU; times are in cycles of a processor. */
const GPU = {
  processors: 128,
  fmaPerCycle: 128,
  /** Per processor, from the cache that all share. */
  bytesPerCycle: 24,
  /** Warps of 32 with which a processor hides what its instructions wait for. */
  warps: 8,
  mostThreads: 2048,
  registers: 65536,
  workgroupBytes: 200 * 1024,
  /** From a load to its value; a block cannot take less. */
  latency: 700,
  /** A dispatch that waits for the one before it. */
  dispatch: 4000,
} as const;

/** Registers of an invocation beside its sums. */
const OTHER_REGISTERS = 56;

/**
 * Part of the peak that a full processor reaches, as measured on an H100 (NT, NN and TN of projections of ViT-B/16 and ViT-L/14). More sums an invocation
 * need fewer reads of workgroup memory; a tile that fetches more quads an invocation has fewer registers for them.
 */
const EFFICIENCY: Readonly<Record<BlockName | 'tile', number>> = {
  block128x128: 0.5,
  block64x128: 0.4,
  block64x64: 0.39,
  block64x64_wide: 0.36,
  block32x64: 0.4,
  block32x32: 0.36,
  block16x64: 0.18,
  tile: 0.36,
};

const SPLITS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32] as const;
/** Fewest steps of k that a split may have: four blocks. */
const SHORTEST_CHUNK = 4 * BLOCK_STEPS;

export type Extent = { readonly m: number; readonly n: number; readonly k: number; readonly batches: number };
export type Estimate = { readonly splits: number; readonly cycles: number };

/** gemm.tile fetches no block ahead, so each waits for its loads and for two barriers, which other workgroups hide in part only. */
const TILE: Block = { rows: 64, columns: 64, sumRows: 8, sumColumns: 8 };
const TILE_WAITS = 2;

/** Part of the time of loads that sums do not hide, though both can run at once. */
const LOADING_SEEN = 0.25;

/** The best number of splits for a tile, and the cycles that the product then takes. */
export function estimate(variant: BlockName | 'tile', extent: Extent, workgroupBytes: number): Estimate {
  const block: Block = variant === 'tile' ? TILE : BLOCKS[variant];
  let best: Estimate = { splits: 1, cycles: Number.POSITIVE_INFINITY };
  for (const splits of SPLITS) {
    if (splits > 1 && extent.k < splits * SHORTEST_CHUNK) break;
    const cycles = cyclesOf(variant, block, extent, splits, workgroupBytes);
    if (cycles < best.cycles) best = { splits, cycles };
  }
  return best;
}

function cyclesOf(
  variant: BlockName | 'tile',
  block: Block,
  { m, n, k, batches }: Extent,
  splits: number,
  workgroupBytes: number,
): number {
  const { rows, columns, sumRows, sumColumns } = block;
  const threads = threadsOf(block);
  const sums = sumRows * sumColumns;
  const chunk = chunkOf(k, splits);
  const groups = Math.ceil(m / rows) * Math.ceil(n / columns) * batches * splits;
  /** Workgroups of the processor that has most. */
  const busiest = Math.ceil(groups / GPU.processors);
  const fitting = Math.min(
    GPU.mostThreads / threads,
    GPU.registers / ((sums + OTHER_REGISTERS) * threads),
    GPU.workgroupBytes / blockBytes(block, workgroupBytes),
  );
  const resident = Math.min(busiest, Math.floor(fitting));
  const rate = GPU.fmaPerCycle * EFFICIENCY[variant] * Math.min(1, (resident * threads) / 32 / GPU.warps);
  const computing = (busiest * rows * columns * chunk) / rate;
  const loading = (4 * busiest * (rows + columns) * chunk) / GPU.bytesPerCycle;
  const waiting =
    Math.ceil(busiest / resident) * (Math.ceil(chunk / BLOCK_STEPS) * (variant === 'tile' ? TILE_WAITS : 1) + 1) * GPU.latency;
  const total = Math.max(computing + LOADING_SEEN * loading, loading, waiting) + GPU.latency;
  if (splits === 1) return total;
  const partial = 4 * batches * m * n * (2 * splits + 1);
  return total + GPU.dispatch + partial / (GPU.bytesPerCycle * GPU.processors);
}
