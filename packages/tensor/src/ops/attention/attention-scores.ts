/** Scores of attention as matrices [B, H, Tq, Tk], out of ops: heads of queries in groups that share keys, and what the band of keys hides. */
import type { AttentionProblem } from '../../kernels/attention/problem.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import { ones } from '../create/create.ts';
import { cast } from '../views/copy.ts';
import { padConstant as pad } from '../views/pad.ts';
import { tril, triu } from '../indexing/masks.ts';
import { matmul } from '../products/matmul.ts';
import { logicalOr } from '../../pointwise/ops.ts';
import { permute, reshape, unsqueeze } from '../views/views.ts';

const HEADS_FIRST = [0, 2, 1, 3];

/** [B, T, H, D] as matrices that a product broadcasts: [B, H, T, D], or [B, G, H / G, T, D] where heads share `keyHeads` = G of keys. */
function queryMatrices(x: Tensor, keyHeads: number): Tensor {
  const [batch = 0, rows = 0, heads = 0, depth = 0] = x.shape;
  if (heads === keyHeads) return permute(x, HEADS_FIRST);
  return permute(reshape(x, [batch, rows, keyHeads, heads / keyHeads, depth]), [0, 2, 3, 1, 4]);
}

/** [B, T, G, D] as matrices for those of `heads` heads of queries. */
function keyMatrices(x: Tensor, heads: number): Tensor {
  const matrices = permute(x, HEADS_FIRST);
  return heads === nth(x.shape, 2) ? matrices : unsqueeze(matrices, 2);
}

/** x [B, Tq, H, D] with every row of y [B, Tk, G, D], H a multiple of G: alpha x yᵀ [B, H, Tq, Tk]. */
export function productWithKeys(x: Tensor, y: Tensor, alpha = 1): Tensor {
  const [batch = 0, queries = 0, heads = 0] = x.shape;
  const keyHeads = nth(y.shape, 2);
  const product = matmul(queryMatrices(x, keyHeads), keyMatrices(y, heads), { transposeB: true, alpha });
  return heads === keyHeads ? product : reshape(product, [batch, heads, queries, nth(y.shape, 1)]);
}

/** weights [B, H, Tq, Tk] times values [B, Tk, G, D]: [B, Tq, H, D], strided. */
export function weightedValues(weights: Tensor, values: Tensor): Tensor {
  const [batch = 0, heads = 0, queries = 0, keys = 0] = weights.shape;
  const [, , keyHeads = 0, depth = 0] = values.shape;
  if (heads === keyHeads) return permute(matmul(weights, keyMatrices(values, heads)), HEADS_FIRST);
  const grouped = reshape(weights, [batch, keyHeads, heads / keyHeads, queries, keys]);
  const out = matmul(grouped, keyMatrices(values, heads));
  return reshape(permute(out, [0, 3, 1, 2, 4]), [batch, queries, heads, depth]);
}

/** Keys that are hidden by their place, bool [Tq, P + Tk] with the prefix first; nothing if none is. */
export function hiddenByPlace(problem: AttentionProblem): Tensor | undefined {
  const { device, queries, keys, firstKey, lastKey, prefixLength } = problem;
  const after =
    lastKey === undefined
      ? undefined
      : cast(triu(ones([queries, prefixLength + keys], { device }), prefixLength + lastKey + 1), 'bool');
  if (firstKey === undefined) return after;
  const before = afterPrefix(cast(tril(ones([queries, keys], { device }), firstKey - 1), 'bool'), prefixLength, 0);
  return after ? logicalOr(before, after) : before;
}

/** x [..., Tk] with `value` for the keys of a prefix in front. */
export function afterPrefix(x: Tensor, prefixLength: number, value: number): Tensor {
  if (prefixLength === 0) return x;
  return pad(x, [...x.shape.slice(1).map(() => [0, 0] as const), [prefixLength, 0]], value);
}
