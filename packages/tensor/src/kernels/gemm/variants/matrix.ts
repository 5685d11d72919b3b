/** The matrix variants: subgroup matrix units of an adapter, an experimental feature, so they are candidates only after a check on the device. */
import { gemmMatrixWgsl } from '@mudpt/shaders';
import { bytesPerElement, type FloatDType } from '../../../dtype.ts';
import type { SubgroupMatrixConfig } from '../../../engine/adapter.ts';
import { LimitError } from '../../../errors.ts';
import { kernel } from '../../kernel.ts';
import type { Matrices, Problem } from '../problem/problem.ts';
import type { DeviceTraits } from '../problem/traits.ts';
import { dispatching, type GemmVariant } from './variant.ts';

/** How a workgroup divides its tile. */
export type MatrixTile = {
  readonly rows: number;
  readonly columns: number;
  /** Subgroups along each side. */
  readonly down: number;
  readonly across: number;
  /** Steps of k in a block. */
  readonly steps: number;
  /** Part of the peak of multiply-adds in f32 that a full processor reaches, which is above 1 (see `TileModel`). */
  readonly efficiency: number;
};

const dispatch = dispatching(kernel({ name: 'gemm.matrix', source: gemmMatrixWgsl }));

/** Bytes that are fetched at once. Units of some drivers load no lines that begin elsewhere than at multiples of it, in storage or in a block. */
const CHUNK = 16;
/** Most matrices side by side that a subgroup finishes at once. */
const MOST_HELD = 2;

const DTYPES = ['f16', 'f32'] as const;
/** Components that are fetched at once. */
const chunkOf = (dtype: FloatDType): number => CHUNK / bytesPerElement(dtype);
const isOf = ({ componentType, resultComponentType }: SubgroupMatrixConfig, dtype: FloatDType): boolean =>
  componentType === dtype && resultComponentType === 'f32';

/** A kernel for a tile: the units that it uses, and its defines that follow. */
type Shape = {
  readonly units: SubgroupMatrixConfig;
  readonly sm: number;
  readonly sn: number;
  readonly buffers: 1 | 2;
  readonly held: number;
};

/** The kernel with the largest units that take the product and leave a whole number of matrices to each subgroup. */
function shapeOf({ a, b, k }: Problem, traits: DeviceTraits, tile: MatrixTile): Shape | undefined {
  const dtype = DTYPES.find((known) => known === a.tensor.dtype && known === b.tensor.dtype);
  if (!dtype) return undefined;
  const chunk = chunkOf(dtype);
  const { rows, columns, down, across, steps } = tile;
  const threads = traits.subgroupSize * down * across;
  if (threads === 0 || threads > traits.invocations) return undefined;
  if ([rows, columns].some((side) => ((side * steps) / chunk) % threads !== 0)) return undefined;
  if (!isDense(a, k, chunk) || !isDense({ ...b, row: b.col, col: b.row }, k, chunk)) return undefined;
  return traits.subgroupMatrix
    .filter((units) => isOf(units, dtype))
    .flatMap((units) => shapeWith(units, tile, chunk, traits.workgroupBytes) ?? [])
    .sort(({ units: x }, { units: y }) => y.M * y.N * y.K - x.M * x.N * x.K)[0];
}

function shapeWith(units: SubgroupMatrixConfig, tile: MatrixTile, chunk: number, workgroupBytes: number): Shape | undefined {
  const { M, N, K } = units;
  const { rows, columns, down, across, steps } = tile;
  const [sm, sn] = [rows / (down * M), columns / (across * N)];
  const isWhole = [sm, sn, steps / K, M / chunk, N / chunk, K / chunk].every((count) => Number.isInteger(count) && count > 0);
  if (!isWhole) return undefined;
  // Lines along k have the most padding.
  const block = (rows + columns) * (steps / chunk + 1) * CHUNK;
  const result = 4 * down * across * M * N;
  for (const buffers of [2, 1] as const) {
    for (let held = Math.min(sn, MOST_HELD); held > 0; held -= 1)
      if (sn % held === 0 && buffers * block + held * result <= workgroupBytes) return { units, sm, sn, buffers, held };
  }
  return undefined;
}

/** Contiguous along one axis, with lines that begin at multiples of `chunk` components. */
function isDense({ offset, row, col, batch }: Matrices, k: number, chunk: number): boolean {
  const isAligned = (...values: readonly number[]): boolean => values.every((value) => value % chunk === 0);
  if (!isAligned(offset, ...batch)) return false;
  return (col === 1 && row > 0 && isAligned(row, k)) || (row === 1 && col > 0 && isAligned(col));
}

/** The variant of a tile. */
export function matrix(name: string, tile: MatrixTile): GemmVariant {
  const { rows, columns, down, across, steps, efficiency } = tile;
  return {
    name,
    idea: `${rows}x${columns} of ${down * across} subgroups, whose matrix units multiply blocks: an instruction for thousands of multiply-adds`,
    runsOn: (traits, p) => shapeOf(p, traits, tile) !== undefined,
    tiling: () => ({ rows, columns }),
    defines(p, traits) {
      const shape = shapeOf(p, traits, tile);
      if (!shape)
        throw new LimitError('gemm', 'no shape of the subgroup matrix units takes this product', 'ask runsOn before planning it');
      const { units, sm, sn, buffers, held } = shape;
      return {
        CM: units.M,
        CN: units.N,
        CK: units.K,
        BM: rows,
        BN: columns,
        BK: steps,
        SM: sm,
        SN: sn,
        BUFFERS: buffers,
        HELD: held,
        A_COL: p.a.col === 1 ? 0 : 1,
        B_COL: p.b.row === 1 ? 1 : 0,
      };
    },
    dispatch,
    model: { rows, columns, sumRows: rows / down / 4, sumColumns: columns / across / 8, efficiency, waits: 0.5, bytes: 2 },
    madeFor: 'gpu',
    provenBy: {
      m: 72,
      n: 200,
      k: 136,
      layouts: ['NT', 'TN'],
      dtypes: ({ subgroupMatrix, workgroupBytes }) =>
        DTYPES.filter((dtype) =>
          subgroupMatrix.some((units) => isOf(units, dtype) && shapeWith(units, tile, chunkOf(dtype), workgroupBytes)),
        ),
      tolerance: 1e-4,
    },
  };
}

/** The tiles that were the fastest of some product; their efficiencies are from 6304 x 2304 x 768 on an H200. */
export const MATRIX_VARIANTS: readonly GemmVariant[] = [
  matrix('matrix128x128', { rows: 128, columns: 128, down: 4, across: 2, steps: 32, efficiency: 2 }),
  matrix('matrix64x128', { rows: 64, columns: 128, down: 2, across: 2, steps: 32, efficiency: 1.2 }),
  matrix('matrix64x64', { rows: 64, columns: 64, down: 2, across: 2, steps: 32, efficiency: 0.75 }),
];
