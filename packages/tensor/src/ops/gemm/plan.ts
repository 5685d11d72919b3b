/** How a product in normal form is carried out: variant, how operands are read, splits of k, parameters and grid. */
import { LimitError } from '../../errors.ts';
import { padFront } from '../../shape.ts';
import { MAX_BATCH_DIMS, type Matrices, type Product } from './problem.ts';

export type Variant = 'broadcast' | 'tile' | 'plain' | 'dot' | 'matrix';

/** What a plan needs to know of the device. */
export type Facts = {
  readonly cpu: boolean;
  readonly subgroupSize: number;
  /** Whether the subgroup matrix kernel passed its numeric gate on this device and can take this product. */
  readonly matrix: boolean;
};

const NARROW_ROWS = 4;
const STACKED_SUBGROUPS = 4;

const MATRIX_TILE = 32;

/**
 * Rows of the register tile of gemm.broadcast. At 8 lanes, where a tile is narrow, the tall one is the cheapest for most heights (the time of a tile
 * of 4, 8, 16, 24 rows is as 0.22 : 0.29 : 0.41 : 0.5); at 4 it takes too long to compile, and at 16 and more the registers end. There are two
 * heights only, since each is up to a dozen pipelines, and one takes half a second to compile when it first runs.
 */
function broadcastRows(m: number, subgroupSize: number): number {
  if (m <= NARROW_ROWS) return NARROW_ROWS;
  return subgroupSize === 8 ? 24 : 16;
}

export type Tiling = { readonly rows: number; readonly columns: number; readonly defines: Readonly<Record<string, number>> };

export function tilingOf(variant: Variant, m: number, subgroupSize: number): Tiling {
  switch (variant) {
    case 'broadcast': {
      const TM = broadcastRows(m, subgroupSize);
      const GROUPS = TM === NARROW_ROWS ? 1 : STACKED_SUBGROUPS;
      const TV = subgroupSize === 4 ? 2 : 1;
      return { rows: TM * GROUPS, columns: 4 * subgroupSize * TV, defines: { TM, TV, GROUPS } };
    }
    case 'tile':
      return { rows: 64, columns: 64, defines: {} };
    case 'plain':
      return { rows: 32, columns: 32, defines: {} };
    case 'dot':
      return { rows: 4, columns: subgroupSize > 0 ? 256 / subgroupSize : 4, defines: {} };
    case 'matrix':
      return { rows: MATRIX_TILE, columns: MATRIX_TILE, defines: {} };
  }
}

/** Variants that can run here, the presumably best first. */
export function candidates(m: number, facts: Facts): Variant[] {
  const { cpu, subgroupSize, matrix } = facts;
  const few = m <= NARROW_ROWS;
  const broadcasts: Variant[] = [4, 8, 16, 32, 64].includes(subgroupSize) ? ['broadcast'] : [];
  if (cpu) return [...broadcasts, 'plain', 'tile', 'dot', ...(matrix ? (['matrix'] as const) : [])];
  const plain: Variant[] = few ? ['dot', 'tile', 'plain'] : ['tile', 'plain', 'dot'];
  return [
    ...(matrix && !few ? (['matrix'] as const) : []),
    ...plain,
    ...broadcasts,
    ...(matrix && few ? (['matrix'] as const) : []),
  ];
}

/** The tuner's class of a product: how its operands lie, and how large it is. */
export function keyOf(p: Product): string {
  const { VA, VB } = loadModes(p);
  const size = p.m <= NARROW_ROWS ? 'few' : p.m * p.n <= 128 * 128 ? 'small' : 'large';
  return `${VA}${VB}/${size}`;
}

const aligned = (...values: readonly number[]): boolean => values.every((value) => value % 4 === 0);

/** 'k', 'm' or 's' of gemm.load for an operand of `lines` rows and k columns; `col` runs along k. */
function loadMode(x: Matrices, lines: number, k: number, along: 'm' | 'n'): string {
  if (!aligned(x.offset, ...x.batch)) return 's';
  if ((x.col === 1 || k === 1) && (lines === 1 || aligned(x.row))) return 'k';
  if ((x.row === 1 || lines === 1) && (k === 1 || aligned(x.col))) return along;
  return 's';
}

/** How a and b are read: the defines VA and VB. */
export function loadModes({ a, b, m, n, k }: Product): { readonly VA: string; readonly VB: string } {
  return { VA: loadMode(a, m, k, 'm'), VB: loadMode({ ...b, row: b.col, col: b.row }, n, k, 'n') };
}

/** Whether c, and what is addressed like it, is written as vec4. */
export function storesVectors({ c, n, m, epilogue }: Product): boolean {
  const extra = [epilogue.save, epilogue.grad, epilogue.residual].flatMap((t) => (t ? [t.offset] : []));
  return c.col === 1 && aligned(n, c.offset, ...extra, ...c.batch) && (m === 1 || aligned(c.row));
}

/** Fewest steps of k that are worth a workgroup of their own. */
const SHORTEST_CHUNK = 256;

/**
 * Parts of k that are summed by workgroups of their own, for products with too few tiles to fill the device and a long k.
 * `forced` overrides the heuristic (tests).
 */
export function chooseSplits(tiles: number, k: number, cpu: boolean, forced: number | undefined): number {
  const wanted = cpu ? 8 : 128;
  const heuristic = k >= 4 * SHORTEST_CHUNK && tiles * 2 <= wanted ? Math.min(Math.ceil(wanted / tiles), 32) : 1;
  const most = forced === undefined ? Math.floor(k / SHORTEST_CHUNK) : Math.ceil(k / 16);
  return Math.max(1, Math.min(forced ?? heuristic, most));
}

/** Steps of k of one split: a multiple of the 16 steps that gemm.tile takes at once. */
export function chunkOf(k: number, splits: number): number {
  return Math.max(16, Math.ceil(k / splits / 16) * 16);
}

const pad = (strides: readonly number[]): number[] => padFront(strides, MAX_BATCH_DIMS, 0);

/** The parameters of gemm.common that follow from a product. */
export function paramsOf(p: Product, tiling: Tiling, splits: number): Record<string, number | readonly number[]> {
  const { m, n, k, a, b, c, epilogue } = p;
  const { bias, save, grad, residual, alpha = 1 } = epilogue;
  if (p.batch.length > MAX_BATCH_DIMS)
    throw new LimitError('gemm', `${p.batch.length} batch dimensions remain`, `merge them to ${MAX_BATCH_DIMS}`);
  return {
    batch_shape: padFront(p.batch, MAX_BATCH_DIMS, 1),
    a_batch: pad(a.batch),
    b_batch: pad(b.batch),
    c_batch: pad(c.batch),
    m,
    n,
    k,
    k_chunk: chunkOf(k, splits),
    tiles_m: Math.ceil(m / tiling.rows),
    tiles_n: Math.ceil(n / tiling.columns),
    batches: p.batch.reduce((product, size) => product * size, 1),
    splits,
    a_offset: a.offset,
    a_row: a.row,
    a_col: a.col,
    b_offset: b.offset,
    b_row: b.row,
    b_col: b.col,
    c_offset: c.offset,
    c_row: c.row,
    c_col: c.col,
    c_split: 0,
    bias_offset: bias?.offset ?? 0,
    bias_row: bias?.row ?? 0,
    bias_col: bias?.col ?? 0,
    pre_offset: (save ?? grad)?.offset ?? 0,
    residual_offset: residual?.offset ?? 0,
    alpha,
    has_bias: bias ? 1 : 0,
    has_residual: residual ? 1 : 0,
  };
}
