/**
 * The pointwise parts of recurrent cells, one kernel each where separate ops would be four to six. Source: torch.nn.LSTM and GRU.
 */
import { add, empty, mul, sigmoid, sub, tanh, type Tensor } from '@mudpt/tensor/functions';
import { evaluateWith, mathFunctions } from '@mudpt/tensor/internal';
import { defineOp, type Op } from '@mudpt/tensor/kernels';
import { defineRule } from '../rule.ts';

const LETTERS = ['x', 'y', 'z', 'w'] as const;

/** An op of tensors of one shape, and its gradients, as expressions of them; g is the gradient of the result. */
/* @__NO_SIDE_EFFECTS__ */
function fused<A extends readonly Tensor[]>(
  name: string,
  expression: string,
  gradients: readonly string[],
  composition: (...operands: A) => Tensor,
): Op<(...operands: A) => Tensor> {
  const run = (label: string, of: string, operands: readonly Tensor[], grad?: Tensor): Tensor => {
    const [first] = operands as unknown as [Tensor];
    const result = empty(first.device, first.shape, first.dtype);
    const named = Object.fromEntries(operands.map((operand, i) => [LETTERS[i], operand]));
    evaluateWith(first.device, {
      name: label,
      expression: of,
      library: [mathFunctions],
      compute: 'f32',
      operands: { ...named, ...(grad && { g: grad }) },
      result,
    });
    return result;
  };
  const op = defineOp(name, (...operands: A) => run(name, expression, operands));
  // The rule treats all operands alike, however many there are.
  defineRule<(...operands: Tensor[]) => Tensor>(
    op as unknown as Op<(...operands: Tensor[]) => Tensor>,
    (context, ...operands) => {
      const needs = operands.map((operand) => context.needs(operand));
      const saved = operands.map((operand) => context.save(operand));
      return {
        output: op.run(...(operands as unknown as A)),
        inputs: operands,
        backward: (grad) =>
          gradients.map((gradient, i) => (needs[i] ? run(`${name}.gradient`, gradient, saved, grad) : undefined)),
      };
    },
    { composition: composition as unknown as (...operands: Tensor[]) => Tensor },
  );
  return op;
}

const s = (x: string): string => `math_sigmoid(${x})`;
const t = (x: string): string => `math_tanh(${x})`;
const slope = (x: string): string => `${s(x)} * ${s(`-${x}`)}`;
const tanhSlope = (x: string): string => `(1.0 - ${t(x)} * ${t(x)})`;

/** The next cell state of an LSTM, sigmoid(i) tanh(g) + sigmoid(f) c. */
export const lstmState = fused(
  'lstmState',
  `${s('x')} * ${t('y')} + ${s('z')} * w`,
  [`g * ${slope('x')} * ${t('y')}`, `g * ${s('x')} * ${tanhSlope('y')}`, `g * ${slope('z')} * w`, `g * ${s('z')}`],
  (i: Tensor, g: Tensor, f: Tensor, c: Tensor) => add(mul(sigmoid(i), tanh(g)), mul(sigmoid(f), c)),
);

/** The next hidden state of an LSTM, sigmoid(o) tanh(c). */
export const lstmOutput = fused(
  'lstmOutput',
  `${s('x')} * ${t('y')}`,
  [`g * ${slope('x')} * ${t('y')}`, `g * ${s('x')} * ${tanhSlope('y')}`],
  (o: Tensor, c: Tensor) => mul(sigmoid(o), tanh(c)),
);

/** The candidate of a GRU, tanh(n + sigmoid(r + hr) hn): r and n of the input, hr and hn of the hidden state. */
export const gruCandidate = fused(
  'gruCandidate',
  t(`(z + ${s('(x + y)')} * w)`),
  [
    ...['x', 'y'].map(() => `g * ${tanhSlope(`(z + ${s('(x + y)')} * w)`)} * w * ${slope('(x + y)')}`),
    `g * ${tanhSlope(`(z + ${s('(x + y)')} * w)`)}`,
    `g * ${tanhSlope(`(z + ${s('(x + y)')} * w)`)} * ${s('(x + y)')}`,
  ],
  (r: Tensor, hr: Tensor, n: Tensor, hn: Tensor) => tanh(add(n, mul(sigmoid(add(r, hr)), hn))),
);

/** The next hidden state of a GRU, u h + (1 - u) n with u = sigmoid(z + hz). */
export const gruOutput = fused(
  'gruOutput',
  `z + ${s('(x + y)')} * (w - z)`,
  [...['x', 'y'].map(() => `g * (w - z) * ${slope('(x + y)')}`), `g * ${s('-(x + y)')}`, `g * ${s('(x + y)')}`],
  (z: Tensor, hz: Tensor, n: Tensor, h: Tensor) => add(n, mul(sigmoid(add(z, hz)), sub(h, n))),
);
