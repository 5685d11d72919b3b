/** Type promotion of pointwise operations, and numbers combined with tensors in the promoted type. */
import { type DType, isFloat, promote } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import type { ComputeType, Operand } from './evaluate.ts';
import type { PointwiseRow } from './row.ts';

/**
 * Tensors are promoted by bool < u32 < i32 < f16 < f32. A number takes the type of the tensors if it fits, else it is f32. Arithmetic on
 * bools gives i32, bitwise operations of them bools. Operations without an integer form give f32.
 * @throws DTypeError where integers would wrap: u32 with i32, or with a negative whole number
 */
export function settleTypes(
  name: string,
  row: PointwiseRow,
  operands: readonly Operand[],
): { readonly compute: ComputeType; readonly dtype: DType } {
  const values = row.isConditional ? operands.slice(1) : operands;
  let common: DType | undefined;
  for (const value of values) {
    if (typeof value === 'number') continue;
    common = common === undefined ? value.dtype : promote(common, value.dtype);
  }
  const promoted = values.reduce<DType>(
    (dtype, value) => (typeof value === 'number' ? fitNumber(dtype, value) : dtype),
    common ?? 'f32',
  );
  row.expect?.(name, operands, promoted);
  if (row.isBool) {
    const compute = isFloat(promoted) ? 'f32' : promoted === 'i32' ? 'i32' : 'u32';
    return { compute, dtype: 'bool' };
  }
  if (promoted === 'bool' && row.bool !== undefined) return { compute: 'u32', dtype: 'bool' };
  if (isFloat(promoted)) return { compute: 'f32', dtype: promoted };
  if (row.integer === undefined) return { compute: 'f32', dtype: 'f32' };
  if (promoted === 'bool' && row.isConditional) return { compute: 'u32', dtype: 'bool' };
  if (promoted === 'i32') expectNoUnsigned(name, values);
  return promoted === 'u32' ? { compute: 'u32', dtype: 'u32' } : { compute: 'i32', dtype: 'i32' };
}

function fitNumber(dtype: DType, value: number): DType {
  if (isFloat(dtype)) return dtype;
  if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 32) return 'f32';
  if (dtype === 'bool') return value === 0 || value === 1 ? 'bool' : fitNumber('i32', value);
  if (dtype === 'u32') return value < 0 ? 'i32' : 'u32';
  return value < 2 ** 31 ? 'i32' : 'f32';
}

/** The error for u32 with i32: neither dtype holds all values of the other. */
function expectNoUnsigned(name: string, values: readonly Operand[]): void {
  if (!values.some((value) => typeof value !== 'number' && value.dtype === 'u32')) return;
  const other = values.find((value) => typeof value === 'number' && value < 0);
  throw new DTypeError(
    name,
    `a u32 tensor stands beside ${other === undefined ? 'an i32 tensor' : `the negative number ${other}`}, and neither type holds both`,
    "cast the u32 tensor first: .cast('i32') where its values are below 2^31, else .cast('f32')",
  );
}
