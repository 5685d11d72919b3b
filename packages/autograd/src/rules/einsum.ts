/**
 * Gradient rule of einsum: every operand's gradient is an Einstein sum of the gradient and the other operand. Labels only the operand has were
 * summed, so it repeats along them; one it has twice took a diagonal, so it is 0 off it.
 */
import { einsum, expand, eye, mul, reshape, type Shape, type Tensor } from '@mudpt/tensor';
import { nth, parseEinsum } from '@mudpt/tensor/internal';
import { defineRule } from '../rule.ts';

type Labels = readonly string[];
type Labelled = { readonly tensor: Tensor; readonly labels: Labels };

defineRule(einsum, (context, equation, a, b) => {
  const labels = parseEinsum(equation, a.rank, b.rank);
  const output = einsum(equation, a, b);
  const savedA = context.needs(b) ? context.save(a) : undefined;
  const savedB = context.needs(a) ? context.save(b) : undefined;
  const [shapeA, shapeB] = [a.shape, b.shape];
  return {
    output,
    backward: (tensor) => {
      const grad = { tensor, labels: labels.out };
      return [
        savedB && gradientOf(labels.a, shapeA, grad, { tensor: savedB, labels: labels.b }),
        savedA && gradientOf(labels.b, shapeB, grad, { tensor: savedA, labels: labels.a }),
      ];
    },
  };
});

/** Gradient of the operand with labels `labels`; axes of size 1 that were repeated come out long, for the tape to sum. */
function gradientOf(labels: Labels, shape: Shape, grad: Labelled, other: Labelled): Tensor {
  const isFirst = labels.map((label, axis) => labels.indexOf(label) === axis);
  const known = labels.filter((label, axis) => isFirst[axis] && (grad.labels.includes(label) || other.labels.includes(label)));
  const part = einsum(equationOf(grad.labels, other.labels, known), grad.tensor, other.tensor);
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

/** An equation with a letter for every label, those under "..." included: at most 16, two operands of 8 axes. */
function equationOf(a: Labels, b: Labels, out: Labels): string {
  const letters = new Map([...new Set([...a, ...b])].map((label, index) => [label, String.fromCodePoint(97 + index)]));
  const term = (labels: Labels): string => labels.map((label) => letters.get(label)).join('');
  return `${term(a)},${term(b)}->${term(out)}`;
}
