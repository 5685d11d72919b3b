/** Replacing rows of a block's input, in few dispatches. */
import { defineRule } from '@mudpt/autograd';
import { cat, expand, mul, narrow, reshape, ShapeError, sum, type Tensor, tensor } from '@mudpt/tensor';
import { defineOp } from '@mudpt/tensor/kernels';

/**
 * x [..., T, width] with `rows` [n, width] in the places start to start + n - 1 of every sequence: one dispatch. What stood there gets no
 * gradient; `rows` get the sum over the sequences.
 * @throws ShapeError when the rows do not fit in there
 */
export const replaceRows = defineOp('replaceRows', replaced);

function replaced(x: Tensor, rows: Tensor, start: number): Tensor {
  const axis = x.rank - 2;
  const [length = 0, width] = x.shape.slice(axis);
  const [count = 0] = rows.shape;
  if (rows.rank !== 2 || rows.shape[1] !== width || start + count > length) {
    throw new ShapeError(
      'replaceRows',
      `rows of shape [${rows.shape.join(', ')}] from row ${start} on do not fit into [${x.shape.join(', ')}]`,
      `give at most ${length - start} rows of width ${width}`,
    );
  }
  using before = narrow(x, axis, 0, start);
  using own = reshape(rows, [...x.shape.slice(0, axis).map(() => 1), ...rows.shape]);
  using spread = expand(own, [...x.shape.slice(0, axis), ...rows.shape]);
  using after = narrow(x, axis, start + count, length - start - count);
  return cat([before, spread, after], axis);
}

defineRule(replaceRows, (context, x, rows, start) => {
  const { device, dtype } = x;
  const [length = 0, width = 0] = x.shape.slice(-2);
  const [count = 0] = rows.shape;
  const needs = { x: context.needs(x), rows: context.needs(rows) };
  return {
    output: replaced(x, rows, start),
    backward: (grad) => {
      const kept = (): Tensor => {
        const ones = Array.from({ length }, (_, row) => (row >= start && row < start + count ? 0 : 1));
        return mul(grad, tensor(ones, { shape: [length, 1], device, dtype }));
      };
      const own = narrow(grad, grad.rank - 2, start, count);
      return [
        needs.x ? kept() : undefined,
        needs.rows ? (grad.rank === 2 ? own : sum(reshape(own, [-1, count, width]), [0])) : undefined,
      ];
    },
  };
});
