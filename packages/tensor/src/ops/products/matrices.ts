/** Small matrix functions out of products and views: outer and Kronecker products, diagonals, traces. */
import { ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { eq, mul, where } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { normalizeAxis, showShape } from '../../shape.ts';
import { alias } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { eye } from '../create/create.ts';
import { pad } from '../views/pad.ts';
import { matmul } from './matmul.ts';
import { sum } from '../reduce/reduce.ts';
import { flip, slice } from '../views/slices.ts';
import { reshape, transpose, unsqueeze } from '../views/views.ts';
import { nth } from '../../values.ts';

function expectVector(op: string, name: string, x: Tensor): void {
  x.expectLive(op);
  if (x.rank !== 1) throw new ShapeError(op, `${name} has shape ${showShape(x.shape)}`, 'give a vector, [n]');
}

/** All products of an element of a [m] and one of b [n]: [m, n]. @throws ShapeError */
export const outer = defineOp('outer', (a: Tensor, b: Tensor): Tensor => {
  expectVector('outer', 'a', a);
  expectVector('outer', 'b', b);
  return scope(() => mul(unsqueeze(a, 1), b));
});

/** The sum of the products of a [n] and b [n], a scalar. @throws ShapeError */
export const dot = defineOp('dot', (a: Tensor, b: Tensor): Tensor => {
  expectVector('dot', 'a', a);
  expectVector('dot', 'b', b);
  if (a.size !== b.size) throw new ShapeError('dot', `a has ${a.size} elements, b ${b.size}`, 'give vectors of one length');
  return matmul(a, b);
});

/**
 * The elements x[..., i, i + offset] of matrices [..., m, n]: [..., count]. An offset above 0 is a diagonal above the main one, below 0 one below it.
 * @throws ShapeError for a tensor of rank 0 or 1, or an offset that is not whole
 */
export const diagonal = defineOp('diagonal', (x: Tensor, offset: number = 0): Tensor => {
  x.expectLive('diagonal');
  expectOffset('diagonal', offset);
  if (x.rank < 2) throw new ShapeError('diagonal', `x has shape ${showShape(x.shape)}`, 'give matrices, [..., m, n]');
  const [m, n] = [nth(x.shape, x.rank - 2), nth(x.shape, x.rank - 1)];
  const count = Math.max(0, Math.min(m - Math.max(-offset, 0), n - Math.max(offset, 0)));
  const start = Math.max(offset, 0) + Math.max(-offset, 0) * n;
  return scope(() => {
    const lines = reshape(x, [...x.shape.slice(0, -2), m * n]);
    const range = count === 0 ? { start: 0, stop: 0 } : { start, stop: start + (count - 1) * (n + 1) + 1, step: n + 1 };
    return slice(lines, [...x.shape.slice(0, -2).map(() => null), range]);
  });
});

function expectOffset(op: string, offset: number): void {
  if (!Number.isSafeInteger(offset)) throw new ShapeError(op, `offset is ${offset}`, 'give a whole number');
}

/**
 * The matrix with a vector on a diagonal and 0 elsewhere, or the diagonal of a matrix: NumPy's diag.
 * @throws ShapeError for another rank, or an offset that is not whole
 */
export const diag = defineOp('diag', (x: Tensor, offset: number = 0): Tensor => {
  x.expectLive('diag');
  expectOffset('diag', offset);
  if (x.rank === 2) return diagonal(x, offset);
  if (x.rank !== 1) throw new ShapeError('diag', `x has shape ${showShape(x.shape)}`, 'give a vector or a matrix');
  const [above, below] = [Math.max(offset, 0), Math.max(-offset, 0)];
  return scope(() => {
    const isOn = eq(eye(x.size, x.size, { device: x.device }), 1);
    const square = where(isOn, x, 0);
    return offset === 0
      ? square
      : pad(square, [
          [below, above],
          [above, below],
        ]);
  });
});

/** Sums of the main diagonals of matrices [..., m, n]: [...]. @throws ShapeError */
export const trace = defineOp('trace', (x: Tensor): Tensor => scope(() => sum(diagonal(x), -1)));

/**
 * Kronecker product: every element of a times the whole of b. Of one rank, or the other filled up with leading axes of size 1; axis i of the result has
 * the product of both sizes.
 * @example
 * console.log(await tensor([[1, 2]]).kron(tensor([[1], [1]])).array()); // [[1,2],[1,2]]
 */
export const kron = defineOp('kron', (a: Tensor, b: Tensor): Tensor => {
  a.expectLive('kron');
  b.expectLive('kron');
  const rank = Math.max(a.rank, b.rank);
  const filled = (x: Tensor): number[] => [...Array.from({ length: rank - x.rank }, () => 1), ...x.shape];
  const [left, right] = [filled(a), filled(b)];
  return scope(() => {
    const blocks = reshape(
      a,
      left.flatMap((size) => [size, 1]),
    );
    const inside = reshape(
      b,
      right.flatMap((size) => [1, size]),
    );
    return reshape(
      mul(blocks, inside),
      left.map((size, axis) => size * nth(right, axis)),
    );
  });
});

/**
 * x turned by `turns` times 90 degrees in the plane of two axes, from the first towards the second: views, no copy. (NumPy's rot90.)
 * @param axes default the first two
 * @throws ShapeError for axes out of range or equal, or turns that are not whole
 */
export const rot90 = defineOp('rot90', (x: Tensor, turns: number = 1, axes: readonly number[] = [0, 1]): Tensor => {
  x.expectLive('rot90');
  if (axes.length !== 2 || !Number.isSafeInteger(turns))
    throw new ShapeError('rot90', `turns is ${turns}, axes [${axes.join(', ')}]`, 'give a whole number of turns and two axes');
  const [from, to] = [normalizeAxis('rot90', nth(axes, 0), x.shape), normalizeAxis('rot90', nth(axes, 1), x.shape)];
  if (from === to) throw new ShapeError('rot90', `axes [${axes.join(', ')}] are one`, 'give two axes');
  const quarter = ((turns % 4) + 4) % 4;
  return scope(() => {
    if (quarter === 0) return alias(x);
    if (quarter === 2) return flip(x, [from, to]);
    return quarter === 1 ? flip(transpose(x, from, to), from) : transpose(flip(x, from), from, to);
  });
});
