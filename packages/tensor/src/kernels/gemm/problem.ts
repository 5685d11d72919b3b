/** What the gemm family computes, and its normal form: few batch dimensions, the small side as rows. */
import { collapse, type Shape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';

/** Activations a product can be finished with; `none` is the identity. */
export type Activation = 'none' | 'relu' | 'gelu' | 'geluTanh' | 'quickGelu' | 'silu';

/** A stack of matrices: element (z, i, j) is at offset + sum(z_d * batch[d]) + i * row + j * col, in elements. */
export type Matrices = { readonly offset: number; readonly row: number; readonly col: number; readonly batch: readonly number[] };
export type Operand = Matrices & { readonly tensor: Tensor };

export type Bias = { readonly tensor: Tensor; readonly offset: number; readonly row: number; readonly col: number };

/** How sums become results: act(alpha * sum + bias) + residual, or (alpha * sum + bias) * act'(grad) + residual. */
export type Epilogue = {
  readonly alpha?: number;
  readonly bias?: Bias;
  readonly activation?: Activation;
  /** Receives the values before the activation; strides as those of the result. */
  readonly save?: Tensor;
  /** Saved values whose activation derivative multiplies the result; strides as those of the result. Excludes `save`. */
  readonly grad?: Tensor;
  /** Added last; strides as those of the result. */
  readonly residual?: Tensor;
};

/** c[z] = epilogue(a[z] x b[z]), a[z] of m x k, b[z] of k x n, z over `batch`. */
export type Product = {
  readonly batch: Shape;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: Operand;
  readonly b: Operand;
  readonly c: Operand;
  readonly epilogue: Epilogue;
};

/** Batch dimensions that kernels carry in their parameters. */
export const MAX_BATCH_DIMS = 4;

/** The matrices in the last two axes of `t` (one axis: a single row), transposed on demand. */
export function matricesOf(t: Tensor, transposed = false): Operand {
  const row = t.strides[t.rank - 2] ?? 0;
  const col = t.strides[t.rank - 1] ?? 0;
  const batch = t.strides.slice(0, -2);
  return { tensor: t, offset: t.offset, batch, row: transposed ? col : row, col: transposed ? row : col };
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
  const [a = [], b = [], c = []] = strides;
  let { m } = p;
  let [rowA, rowC] = [p.a.row, p.c.row];
  // A bias along the rows would have to repeat with the batch.
  const first = p.epilogue.bias === undefined || p.epilogue.bias.row === 0 ? 0 : shape.length;
  for (let last = shape.length - 1; last >= first; last -= 1) {
    const [strideA = 0, strideB = 0, strideC = 0] = [a[last], b[last], c[last]];
    if (strideB !== 0) break;
    if (m !== 1 && (strideA !== rowA * m || strideC !== rowC * m)) break;
    if (m === 1) [rowA, rowC] = [strideA, strideC];
    m *= shape.pop() ?? 1;
    for (const list of [a, b, c]) list.pop();
  }
  return {
    ...p,
    batch: shape,
    m,
    a: { ...p.a, row: rowA, batch: a },
    b: { ...p.b, batch: b },
    c: { ...p.c, row: rowC, batch: c },
  };
}

/**
 * Normal form: batch dimensions merged as far as strides allow, and a and b exchanged where that makes the narrow side the rows
 * (kernels have narrow tiles along m only) or the result contiguous along its columns.
 */
export function normalize(product: Product): Product {
  const p = collapsed(product);
  const narrow = p.n <= 4 && p.m > 4;
  const columnMajor = p.c.col !== 1 && p.c.row === 1 && p.n > 1 && p.m > 4;
  return narrow || columnMajor ? swapped(p) : p;
}
