/** Rows of the pointwise table, and short forms of the usual kinds. */
import type { DType } from '../dtype.ts';
import type { IntegerComparison } from './compare.ts';
import type { Shape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Operand } from './evaluate.ts';
import { expectIntegers } from './expect.ts';
import {
  angleFunctions,
  type FunctionFile,
  integerFunctions,
  mathFunctions,
  normalFunctions,
  powerFunctions,
  specialFunctions,
} from './library.ts';

/** A row of the table. */
export type PointwiseRow = {
  /** The operation in one sentence, for its documentation. */
  readonly doc: string;
  /** Names of the operands, in order. */
  readonly operands: readonly string[];
  /** Value of the last operands when they are left out. */
  readonly defaults?: readonly number[];
  /** Files of the functions that its expressions call: see {@link math}, {@link angle}, {@link power}, {@link normal}, {@link special}, {@link integer}. */
  readonly library?: readonly FunctionFile[];
  /** How integers are compared exactly. */
  readonly compare?: (name: string, operands: readonly Operand[], shape: Shape) => Tensor | IntegerComparison | undefined;
  /** Throws for operands that it does not take; `promoted` is the dtype that those without a condition have together. Default: all are taken. */
  readonly expect?: (name: string, operands: readonly Operand[], promoted: DType) => void;
  /** The operands with numbers beside integers that fit their dtype; default: as they are. */
  readonly settleNumbers?: (operands: readonly Operand[]) => readonly Operand[];
  /** f32 arithmetic (f16 is converted). A comparison is a WGSL bool. */
  readonly forward: string;
  /** i32 and u32 arithmetic; where there is none, integers are converted to f32. */
  readonly integer?: string;
  /** The result is bool; operands keep their type for the comparison. */
  readonly isBool?: boolean;
  /** Defined for integers only: floats are refused, and there is no gradient. */
  readonly isInteger?: boolean;
  /** u32 arithmetic of 0 and 1 where all operands are bools, which gives bools; where there is none, bools count as i32. */
  readonly bool?: string;
  /** Operand x is a condition: bool or integer, and no part of the promotion. The result may be bool. */
  readonly isConditional?: boolean;
  /** For each operand: its share of the gradient, or undefined where it has none. No list: zero gradient everywhere. */
  readonly gradients?: readonly (string | undefined)[];
  /** Operands from low to high, for tests; each operand has its own range, or all share the first. */
  readonly domain: readonly (readonly [low: number, high: number])[];
  /** Operand values (of x - y for two operands) next to which derivatives jump, for tests. */
  readonly kinks?: readonly number[];
};

/** Operands of functions of one tensor and of two. */
export const X = ['x'] as const;
export const XY = ['x', 'y'] as const;
/** Where tests draw operands from. */
export const anyNumber = [-8, 8] as const;
export const anywhere = [anyNumber] as const;
export const positive = [[0.01, 20]] as const;

/** `row`, whose expressions call functions of `file` too. */
const calling = (row: PointwiseRow, file: FunctionFile): PointwiseRow => ({ ...row, library: [...(row.library ?? []), file] });

/** `row`, whose expressions call functions of math.base.wgsl. */
/* @__NO_SIDE_EFFECTS__ */
export const math = (row: PointwiseRow): PointwiseRow => calling(row, mathFunctions);
/** `row`, whose expressions call functions of math.normal.wgsl. */
/* @__NO_SIDE_EFFECTS__ */
export const normal = (row: PointwiseRow): PointwiseRow => calling(row, normalFunctions);
/** `row`, whose expressions call functions of math.angle.wgsl. */
/* @__NO_SIDE_EFFECTS__ */
export const angle = (row: PointwiseRow): PointwiseRow => calling(row, angleFunctions);
/** `row`, whose expressions call functions of math.power.wgsl. */
/* @__NO_SIDE_EFFECTS__ */
export const power = (row: PointwiseRow): PointwiseRow => calling(row, powerFunctions);
/** `row`, whose expressions call functions of special.wgsl. */
/* @__NO_SIDE_EFFECTS__ */
export const special = (row: PointwiseRow): PointwiseRow => calling(row, specialFunctions);
/** `row`, whose integer expression calls functions of integer.wgsl. */
/* @__NO_SIDE_EFFECTS__ */
export const integer = (row: PointwiseRow): PointwiseRow => calling(row, integerFunctions);

/** A comparison or a predicate. */
/* @__NO_SIDE_EFFECTS__ */
export const test = (
  doc: string,
  operands: readonly string[],
  forward: string,
  integer = forward,
  defaults?: readonly number[],
): PointwiseRow => ({
  doc,
  operands,
  ...(defaults && { defaults }),
  forward,
  integer,
  isBool: true,
  domain: [[-3, 3]],
});

/** A function of the bits of integers, and of bools. */
/* @__NO_SIDE_EFFECTS__ */
export const bitwise = (doc: string, operands: readonly string[], integer: string, bool = integer): PointwiseRow => ({
  ...whole(doc, operands, integer),
  bool,
});

/** A function of integers alone; bools count as i32. */
/* @__NO_SIDE_EFFECTS__ */
export const whole = (
  doc: string,
  operands: readonly string[],
  integer: string,
  domain: PointwiseRow['domain'] = [[-40, 40]],
): PointwiseRow => ({ doc, operands, forward: integer, integer, isInteger: true, expect: expectIntegers, domain });

/** A function of steps: its gradient is zero. */
/* @__NO_SIDE_EFFECTS__ */
export const step = (doc: string, forward: string, integer = 'x'): PointwiseRow => ({
  doc,
  operands: X,
  forward,
  integer,
  domain: anywhere,
});

/** A smooth function of floats. */
/* @__NO_SIDE_EFFECTS__ */
export const smooth = (
  doc: string,
  forward: string,
  gradient: string,
  domain: PointwiseRow['domain'] = anywhere,
  kinks?: readonly number[],
): PointwiseRow => ({ doc, operands: X, forward, gradients: [gradient], domain, kinks });
