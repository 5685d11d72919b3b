/** Gradients of pointwise operations, for the autograd package: the data of the table and one fused kernel that evaluates them. */
import { ShapeError } from '../errors.ts';
import { sameShape, showShape } from '../shape.ts';
import { alias, empty } from '../definition/views.ts';
import type { Tensor } from '../tensor.ts';
import { contiguous } from '../kernels/copy.ts';
import { completeOperands, nameOperands } from './apply.ts';
import { evaluate, type Operand, type OperandName } from './evaluate.ts';
import type { PointwiseRow } from './row.ts';

/** How the gradient of one operand is computed. */
export type OperandGradient = {
  /** WGSL of the operands x, y, z, w, the result o and its gradient g. Just `g`: the gradient passes unchanged. */
  readonly expression: string;
  /** Positions of the operands it reads; a tape needs to keep no others. */
  readonly readsOperands: readonly number[];
  readonly readsOutput: boolean;
};

/**
 * The gradients of an operation, one entry an operand; undefined where an operand has none (conditions, comparisons, steps such as
 * `floor`: their gradient is zero everywhere).
 */
export function pointwiseDerivative(row: PointwiseRow): readonly (OperandGradient | undefined)[] {
  return row.operands.map((_, index) => {
    const expression = row.gradients?.[index];
    if (expression === undefined) return undefined;
    const reads = (letter: string): boolean => new RegExp(`\\b${letter}\\b`).test(expression);
    const readsOperands = row.operands.flatMap((_name, at) => (reads('xyzw'.charAt(at)) ? [at] : []));
    return { expression, readsOperands, readsOutput: reads('o') };
  });
}

export type PointwiseBackwardArguments = {
  /** The operands of the forward call, as they were given; those that the gradient does not read may be left undefined. */
  readonly inputs: readonly (Operand | undefined)[];
  /** The result of the forward call; needed where {@link OperandGradient.readsOutput}. */
  readonly output?: Tensor | undefined;
  /** Gradient of the result, any strided view of its shape. */
  readonly grad: Tensor;
};

/** The expression of a gradient and what it reads, by letter. */
export type GradientExpression = {
  readonly expression: string;
  readonly operands: Readonly<Partial<Record<OperandName, Operand>>>;
  /** Files of the functions that it, and its derivatives, call. */
  readonly library?: PointwiseRow['library'];
};

/**
 * The expression of the gradient of one operand of a pointwise operation, and its operands; `g` is among them.
 * @throws ShapeError when the operand has no gradient, or something it reads was not given
 */
export function gradientExpression(
  name: string,
  row: PointwiseRow,
  operand: number,
  given: PointwiseBackwardArguments,
): GradientExpression {
  const { grad, output } = given;
  const rule = pointwiseDerivative(row)[operand];
  if (!rule) throw new ShapeError(`${name} backward`, `operand ${operand} has no gradient`, 'treat it as zero');
  grad.expectLive(`${name} backward`);
  if (rule.expression === 'g') return { expression: 'g', operands: { g: grad } };
  const { library } = row;
  const operands = nameOperands(readOperands(name, row, rule, given.inputs));
  if (rule.readsOutput) {
    if (!output || !sameShape(output.shape, grad.shape)) {
      const shape = output ? showShape(output.shape) : 'not given';
      throw new ShapeError(
        `${name} backward`,
        `the output is ${shape}, its gradient ${showShape(grad.shape)}`,
        'keep the output of the forward call',
      );
    }
    operands.o = output;
  }
  return { expression: rule.expression, operands: { ...operands, g: grad }, library };
}

/** Evaluates an expression of gradients in one dispatch: of the shape and dtype of `like`, the operand that came last. */
export function evaluateGradient(name: string, { expression, operands, library }: GradientExpression, like: Tensor): Tensor {
  const result = empty(like.device, like.shape, like.dtype);
  // Strides of more than four operands in eight dimensions do not fit the parameters; a dense gradient needs none.
  using dense = like.rank > 4 ? contiguous(like) : alias(like);
  const settled = Object.fromEntries(Object.entries(operands).map(([letter, value]) => [letter, value === like ? dense : value]));
  evaluate(like.device, { name: `${name}.backward`, expression, library, compute: 'f32', operands: settled, result });
  return result;
}

/**
 * Gradient of one operand of a pointwise operation in one dispatch. It has the shape of the *result*: the caller sums over broadcast axes
 * with {@link sumTo}. Its dtype is that of `grad`. A gradient that passes unchanged is a second handle of `grad`.
 * @throws ShapeError when the operand has no gradient, or something it reads was not given
 */
export function pointwiseBackward(name: string, row: PointwiseRow, operand: number, given: PointwiseBackwardArguments): Tensor {
  const call = gradientExpression(name, row, operand, given);
  return call.expression === 'g' ? alias(given.grad) : evaluateGradient(name, call, given.grad);
}

/** Operands the rule reads, in their places; the others are dropped. */
function readOperands(
  name: string,
  row: PointwiseRow,
  rule: OperandGradient,
  inputs: readonly (Operand | undefined)[],
): (Operand | undefined)[] {
  const filled = inputs.map((value, index) => value ?? (rule.readsOperands.includes(index) ? undefined : 0));
  const complete = completeOperands(name, row, filled);
  return complete.map((value, index) => (rule.readsOperands.includes(index) ? value : undefined));
}
