/**
 * Gradients of all pointwise ops from one table: a row holds its derivative as an expression of the operands, the result `o` and the
 * gradient `g`; each needed gradient is one kernel, and what no expression reads is not kept.
 */
import * as ops from '@mudpt/tensor';
import {
  broadcastShapes,
  completeOperands,
  empty,
  evaluate,
  nameOperands,
  type Op,
  type Operand,
  type PointwiseName,
  pointwiseTable,
  Tensor,
  zeros,
} from '@mudpt/tensor';
import { defineRule, type RuleContext } from '../rule.ts';

type PointwiseOp = Op<(...operands: (Operand | undefined)[]) => Tensor>;
const LETTERS = ['x', 'y', 'z', 'w'] as const;

const reads = (expression: string, letter: string): boolean => new RegExp(`\\b${letter}\\b`).test(expression);

for (const name of Object.keys(pointwiseTable) as PointwiseName[]) {
  const op = (ops as unknown as Record<string, PointwiseOp | undefined>)[name];
  if (!op || pointwiseTable[name].isBool) continue;
  defineRule(op, (context, ...given) => differentiate(name, op, context, given));
}

function differentiate(name: PointwiseName, op: PointwiseOp, context: RuleContext, given: readonly (Operand | undefined)[]) {
  const { gradients } = pointwiseTable[name];
  const output = op.run(...given);
  const operands = completeOperands(name, given);
  const needed = operands.map((operand) => operand instanceof Tensor && context.needs(operand));
  const wanted = needed.map((need, index) => (need ? (gradients ? gradients[index] : '0.0') : undefined));
  const isRead = (letter: string): boolean => wanted.some((expression) => expression && reads(expression, letter));
  const kept = operands.map((operand, index) =>
    operand instanceof Tensor && isRead(LETTERS[index] ?? '') ? context.save(operand) : operand,
  );
  const result = isRead('o') ? context.save(output) : undefined;
  return {
    output,
    inputs: operands.filter((operand) => operand instanceof Tensor),
    backward: (grad: Tensor) =>
      wanted.flatMap((expression, index) => {
        if (!(operands[index] instanceof Tensor)) return [];
        if (!expression) return [undefined];
        if (!gradients) return [zeros(grad.shape, { device: grad.device, dtype: grad.dtype })];
        if (expression === 'g') return [grad];
        const named = { ...nameOperands(kept), ...(result && { o: result }), g: grad };
        const used = Object.fromEntries(Object.entries(named).filter(([letter]) => reads(expression, letter)));
        const shape = Object.values(used).reduce<readonly number[]>(
          (common, operand) => (operand instanceof Tensor ? broadcastShapes(name, common, operand.shape) : common),
          [],
        );
        const dx = empty(grad.device, shape, grad.dtype);
        evaluate(grad.device, { name: `${name}.gradient`, expression, compute: 'f32', operands: used, result: dx });
        return [dx];
      }),
  };
}
