/**
 * A cost model of products on a GPU, to order tiles and choose splits of k until the tuner has measured. WebGPU tells neither how many
 * processors an adapter has nor how fast it is, so a large GPU of 128 processors is assumed: on a smaller one a product has more waves, where the
 * tiles that win are the large ones, which lose little here.
 */

/** A tile of a workgroup, in rows and columns of the result, and of an invocation. */
export type TileSize = {
  readonly rows: number;
  readonly columns: number;
  /** Rows and columns of the sums of an invocation: 4 or 8. */
  readonly sumRows: number;
  readonly sumColumns: number;
  /** Invocations that share the steps of the same sums; default 1. */
  readonly slices?: number;
  /** Most blocks of each operand in workgroup memory; default 2. */
  readonly buffers?: 1 | 2;
};

export type TileModel = TileSize & {
  /**
   * Part of the peak that a full processor reaches, as measured on an H100 (NT, NN and TN of projections of ViT-B/16 and ViT-L/14). More sums an
   * invocation need fewer reads of workgroup memory; a tile that fetches more quads an invocation has fewer registers for them.
   */
  readonly efficiency: number;
  /** How often a block of k, of {@link BLOCK_STEPS}, waits for its loads. */
  readonly waits: number;
  /** Bytes of a component of the operands; default: 4. */
  readonly bytes?: number;
};

/** Steps of k that kernels take at once; a split has a multiple of them. */
export const BLOCK_STEPS = 16;

/** Steps of k of one split. */
export function chunkOf(k: number, splits: number): number {
  return Math.max(BLOCK_STEPS, Math.ceil(k / splits / BLOCK_STEPS) * BLOCK_STEPS);
}

/** Invocations of a workgroup. */
export const threadsOf = ({ rows, columns, sumRows, sumColumns, slices = 1 }: TileSize): number =>
  (rows / sumRows) * (columns / sumColumns) * slices;

/** Bytes of workgroup memory of one buffer for both operands. */
export const bytesOfBuffer = ({ rows, columns }: TileSize): number => 4 * BLOCK_STEPS * (rows + columns);

/** Two buffers need one barrier per block; one buffer is used where two exceed the device's limit. */
export const buffersOf = (size: TileSize, workgroupBytes: number): 1 | 2 =>
  size.buffers !== 1 && 2 * bytesOfBuffer(size) <= workgroupBytes ? 2 : 1;

/** Bytes of workgroup memory on a device with this limit. */
export const bytesOf = (size: TileSize, workgroupBytes: number): number => buffersOf(size, workgroupBytes) * bytesOfBuffer(size);

/** The assumed GPU; times are in cycles of a processor. */
const GPU = {
  processors: 128,
  fmaPerCycle: 128,
  /** Bytes per cycle that a processor gets from the cache that all share. */
  bytesPerCycle: 24,
  /** Warps of 32 that a processor needs to hide the latency of instructions. */
  warps: 8,
  mostThreads: 2048,
  registers: 65536,
  workgroupBytes: 200 * 1024,
  /** Latency of a load; a block cannot take less. */
  latency: 700,
  /** Time of a dispatch that waits for the one before it. */
  dispatch: 4000,
} as const;

/** Registers of an invocation that do not hold sums: 149 with 64 sums, 99 with 32 and 93 with 16 on an H200. */
const OTHER_REGISTERS = 80;

const SPLITS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32] as const;
/** Fewest steps of k that a split may have: four blocks. */
const SHORTEST_CHUNK = 4 * BLOCK_STEPS;

export type Extent = { readonly m: number; readonly n: number; readonly k: number; readonly batches: number };
export type Estimate = { readonly splits: number; readonly cycles: number };

/** Share of the time of loads that arithmetic does not hide, although both can run at once. */
const LOADING_SEEN = 0.25;

/** The best number of splits for a tile, and the cycles that the product then takes. */
export function estimate(model: TileModel, extent: Extent, workgroupBytes: number): Estimate {
  let best: Estimate = { splits: 1, cycles: Number.POSITIVE_INFINITY };
  for (const splits of SPLITS) {
    if (splits > 1 && extent.k < splits * SHORTEST_CHUNK) break;
    const cycles = cyclesOf(model, extent, splits, workgroupBytes);
    if (cycles < best.cycles) best = { splits, cycles };
  }
  return best;
}

function cyclesOf(model: TileModel, { m, n, k, batches }: Extent, splits: number, workgroupBytes: number): number {
  const { rows, columns, sumRows, sumColumns, efficiency, waits, bytes = 4 } = model;
  const threads = threadsOf(model);
  const sums = sumRows * sumColumns;
  const chunk = chunkOf(k, splits);
  const groups = Math.ceil(m / rows) * Math.ceil(n / columns) * batches * splits;
  /** Workgroups of the busiest processor. */
  const busiest = Math.ceil(groups / GPU.processors);
  const fitting = Math.min(
    GPU.mostThreads / threads,
    GPU.registers / ((sums + OTHER_REGISTERS) * threads),
    GPU.workgroupBytes / bytesOf(model, workgroupBytes),
  );
  const resident = Math.min(busiest, Math.floor(fitting));
  const rate = GPU.fmaPerCycle * efficiency * Math.min(1, (resident * threads) / 32 / GPU.warps);
  const computing = (busiest * rows * columns * chunk) / rate;
  const loading = (bytes * busiest * (rows + columns) * chunk) / GPU.bytesPerCycle;
  const waiting = Math.ceil(busiest / resident) * (Math.ceil(chunk / BLOCK_STEPS) * waits + 1) * GPU.latency;
  const total = Math.max(computing + LOADING_SEEN * loading, loading, waiting) + GPU.latency;
  if (splits === 1) return total;
  const partial = 4 * batches * m * n * (2 * splits + 1);
  return total + GPU.dispatch + partial / (GPU.bytesPerCycle * GPU.processors);
}
