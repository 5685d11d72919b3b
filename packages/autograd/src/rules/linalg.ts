/**
 * Gradient rules of matrix decompositions and systems, made of ops. Sources: Giles, "Collected matrix derivative results for forward and reverse mode
 * algorithmic differentiation" (2008); Walter and Lehmann, arXiv:1009.6112 (QR); Townsend, "Differentiating the SVD" (2016).
 */
import * as ops from '@mudpt/tensor/functions';
import {
  add,
  cholesky,
  det,
  diagonal,
  div,
  eigh,
  eq,
  eye,
  inverse,
  lu,
  matmul,
  mul,
  neg,
  qr,
  slogdet,
  solve,
  solveTriangular,
  sub,
  svd,
  type Tensor,
  transpose,
  tril,
  triu,
  unsqueeze,
  where,
  zerosLike,
} from '@mudpt/tensor/functions';
import { ruleFor } from '../rule.ts';

const turned = (x: Tensor): Tensor => transpose(x, -1, -2);
const symmetric = (x: Tensor): Tensor => mul(add(x, turned(x)), 0.5);
const identity = (x: Tensor): Tensor => eye(x.shape.at(-1) ?? 0, x.shape.at(-1) ?? 0, { device: x.device });
type Inverted = { readonly upper?: boolean; readonly transpose?: boolean };
/** a^-1 x or a^-T x from the left, and x a^-1 or x a^-T from the right, for triangular a. */
const leftOf = (a: Tensor, x: Tensor, options: Inverted): Tensor => solveTriangular(a, x, options);
const rightOf = (x: Tensor, a: Tensor, { upper = false, transpose: isTransposed = false }: Inverted = {}): Tensor =>
  turned(solveTriangular(a, turned(x), { upper, transpose: !isTransposed }));
/** The diagonal matrices of vectors [..., n]. */
const diagonalOf = (values: Tensor): Tensor => mul(unsqueeze(values, -1), identity(values));
const orZero = (gradient: Tensor | undefined, like: Tensor): Tensor => gradient ?? zerosLike(like);

export const choleskyRule = ruleFor(cholesky, (context, a) => {
  const output = cholesky(a);
  const lower = context.save(output);
  return {
    output,
    backward: (grad) => {
      const product = tril(matmul(lower, tril(grad), { transposeA: true }));
      const half = sub(product, mul(diagonalOf(diagonal(product)), 0.5));
      return [symmetric(rightOf(leftOf(lower, half, { transpose: true }), lower))];
    },
  };
});

export const solveTriangularRule = ruleFor(solveTriangular, (context, a, b, options = {}) => {
  const { upper = false, transpose: isTransposed = false, unit = false } = options;
  const output = solveTriangular(a, b, options);
  const [savedA, savedX] = [context.save(a), context.needs(a) ? context.save(output) : undefined];
  return {
    output,
    backward: (grad) => {
      const dB = solveTriangular(savedA, grad, { upper, unit, transpose: !isTransposed });
      if (!savedX) return [undefined, dB];
      const outer = isTransposed ? matmul(savedX, dB, { transposeB: true }) : matmul(dB, savedX, { transposeB: true });
      const strict = unit ? 1 : 0;
      return [neg(upper ? triu(outer, strict) : tril(outer, -strict)), dB];
    },
  };
});

export const solveRule = ruleFor(solve, (context, a, b) => {
  const output = solve(a, b);
  const [savedA, savedX] = [context.save(a), context.needs(a) ? context.save(output) : undefined];
  const isVector = b.rank === 1;
  return {
    output,
    backward: (flat) => {
      const grad = isVector ? unsqueeze(flat, -1) : flat;
      const dB = solve(turned(savedA), grad);
      const x = savedX && (isVector ? unsqueeze(savedX, -1) : savedX);
      return [x && neg(matmul(dB, x, { transposeB: true })), isVector ? ops.squeeze(dB, -1) : dB];
    },
  };
});

export const detRule = ruleFor(det, (context, a) => {
  const output = det(a);
  const [saved, result] = [context.save(a), context.save(output)];
  return {
    output,
    backward: (grad) => [mul(unsqueeze(unsqueeze(mul(grad, result), -1), -1), turned(inverse(saved)))],
  };
});

export const slogdetRule = ruleFor(slogdet, (context, a) => {
  const output = slogdet(a);
  const saved = context.save(a);
  return { output, backward: (grad) => [grad && mul(unsqueeze(unsqueeze(grad, -1), -1), turned(inverse(saved)))] };
});

