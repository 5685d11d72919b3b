/**
 * Gradient rule of einsum: every operand's gradient is an Einstein sum of the gradient and the other operand. A label that only this operand has was
 * summed, so its gradient repeats along that axis; a label that it has twice took a diagonal, so its gradient is 0 elsewhere.
 */
import { einsum, expand, eye, mul, reshape, type Shape, type Tensor } from '@mudpt/tensor/functions';
import { equationOf, nth, parseEinsum } from '@mudpt/tensor/internal';
import { ruleFor } from '../rule.ts';

type Labels = readonly string[];
type Labelled = { readonly tensor: Tensor; readonly labels: Labels };

/** The rule for two operands; more operands are contracted two at a time. */
export const einsumRule = ruleFor(
  einsum,
  (context, equation, ...operands) => {
    const [a, b] = operands as [Tensor, Tensor];
    const { operands: terms, out } = parseEinsum(equation, [a.rank, b.rank]);
    const output = einsum(equation, a, b);
    const savedA = context.needs(b) ? context.save(a) : undefined;
    const savedB = context.needs(a) ? context.save(b) : undefined;
    const [shapeA, shapeB] = [a.shape, b.shape];
    const [ofA, ofB] = [nth(terms, 0), nth(terms, 1)];
    return {
      output,
      backward: (tensor) => {
        const grad = { tensor, labels: out };
        return [
          savedB && gradientOf(ofA, shapeA, grad, { tensor: savedB, labels: ofB }),
          savedA && gradientOf(ofB, shapeB, grad, { tensor: savedA, labels: ofA }),
        ];
      },
    };
  },
  { isComposed: (_, ...operands) => operands.length !== 2 },
);

/** Gradient of the operand with labels `labels`; axes of size 1 that were repeated come out long, for the tape to sum. */
function gradientOf(labels: Labels, shape: Shape, grad: Labelled, other: Labelled): Tensor {
  const isFirst = labels.map((label, axis) => labels.indexOf(label) === axis);
  const known = labels.filter((label, axis) => isFirst[axis] && (grad.labels.includes(label) || other.labels.includes(label)));
  const part = einsum(equationOf([grad.labels, other.labels], known), grad.tensor, other.tensor);
  const partial = labels.map((label, axis) =>
    isFirst[axis] && known.includes(label) ? nth(part.shape, known.indexOf(label)) : 1,
  );
  const full = labels.map((label, axis) => Math.max(nth(shape, axis), nth(partial, labels.indexOf(label))));
  const spread = expand(
    reshape(part, partial),
    full.map((size, axis) => (isFirst[axis] ? size : 1)),
  );
  return labels.reduce((gradient, label, axis) => {
    if (isFirst[axis]) return gradient;
    const size = nth(full, axis);
    const diagonal = eye(size, size, { device: grad.tensor.device, dtype: grad.tensor.dtype });
    const place = full.map((_, i) => (i === axis || i === labels.indexOf(label) ? size : 1));
    return mul(gradient, reshape(diagonal, place));
  }, spread);
}
