/** Gradient rule of distances between rows. */
import { cdist, div, eq, matmul, mul, sub, sum, type Tensor, transpose, where } from '@mudpt/tensor/functions';
import { cdistBackward, listeningTape } from '@mudpt/tensor/internal';
import { ruleFor } from '../rule.ts';

/** The gradient of rows a, sum over j of w (a_i - b_j) with w = grad / distance, out of ops; equal rows pass none. */
function gradientOfRows(grad: Tensor, distances: Tensor, rows: Tensor, others: Tensor): Tensor {
  const isEqual = eq(distances, 0);
  const weights = where(isEqual, 0, div(grad, where(isEqual, 1, distances)));
  return sub(mul(sum(weights, -1, { keepdim: true }), rows), matmul(weights, others));
}

export const cdistRule = ruleFor(cdist, (context, a, b) => {
  const output = cdist(a, b);
  const [left, right, distances] = [context.save(a), context.save(b), context.save(output)];
  const [needsA, needsB] = [context.needs(a), context.needs(b)];
  return {
    output,
    backward: (grad) => {
      if (listeningTape())
        return [
          needsA ? gradientOfRows(grad, distances, left, right) : undefined,
          needsB ? gradientOfRows(transpose(grad, -1, -2), transpose(distances, -1, -2), right, left) : undefined,
        ];
      return [
        needsA ? cdistBackward(grad, distances, left, right, 'a') : undefined,
        needsB ? cdistBackward(grad, distances, left, right, 'b') : undefined,
      ];
    },
  };
});
