/**
 * The table of pointwise operations: one row each, of one tensor in unary.ts, of two operands in binary.ts, of more in ternary.ts. Kernel, public
 * function, gradient and test follow from the row.
 *
 * Expressions are WGSL of the operands x, y, z, w and the helpers of the math files, special.wgsl (floats) and integer.wgsl; `C` is the type of the arithmetic.
 * Gradient expressions also read o, the result, and g, the gradient of the result; they are data here, only autograd uses them.
 */
import * as binaryTable from './binary.ts';
import type { PointwiseRow } from './row.ts';
import * as ternaryTable from './ternary.ts';
import * as unaryTable from './unary.ts';

export type UnaryName = keyof typeof unaryTable;
export type BinaryName = keyof typeof binaryTable;
/** Any operation of the table. */
export type PointwiseName = UnaryName | BinaryName | keyof typeof ternaryTable;

/** All rows by name, for gradients, tests and documentation. */
export const pointwiseTable: Readonly<Record<PointwiseName, PointwiseRow>> = { ...unaryTable, ...binaryTable, ...ternaryTable };

/** Whether `name` is an operation of the table. */
export function isPointwise(name: string): name is PointwiseName {
  return Object.hasOwn(pointwiseTable, name);
}
