/**
 * Gradients of all pointwise ops from the rows of their table: each needed gradient is one kernel, and what none of them reads is not
 * kept.
 */
import * as ops from '@mudpt/tensor';
import { type Operand, Tensor, zeros } from '@mudpt/tensor';
import { listeningTape, pointwiseBackward, pointwiseDerivative, type PointwiseRow } from '@mudpt/tensor/internal';
import type { Op } from '@mudpt/tensor/kernels';
import { defineRule, type RuleContext, type RuleResult } from '../rule.ts';
import { recordedBackward } from './pointwise-gradient.ts';

type PointwiseOp = Op<(...operands: (Operand | undefined)[]) => Tensor> & { readonly row?: PointwiseRow };

for (const op of Object.values(ops) as unknown as PointwiseOp[]) {
  const { row } = op;
  if (row && !row.isBool && !row.isInteger) defineRule(op, (context, ...operands) => differentiate(op, row, context, operands));
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
    inputs: operands.map((operand) => (operand instanceof Tensor ? operand : undefined)),
    backward: (grad) =>
      needed.map((need, index) => {
        if (!need) return undefined;
        if (!derivatives[index]) return zeros(grad.shape, { device: grad.device, dtype: grad.dtype });
        return (listeningTape() ? recordedBackward : pointwiseBackward)(op.opName, row, index, { inputs, output: result, grad });
      }),
  };
}
