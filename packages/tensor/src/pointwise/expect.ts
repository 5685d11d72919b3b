/** What operations of integers, and of a condition, refuse. */
import { type DType, isFloat } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import type { Operand } from './evaluate.ts';

/** @param promoted the dtype that all of `values` have together @throws DTypeError where that is of floats */
export function expectIntegers(name: string, values: readonly Operand[], promoted: DType): void {
  if (!isFloat(promoted)) return;
  const at = values.findIndex((value) => typeof value !== 'number' && isFloat(value.dtype));
  const found = values[at];
  const number = values.find((value) => typeof value === 'number');
  const what =
    typeof found === 'object' ? `operand ${at} has dtype ${found.dtype}` : `the number ${number} is none of the tensor's dtype`;
  throw new DTypeError(name, what, "it is defined for whole numbers: give i32 or u32 tensors, .cast('i32')");
}

/** @throws DTypeError unless the first operand is a tensor of bools or integers */
export function expectCondition(name: string, [condition]: readonly Operand[]): void {
  if (typeof condition === 'object' && !isFloat(condition.dtype)) return;
  const what = typeof condition === 'object' ? `has dtype ${condition.dtype}` : 'is a number';
  throw new DTypeError(name, `the condition ${what}`, 'give a bool tensor, for instance x.gt(0)');
}
