/** Numbers beside tensors of integers that need not fit their dtype. */
import { type DType, isFloat, promote, rangeOf } from '../dtype.ts';
import type { Operand } from './evaluate.ts';

/** The dtype of the tensors of `operands` where none of them is of floats. */
function integersOf(operands: readonly Operand[]): DType | undefined {
  const dtypes = operands.flatMap((operand) => (typeof operand === 'number' ? [] : [operand.dtype]));
  return dtypes.some(isFloat) ? undefined : dtypes.reduce(promote, 'u32');
}

/** For logical operations, which only ask whether a number is zero. */
export function zeroOrOne(operands: readonly Operand[]): readonly Operand[] {
  if (integersOf(operands) === undefined) return operands;
  return operands.map((operand) => (typeof operand === 'number' ? Number(operand !== 0) : operand));
}

/** For `[x, low, high]` of clamp: a bound beyond every integer of the tensors limits nothing. */
export function boundsOfIntegers(operands: readonly Operand[]): readonly Operand[] {
  const dtype = integersOf(operands);
  if (dtype === undefined) return operands;
  const [least, most] = rangeOf(dtype);
  const [x, low, high] = operands as [Operand, Operand, Operand];
  return [
    x,
    typeof low === 'number' && low < least && !isFraction(low) ? least : low,
    typeof high === 'number' && high > most && !isFraction(high) ? most : high,
  ];
}

const isFraction = (x: number): boolean => Number.isFinite(x) && !Number.isInteger(x);