export const luRule = ruleFor(lu, (context, a) => {
  const output = lu(a);
  const [lower, upper, permutation] = [context.save(output.lower), context.save(output.upper), context.save(output.permutation)];
  return {
    output,
    backward: (dLower, dUpper) => {
      const ofLower = tril(matmul(lower, orZero(dLower, lower), { transposeA: true }), -1);
      const ofUpper = triu(matmul(orZero(dUpper, upper), upper, { transposeB: true }));
      const inRows = leftOf(lower, rightOf(add(ofLower, ofUpper), upper, { upper: true, transpose: true }), { transpose: true });
      // Row i of the product is row permutation[i] of a: the inverse order takes the gradient back.
      const back = ops.argsort(permutation);
      return [ops.gather(inRows, -2, ops.expand(unsqueeze(back, -1), inRows.shape))];
    },
  };
});

/** The gradient of a tall matrix from those of its factors. */
function ofTall(q: Tensor, r: Tensor, dQ: Tensor, dR: Tensor): Tensor {
  const product = sub(matmul(r, dR, { transposeB: true }), matmul(dQ, q, { transposeA: true }));
  const below = tril(product, -1);
  const mirrored = add(add(below, turned(below)), diagonalOf(diagonal(product)));
  return rightOf(add(dQ, matmul(q, mirrored)), r, { upper: true, transpose: true });
}

export const qrRule = ruleFor(qr, (context, a) => {
  const output = qr(a);
  const [q, r] = [context.save(output.q), context.save(output.r)];
  const [rows = 0, columns = 0] = a.shape.slice(-2);
  const wide = rows < columns ? context.save(a) : undefined;
  return {
    output,
    backward: (givenQ, givenR) => {
      const [dQ, dR] = [orZero(givenQ, q), triu(orZero(givenR, r))];
      if (!wide) return [ofTall(q, r, dQ, dR)];
      // a = [x y] = q [u v] with square x: v = q^T y.
      const [du, dv] = ops.split(dR, [rows, columns - rows], -1) as [Tensor, Tensor];
      const y = ops.narrow(wide, -1, rows, columns - rows);
      const dx = ofTall(q, ops.narrow(r, -1, 0, rows), add(dQ, matmul(y, dv, { transposeB: true })), du);
      return [ops.cat([dx, matmul(q, dv)], -1)];
    },
  };
});

/** 1 / (values_j - values_i), 0 in the diagonal. */
function reciprocalGaps(values: Tensor): Tensor {
  const isSame = eq(identity(values), 1);
  const gaps = sub(unsqueeze(values, -2), unsqueeze(values, -1));
  return where(isSame, 0, div(1, where(isSame, 1, gaps)));
}

export const eighRule = ruleFor(eigh, (context, a) => {
  const output = eigh(a);
  const [values, vectors] = [context.save(output.values), context.save(output.vectors)];
  return {
    output,
    backward: (dValues, dVectors) => {
      let inner = diagonalOf(orZero(dValues, values));
      if (dVectors) inner = add(inner, mul(reciprocalGaps(values), matmul(vectors, dVectors, { transposeA: true })));
      return [symmetric(matmul(matmul(vectors, inner), vectors, { transposeB: true }))];
    },
  };
});

/** x^T dx less its transpose. */
const turning = (x: Tensor, dx: Tensor): Tensor => {
  const product = matmul(x, dx, { transposeA: true });
  return sub(product, turned(product));
};
/** The part of dx that is orthogonal to the columns of x. */
const beyond = (x: Tensor, dx: Tensor): Tensor => sub(dx, matmul(x, matmul(x, dx, { transposeA: true })));

export const svdRule = ruleFor(svd, (context, a) => {
  const output = svd(a);
  const [u, s, v] = [context.save(output.u), context.save(output.s), context.save(output.v)];
  const [rows = 0, columns = 0] = a.shape.slice(-2);
  return {
    output,
    backward: (dU, dS, dV) => {
      let inner = diagonalOf(orZero(dS, s));
      const gaps = dU || dV ? reciprocalGaps(mul(s, s)) : undefined;
      const [ofRows, ofColumns] = [unsqueeze(s, -1), unsqueeze(s, -2)];
      if (dU && gaps) inner = add(inner, mul(mul(gaps, turning(u, dU)), ofColumns));
      if (dV && gaps) inner = add(inner, mul(ofRows, mul(gaps, turning(v, dV))));
      let result = matmul(matmul(u, inner), v, { transposeB: true });
      if (dU && rows > columns) result = add(result, matmul(div(beyond(u, dU), ofColumns), v, { transposeB: true }));
      if (dV && columns > rows) result = add(result, matmul(u, div(beyond(v, dV), ofColumns), { transposeB: true }));
      return [result];
    },
  };
});
