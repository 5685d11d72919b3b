/** The tiles of gemm.block: a name, a shape, and what each asks of a device. */

/** A tile of a workgroup, in rows and columns of the result, and of an invocation. */
export type Block = {
  readonly rows: number;
  readonly columns: number;
  /** Rows and columns of the sums of an invocation: 4 or 8. */
  readonly sumRows: number;
  readonly sumColumns: number;
};

/** Names say rows x columns of the tile; `_wide` has as many sums in more invocations. */
export const BLOCKS = {
  block128x128: { rows: 128, columns: 128, sumRows: 8, sumColumns: 8 },
  block64x128: { rows: 64, columns: 128, sumRows: 8, sumColumns: 8 },
  block64x64: { rows: 64, columns: 64, sumRows: 8, sumColumns: 4 },
  block64x64_wide: { rows: 64, columns: 64, sumRows: 4, sumColumns: 4 },
  block32x64: { rows: 32, columns: 64, sumRows: 4, sumColumns: 4 },
  block32x32: { rows: 32, columns: 32, sumRows: 4, sumColumns: 4 },
  block16x64: { rows: 16, columns: 64, sumRows: 4, sumColumns: 4 },
} as const satisfies Readonly<Record<string, Block>>;

export type BlockName = keyof typeof BLOCKS;
export const BLOCK_NAMES = Object.keys(BLOCKS) as BlockName[];

export const isBlock = (variant: string): variant is BlockName => variant in BLOCKS;

/** Steps of k that a workgroup holds at once. */
export const BLOCK_STEPS = 16;

/** Invocations of a workgroup. */
export const threadsOf = ({ rows, columns, sumRows, sumColumns }: Block): number => (rows / sumRows) * (columns / sumColumns);

/** Bytes of workgroup memory of one buffer for both operands. */
const bufferBytes = ({ rows, columns }: Block): number => 4 * BLOCK_STEPS * (rows + columns);

/** Two buffers need one barrier a block; where they exceed the device's limit one has to do. */
export const buffersOf = (block: Block, workgroupBytes: number): 1 | 2 => (2 * bufferBytes(block) <= workgroupBytes ? 2 : 1);

/** Bytes of workgroup memory on a device with this limit. */
export const blockBytes = (block: Block, workgroupBytes: number): number => buffersOf(block, workgroupBytes) * bufferBytes(block);

/** The defines of gemm.block for a tile. */
export function blockDefines(block: Block, workgroupBytes: number): Readonly<Record<string, number>> {
  const { rows: BM, columns: BN, sumRows: TM, sumColumns: TN } = block;
  return { BM, BN, TM, TN, THREADS: threadsOf(block), BUFFERS: buffersOf(block, workgroupBytes) };
}

/** Blocks that a device with these limits can run. */
export function blocksWithin(limits: { readonly workgroupBytes: number; readonly invocations: number }): BlockName[] {
  return BLOCK_NAMES.filter((name) => {
    const block = BLOCKS[name];
    return threadsOf(block) <= limits.invocations && bufferBytes(block) <= limits.workgroupBytes;
  });
}
