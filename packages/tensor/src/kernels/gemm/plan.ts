/** How a product in normal form is carried out: variant, how operands are read, splits of k, parameters and grid. */
import { LimitError } from '../../errors.ts';
import { padFront } from '../../shape.ts';
import { BLOCK_NAMES, BLOCKS, blockDefines } from './blocks.ts';
import { epilogueParams } from './epilogue.ts';
import { MAX_BATCH_DIMS, type Matrices, type Product } from './problem.ts';
import { chunkOf } from './splits.ts';

/** All variants of a product. */
export const VARIANTS = ['broadcast', 'tile', 'plain', 'dot', 'matrix', ...BLOCK_NAMES] as const;
export type Variant = (typeof VARIANTS)[number];

/** What a plan needs to know of the device. */
export type Facts = {
  readonly cpu: boolean;
  readonly subgroupSize: number;
  /** Limits of a workgroup: bytes of its memory, and invocations. */
  readonly workgroupBytes: number;
  readonly invocations: number;
  /** Whether the subgroup matrix kernel passed its numeric gate on this device and can take this product. */
  readonly matrix: boolean;
};

const NARROW_ROWS = 4;
export const isFewRows = (m: number): boolean => m <= NARROW_ROWS;

const STACKED_SUBGROUPS = 4;

const MATRIX_TILE = 32;

/** Multiply-adds of a product that takes less time to compute in the flat tile than a pipeline of its own would take to compile. */
const SMALL_WORK = 2 ** 22;

type Lanes = Omit<Facts, 'matrix'>;
type Subgroups = Pick<Facts, 'cpu' | 'subgroupSize'>;

/**
 * Whether one pipeline of gemm.broadcast serves operands that lie in different ways. So it is on CPU adapters of 8 lanes, where a pipeline takes half a
 * second to compile and selects hide behind loads (no more than 2 % of a tile's time; 5 to 20 % at 4 lanes, where compiling takes a fifth of a second).
 */
const isLoose = ({ cpu, subgroupSize }: Subgroups): boolean => cpu && subgroupSize === 8;

/**
 * Whether gemm.broadcast takes its flat tile of 4 rows rather than the tall one. At 8 lanes, where a tile is narrow, the tall one has 24 rows, the
 * cheapest for most heights (the time of a tile of 4, 8, 16, 24 rows is as 0.22 : 0.29 : 0.41 : 0.5); at 4 lanes 24 take too long to compile, and at
 * 16 and more the registers end: it has 16. There are two heights only, since each is a pipeline or more. A loose flat tile reads and writes at any
 * alignment, so small products that are not aligned take it, too.
 */
function isFlat(p: Product, lanes: Subgroups): boolean {
  if (isFewRows(p.m)) return true;
  const uneven = loadModes(p).VA === 's' || !storesVectors(p) || p.k % 4 !== 0;
  return isLoose(lanes) && uneven && p.m * p.n * p.k <= SMALL_WORK;
}

export type Tiling = { readonly rows: number; readonly columns: number; readonly defines: Readonly<Record<string, number>> };

export function tilingOf(variant: Variant, p: Product, lanes: Lanes): Tiling {
  const { subgroupSize } = lanes;
  switch (variant) {
    case 'broadcast': {
      const flat = isFlat(p, lanes);
      const TM = flat ? NARROW_ROWS : subgroupSize === 8 ? 24 : 16;
      const GROUPS = flat ? 1 : STACKED_SUBGROUPS;
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
    default: {
      const block = BLOCKS[variant];
      return { rows: block.rows, columns: block.columns, defines: blockDefines(block, lanes.workgroupBytes) };
    }
  }
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

/** How a kernel reads and writes: the defines VA, VB, TAIL, VC. */
export function accessOf(variant: Variant, p: Product, lanes: Subgroups): Readonly<Record<string, string | number>> {
  const { VA, VB } = loadModes(p);
  const exact = { VA, VB, TAIL: p.k % 4 === 0 ? 0 : 1, VC: storesVectors(p) ? 1 : 0 };
  if (variant !== 'broadcast' || !isLoose(lanes)) return exact;
  const loose = { ...exact, VB: VB === 's' ? 's' : 'v' };
  return isFlat(p, lanes) ? { ...loose, VA: 's', TAIL: 1, VC: 0 } : loose;
}

const pad = (strides: readonly number[]): number[] => padFront(strides, MAX_BATCH_DIMS, 0);

/** The parameters of gemm.common that follow from a product. */
export function paramsOf(p: Product, tiling: Tiling, splits: number): Record<string, number | readonly number[]> {
  const { m, n, k, a, b, c, epilogue } = p;
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
    b_along_n: loadModes(p).VB === 'n' ? 1 : 0,
    ...epilogueParams(epilogue),
  };
}
