/** Rows of the pointwise table, and short forms of the usual kinds. */
import { integerWgsl, mathWgsl, type Shader, specialWgsl } from '@mudpt/shaders';
import type { IntegerComparison } from './compare.ts';
import type { Shape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Operand } from './evaluate.ts';

/** A row of the table. */
export type PointwiseRow = {
  /** The operation in one sentence, for its documentation. */
  readonly doc: string;
  /** Names of the operands, in order. */
  readonly operands: readonly string[];
  /** Value of the last operands when they are left out. */
  readonly defaults?: readonly number[];
  /** Files of the functions that its expressions call, `math_...` of math.wgsl: see {@link math}, {@link special}, {@link integer}. */
  readonly library?: readonly Shader[];
  /** How integers are compared exactly. */
  readonly compare?: (name: string, operands: readonly Operand[], shape: Shape) => Tensor | IntegerComparison | undefined;
  /** f32 arithmetic (f16 is converted). A comparison is a WGSL bool. */
  readonly forward: string;
  /** i32 and u32 arithmetic; where there is none, integers are converted to f32. */
  readonly integer?: string;
  /** The result is bool; operands keep their type for the comparison. */
  readonly isBool?: boolean;
  /** Defined for integers only: floats are refused, and there is no gradient. */
  readonly isInteger?: boolean;
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

/** `row`, whose expressions call functions of `files` too. */
const calling = (row: PointwiseRow, ...files: readonly Shader[]): PointwiseRow => ({
  ...row,
  library: [...(row.library ?? []), ...files],
});

/** `row`, whose expressions call functions of math.wgsl. */
/* @__NO_SIDE_EFFECTS__ */
export const math = (row: PointwiseRow): PointwiseRow => calling(row, mathWgsl);
/** `row`, whose expressions call functions of special.wgsl, and of math.wgsl, which these call. */
/* @__NO_SIDE_EFFECTS__ */
export const special = (row: PointwiseRow): PointwiseRow => calling(row, mathWgsl, specialWgsl);
/** `row`, whose integer expression calls functions of integer.wgsl. */
/* @__NO_SIDE_EFFECTS__ */
export const integer = (row: PointwiseRow): PointwiseRow => calling(row, integerWgsl);

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

/** A function of integers alone; bools count as i32. */
/* @__NO_SIDE_EFFECTS__ */
export const whole = (
  doc: string,
  operands: readonly string[],
  integer: string,
  domain: PointwiseRow['domain'] = [[-40, 40]],
): PointwiseRow => ({ doc, operands, forward: integer, integer, isInteger: true, domain });

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
