/**
 * Gradients of all pointwise ops from the rows of their table: each needed gradient is one kernel, and what none of them reads is not
 * kept.
 */
import { type Operand, Tensor, TensorError, zeros } from '@mudpt/tensor/functions';
import { listeningTape, pointwiseBackward, pointwiseDerivative, type PointwiseRow } from '@mudpt/tensor/internal';
import type { Op } from '@mudpt/tensor/kernels';
import { type AnyRule, type OpRule, type Rule, type RuleContext, type RuleResult, useFinder } from '../rule.ts';

type PointwiseOp = Op<(...operands: (Operand | undefined)[]) => Tensor> & { readonly row?: PointwiseRow };

/** How a tape records the backward of pointwise ops: set by the rules of their gradients, which only derivatives of gradients need. */
export const recorded: { backward?: typeof pointwiseBackward } = {};

/** The rules of all pointwise ops: they follow from the rows. */
export const pointwiseRules: OpRule = {
  ops: [],
  use: () =>
    useFinder((op) => {
      const { row } = op as unknown as PointwiseOp;
      if (!row || row.isBool || row.isInteger) return undefined;
      const rule: Rule<PointwiseOp> = (context, ...operands) =>
        differentiate(op as unknown as PointwiseOp, row, context, operands);
      return rule as AnyRule;
    }),
};

function backwardOf(name: string): typeof pointwiseBackward {
  if (!listeningTape()) return pointwiseBackward;
  if (recorded.backward) return recorded.backward;
  throw new TensorError(name, 'the rules of second derivatives are not in this bundle', 'call useRules(...allRules) first');
}

function differentiate(
  op: PointwiseOp,
  row: PointwiseRow,
  context: RuleContext,
  operands: readonly (Operand | undefined)[],
): RuleResult<Tensor> {
  // A tape outside of this one records the op, too.
  const output = listeningTape() ? op(...operands) : op.run(...operands);
  const derivatives = pointwiseDerivative(row);
  const needed = operands.map((operand) => operand instanceof Tensor && context.needs(operand));
  const wanted = derivatives.filter((_, index) => needed[index]);
  const inputs = operands.map((operand, index) =>
    !(operand instanceof Tensor)
      ? operand
      : wanted.some((derivative) => derivative?.readsOperands.includes(index))
        ? context.save(operand)
        : undefined,
  );
  const result = wanted.some((derivative) => derivative?.readsOutput) ? context.save(output) : undefined;
  return {
    output,
    takesF32: true,
    inputs: operands.map((operand) => (operand instanceof Tensor ? operand : undefined)),
    backward: (grad) =>
      needed.map((need, index) => {
        if (!need) return undefined;
        if (!derivatives[index]) return zeros(grad.shape, { device: grad.device, dtype: grad.dtype });
        return backwardOf(op.opName)(op.opName, row, index, { inputs, output: result, grad });
      }),
  };
}
