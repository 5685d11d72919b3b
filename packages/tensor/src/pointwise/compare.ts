/** Exact integer comparisons, also with numbers that do not fit the dtype and between u32 and i32. */
import { type DType, isFloat, rangeOf } from '../dtype.ts';
import { fill } from '../kernels/fill.ts';
import type { Shape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { ComputeType, Operand } from './evaluate.ts';

/** The same comparison with its operands exchanged. */
const EXCHANGED = { eq: 'eq', ne: 'ne', lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' } as const;
type Comparison = keyof typeof EXCHANGED;

const SIGNS: Readonly<Record<Comparison, string>> = { eq: '==', ne: '!=', lt: '<', le: '<=', gt: '>', ge: '>=' };

function isComparison(name: string): name is Comparison {
  return Object.hasOwn(EXCHANGED, name);
}

/** The answer where it is the same for every integer of `dtype`, or else the integer of that dtype that gives an equal comparison. */
function question(name: Comparison, dtype: DType, number: number): boolean | number {
  if (Number.isNaN(number)) return name === 'ne';
  const [low, high] = rangeOf(dtype);
  const [floor, ceil] = [Math.floor(number), Math.ceil(number)];
  switch (name) {
    case 'lt':
      return ceil > high ? true : ceil <= low ? false : ceil;
    case 'le':
      return floor >= high ? true : floor < low ? false : floor;
    case 'gt':
      return floor < low ? true : floor >= high ? false : floor;
    case 'ge':
      return ceil <= low ? true : ceil > high ? false : ceil;
    default:
      return number === floor && number >= low && number <= high ? number : name === 'ne';
  }
}

/** The reduced form of an integer comparison: operands that fit, and the WGSL that compares them. */
export type IntegerComparison = {
  readonly operands: readonly Operand[];
  readonly compute: ComputeType;
  readonly expression?: string;
};

/**
 * How to compare `operands` by `name` where integers are among them and no other float: the result of `shape` where it is the same for all elements, or
 * the reduced form; undefined where the table's row does.
 */
export function compareIntegers(
  name: string,
  operands: readonly Operand[],
  shape: Shape,
): Tensor | IntegerComparison | undefined {
  const [x, y] = operands;
  if (!isComparison(name) || x === undefined || y === undefined) return undefined;
  if (typeof x === 'number' || typeof y === 'number') {
    const [tensor, number] = typeof x === 'number' ? [y, x] : [x, y];
    if (typeof tensor === 'number' || typeof number !== 'number' || isFloat(tensor.dtype)) return undefined;
    const asked = question(typeof x === 'number' ? EXCHANGED[name] : name, tensor.dtype, number);
    if (typeof asked === 'boolean') return fill(tensor.device, shape, 'bool', Number(asked));
    const compute = tensor.dtype === 'i32' ? 'i32' : 'u32';
    return { operands: typeof x === 'number' ? [asked, tensor] : [tensor, asked], compute };
  }
  if (!(x.dtype === 'u32' && y.dtype === 'i32') && !(x.dtype === 'i32' && y.dtype === 'u32')) return undefined;
  return { operands, compute: 'u32', expression: mixedExpression(name, y.dtype === 'i32' ? 'y' : 'x') };
}

/** Compares the bits of both as u32, which is right unless the signed one is negative; then that one is less. */
function mixedExpression(name: Comparison, signed: 'x' | 'y'): string {
  const [negative, plain] = [`bitcast<i32>(${signed}) < 0`, `x ${SIGNS[name]} y`];
  const isTrueOfNegative = name === 'ne' || (signed === 'y' ? name === 'gt' || name === 'ge' : name === 'lt' || name === 'le');
  return isTrueOfNegative ? `${negative} || ${plain}` : `!(${negative}) && ${plain}`;
}
