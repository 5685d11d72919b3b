/** Gemm problems: operands, result and epilogue of a product. */
import type { Shape } from '../../../shape.ts';
import type { Tensor } from '../../../tensor.ts';

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

/** A product as planned: the memory of its result need not exist yet. */
export type Problem = Omit<Product, 'c'> & { readonly c: Matrices };

/** Rows that the narrowest tiles have. */
export const FEW_ROWS = 4;
export const isFewRows = (m: number): boolean => m <= FEW_ROWS;

/** Batch dimensions that kernels carry in their parameters. */
export const MAX_BATCH_DIMS = 4;

/** The matrices in the last two axes of `t` (one axis: a single row), transposed on demand. */
export function matricesOf(t: Tensor, transposed = false): Operand {
  const batch = t.strides.slice(0, -2);
  const [row, col] = [0, 0, ...t.strides].slice(-2) as [number, number];
  return { tensor: t, offset: t.offset, batch, row: transposed ? col : row, col: transposed ? row : col };
}
