/** The normal form of a product: few batch dimensions, the narrow side as rows. */
import { collapse } from '../../../shape.ts';
import { view } from '../../../definition/views.ts';
import type { Tensor } from '../../../tensor.ts';
import { contiguousCopy } from '../../copy.ts';
import { FEW_ROWS, matricesOf, type Operand, type Product } from './problem.ts';

/**
 * Normal form: batch dimensions merged as far as strides allow, and a and b exchanged where that makes the narrow side the rows
 * (kernels have narrow tiles along m only) or the result contiguous along its columns.
 */
export function normalize(product: Product): Product {
  const p = collapsed(product);
  const narrow = p.n <= FEW_ROWS && p.m > FEW_ROWS;
  const columnMajor = p.c.col !== 1 && p.c.row === 1 && p.n > 1 && p.m > FEW_ROWS;
  return narrow || columnMajor ? swapped(p) : p;
}

const transposed = (x: Operand): Operand => ({ ...x, row: x.col, col: x.row });

/** The same product with the roles of a and b exchanged: the result is written transposed. */
function swapped(p: Product): Product {
  const { bias } = p.epilogue;
  const epilogue = bias ? { ...p.epilogue, bias: { ...bias, row: bias.col, col: bias.row } } : p.epilogue;
  return { ...p, m: p.n, n: p.m, a: transposed(p.b), b: transposed(p.a), c: transposed(p.c), epilogue };
}

/** Merges batch dimensions that all operands walk as one, and those that only repeat b into rows: [B, T, C] x [C, N] is one product. */
function collapsed(p: Product): Product {
  const { shape, strides } = collapse(p.batch, [p.a.batch, p.b.batch, p.c.batch]);
  const [a, b, c] = strides as [number[], number[], number[]];
  let { m } = p;
  let [rowA, rowC] = [p.a.row, p.c.row];
  let rank = shape.length;
  // A bias along the rows would have to repeat with the batch.
  const first = p.epilogue.bias === undefined || p.epilogue.bias.row === 0 ? 0 : rank;
  while (rank > first) {
    const [size, strideA, strideB, strideC] = [shape, a, b, c].map((list) => list[rank - 1]) as [number, number, number, number];
    if (strideB !== 0) break;
    if (m !== 1 && (strideA !== rowA * m || strideC !== rowC * m)) break;
    if (m === 1) [rowA, rowC] = [strideA, strideC];
    m *= size;
    rank -= 1;
  }
  return {
    ...p,
    batch: shape.slice(0, rank),
    m,
    a: { ...p.a, row: rowA, batch: a.slice(0, rank) },
    b: { ...p.b, batch: b.slice(0, rank) },
    c: { ...p.c, row: rowC, batch: c.slice(0, rank) },
  };
}

/**
 * Calls `body` with the same product in one batch dimension, for batches that do not merge to {@link MAX_BATCH_DIMS} (broadcast on one side, then the
 * other, and again): repeats are written out once.
 */
export function withMergedBatch(p: Product, body: (merged: Product) => void): void {
  const copyOf = (x: Operand, rows: number, columns: number): Tensor => {
    using full = view(x.tensor, { shape: [...p.batch, rows, columns], strides: [...x.batch, x.row, x.col], offset: x.offset });
    return contiguousCopy(full);
  };
  using a = copyOf(p.a, p.m, p.k);
  using b = copyOf(p.b, p.k, p.n);
  body({ ...p, a: matricesOf(a), b: matricesOf(b) });
}
