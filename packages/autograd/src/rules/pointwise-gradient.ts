/** Gradients of pointwise ops as ops: their gradients are the derivatives of their expressions, one kernel each. */
import { alias, type Operand, Tensor, TensorError, zeros } from '@mudpt/tensor/functions';
import {
  evaluateGradient,
  type GradientExpression,
  gradientExpression,
  nth,
  type pointwiseBackward,
} from '@mudpt/tensor/internal';
import { defineOp, type Op, type OperandName } from '@mudpt/tensor/kernels';
import { derivative, times } from '../expression/differentiate.ts';
import { lettersIn, parse, print } from '../expression/parse.ts';
import { type OpRule, ruleFor } from '../rule.ts';
import { recorded } from './pointwise.ts';

/** Letters of gradients by order: that of the result, that of the gradient, and so on. */
const ORDERS: readonly OperandName[] = ['g', 'h', 'k', 'm'];

/** An expression of gradients; the operand with the last of their letters gives shape and dtype. */
const pointwiseGradient = defineOp(
  'pointwiseGradient',
  (name: string, call: GradientExpression): Tensor => evaluateGradient(name, call, latestOf(call).tensor),
);

/** As pointwiseBackward, for a tape to record. */
const recordedBackward: typeof pointwiseBackward = (name, row, operand, given) => {
  const call = gradientExpression(name, row, operand, given);
  return call.expression === 'g' ? alias(given.grad) : pointwiseGradient(name, call);
};

function latestOf({ operands }: GradientExpression): { readonly order: number; readonly tensor: Tensor } {
  const order = ORDERS.findLastIndex((letter) => operands[letter] instanceof Tensor);
  return { order, tensor: operands[nth(ORDERS, order)] as Tensor };
}

const gradientRule = ruleFor(pointwiseGradient, (context, name, call) => {
  const letters = (Object.keys(call.operands) as OperandName[]).filter((letter) => call.operands[letter] instanceof Tensor);
  const next = ORDERS[latestOf(call).order + 1];
  if (!next) throw new TensorError(name, `derivatives above order ${ORDERS.length} are not there`, 'differentiate less often');
  const tree = parse(call.expression);
  const slopes = letters.map((letter) => {
    if (!context.needs(call.operands[letter])) return undefined;
    const slope = derivative(name, tree, letter);
    return slope && times({ kind: 'name', name: next }, slope);
  });
  const read = new Set(slopes.flatMap((slope) => (slope ? [...lettersIn(slope)] : [])));
  const saved = Object.fromEntries(
    Object.entries(call.operands).flatMap(([letter, value]: [string, Operand]) =>
      read.has(letter) ? [[letter, value instanceof Tensor ? context.save(value) : value]] : [],
    ),
  );
  const needed = letters.map((letter) => context.needs(call.operands[letter]));
  return {
    output: pointwiseGradient(name, call),
    inputs: letters.map((letter) => call.operands[letter] as Tensor),
    backward: (grad) =>
      slopes.map((slope, index) => {
        if (!needed[index]) return undefined;
        if (!slope) return zeros(grad.shape, { device: grad.device, dtype: grad.dtype });
        const used = lettersIn(slope);
        const operands = Object.fromEntries(Object.entries(saved).filter(([letter]) => used.has(letter)));
        return pointwiseGradient(name, { ...call, expression: print(slope), operands: { ...operands, [next]: grad } });
      }),
  };
});

/** The rules of the gradients of pointwise ops. */
export const pointwiseGradientRules: OpRule = {
  ops: [pointwiseGradient as unknown as Op],
  use: () => {
    gradientRule.use();
    recorded.backward = recordedBackward;
  },
};
